"""The file of a recording, block after block, so that whatever was written stays readable when its
writer is killed.

    MBOTREC1                    eight bytes
    block, block, block ...     until the end, or until one that is cut off

A block is a head of 24 bytes, little-endian (`HEAD`): the marker ``blk!``, the kind (one letter),
the number of the table, two bytes of nothing, the number of the first row, the length of the body,
and the CRC-32 of the body; then the body. Kinds:

- ``M`` metadata: JSON. A later one replaces an earlier one; they come whenever it is begun, paused,
  cleared or ended. While it records they have `since_s`, the reading of the monotonic clock at
  which `seconds` begins to grow.
- ``S`` schema of a table: an Arrow IPC schema message; it comes before the table's rows.
- ``R`` rows of a table: an Arrow IPC record batch message. A row that was there already is replaced
  by the later one (a command goes on after it was sent).
- ``C`` clear: rows of the table before this number are gone.
- ``E`` end: nothing is missing before it. Another stretch may follow.

docs/recording.md says it for people.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["HEAD", "MAGIC", "SINCE", "Block", "TruncatedTail", "block", "blocks"]

MAGIC = b"MBOTREC1"
HEAD = struct.Struct("<4scBxxQII")
MARKER = b"blk!"
MAX_BODY = 2**30
SINCE = "since_s"


class Block(NamedTuple):
    """One block as it was read."""

    kind: bytes
    table: int
    first: int
    body: memoryview


class TruncatedTail(NamedTuple):
    """What follows the last whole block: from where, and how many bytes."""

    at: int
    nbytes: int


def block(kind: bytes, body: bytes, *, table: int = 0, first: int = 0) -> bytes:
    """One block as bytes."""
    return HEAD.pack(MARKER, kind, table, first, len(body), zlib.crc32(body)) + body


def blocks(data: memoryview) -> Iterator[Block | TruncatedTail]:
    """The blocks of a file, after its first eight bytes; a `TruncatedTail` at last where one is not
    whole."""
    at, end = len(MAGIC), len(data)
    while at < end:
        if end - at < HEAD.size:
            break
        marker, kind, table, first, length, crc = HEAD.unpack_from(data, at)
        body = data[at + HEAD.size : at + HEAD.size + length]
        if marker != MARKER or len(body) != length or zlib.crc32(body) != crc:
            break
        yield Block(kind, table, first, body)
        at += HEAD.size + length
    else:
        return
    yield TruncatedTail(at, end - at)
