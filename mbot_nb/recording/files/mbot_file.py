"""Recordings in our own format (`.mbot`): written whole or piece by piece, read as far as they go.
See :mod:`.mbot_blocks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..tables.arrow import arrow_schema, batch, conformed
from ..tables.columns import Chunk
from ..tables.schema import SCHEMA
from .mbot_blocks import MAGIC, SINCE, TruncatedTail, block, blocks

__all__ = ["ROW", "FileContents", "file_head", "numbered_block", "read", "rows_block", "write"]

TABLES = tuple(SCHEMA)
"""A block names its table by its place in here."""
ROW = "row"
"""In the file the commands have this column before the others: their numbers, since a block may
tell of any of them again."""
ROWS_TOGETHER = 65_536

NumberedRows = tuple[int, pa.RecordBatch]
"""The number of the first row, and the rows."""

_to_json = msgspec.json.Encoder().encode


class FileContents(msgspec.Struct):
    """What a file holds."""

    tables: dict[str, pa.Table]
    numbers: dict[str, Any]
    """The numbers of each table's rows."""
    metadata: dict[str, Any]
    ended: bool
    truncated: int
    """Bytes of an unfinished block at its end."""
    missing: int
    """Rows that were never written."""

    def missing_at_end(self) -> str | None:
        """What is missing at the end of the file, or was where it comes from, in words; None if
        nothing is."""
        words = [str(earlier)] if (earlier := self.metadata.get("cut")) else []
        if not self.ended:
            last, offset = self._last(), self.metadata.get("clocks", {}).get("wall_offset_s")
            when = ""
            if last is not None and offset is not None:
                when = f" after {datetime.fromtimestamp(last + offset, UTC):%H:%M:%S} UTC"
            words.append(
                f"it was not ended in order: what happened within a second{when} is missing"
            )
        if self.truncated:
            words.append(f"{self.truncated} bytes of an unfinished block were cut off")
        if self.missing:
            words.append(f"{self.missing} rows could not be written")
        return ", ".join(words) or None

    def full_metadata(self) -> dict[str, Any]:
        """The metadata of the file; where it was not ended in order, they were written earlier than
        its last rows, which know more."""
        metadata = dict(self.metadata)
        since = metadata.pop(SINCE, None)
        if "rows" in metadata:
            rows = {name: len(table) for name, table in self.tables.items()}
            metadata["rows"] = {**dict.fromkeys(TABLES, 0), **rows}
        if not self.ended or "seconds" not in metadata:
            metadata["seconds"] = self._seconds(since)
        return metadata

    def _seconds(self, since: float | None) -> float:
        """How long it was recorded, as far as the rows show."""
        earlier, pauses = float(self.metadata.get("seconds", 0.0)), self.metadata.get("pauses")
        last = self._last()
        if since is None and not earlier and not (pauses and pauses[-1][1] is None):
            since = self.metadata.get("clocks", {}).get("started_s")
        if since is None or last is None:
            return earlier  # or it did not record any more
        return round(earlier + max(0.0, last - float(since)), 6)

    def _last(self) -> float | None:
        """When the last row was written, by the monotonic clock of the recording."""
        times = [
            float(np.nanmax(table.column(SCHEMA[name][0].name).to_numpy()))
            for name, table in self.tables.items()
            if table.num_rows and name not in ("commands", "stalls")
        ]
        return max(times, default=None)


def file_schema(name: str) -> pa.Schema:
    """The schema of a table in the file."""
    schema = arrow_schema(SCHEMA[name])
    return schema.insert(0, pa.field(ROW, pa.int64())) if name == "commands" else schema


def file_head(metadata: Mapping[str, Any]) -> bytes:
    """How a file begins: the mark, what is to be known, and the schemas."""
    # As in an Arrow IPC stream.
    schemas = [file_schema(name).serialize().to_pybytes() for name in TABLES]
    parts = [block(b"S", schema, table=number) for number, schema in enumerate(schemas)]
    return b"".join([MAGIC, block(b"M", _to_json(metadata)), *parts])


def rows_block(
    name: str, chunk: Chunk, labels: Sequence[Sequence[str] | None], *, since: int = 0
) -> bytes:
    """The block of these rows, from this number on."""
    first = max(chunk.first, since)
    rows = batch(SCHEMA[name], chunk, labels)
    if first > chunk.first:
        # What is cut out of a longer array is written with all that is around it, unless it is
        # taken.
        rows = rows.take(pa.array(np.arange(first - chunk.first, rows.num_rows)))
    return _body(name, rows, np.arange(first, chunk.end))


def numbered_block(
    numbers: Sequence[int], chunk: Chunk, labels: Sequence[Sequence[str] | None]
) -> bytes:
    """The block of commands with these numbers."""
    return _body("commands", batch(SCHEMA["commands"], chunk, labels), np.array(numbers))


def _body(name: str, rows: pa.RecordBatch, numbers: NDArray[np.int64]) -> bytes:
    if name == "commands":
        columns = [pa.array(numbers), *rows.columns]
        rows = pa.RecordBatch.from_arrays(columns, schema=file_schema(name))
    body = rows.serialize().to_pybytes()
    return block(b"R", body, table=TABLES.index(name), first=int(numbers[0]))


def write(path: Path, tables: Mapping[str, pa.Table], metadata: Mapping[str, Any]) -> None:
    """Write a whole recording."""
    with path.open("wb") as file:
        file.write(file_head(metadata))
        for name, table in tables.items():
            for first in range(0, table.num_rows, ROWS_TOGETHER):
                numbers = np.arange(first, min(first + ROWS_TOGETHER, table.num_rows))
                for rows in table.take(pa.array(numbers)).combine_chunks().to_batches():
                    file.write(_body(name, rows, numbers))
        file.write(block(b"E", b""))


def read(data: bytes) -> FileContents:
    """The rows of a file's bytes, as far as they go.

    Raises:
        ValueError: it is no such file, or a later version of one.
    """
    if data[: len(MAGIC)] != MAGIC:
        raise ValueError("it does not begin as a recording does")
    metadata: dict[str, Any] = {}
    schemas: dict[int, pa.Schema] = {}
    found: dict[int, list[NumberedRows]] = {}
    cleared: dict[int, int] = {}
    ended, truncated = False, 0
    for item in blocks(memoryview(data)):
        if isinstance(item, TruncatedTail):
            truncated, ended = item.nbytes, False
            break
        ended = item.kind == b"E"
        if item.kind == b"M":
            metadata = msgspec.json.decode(item.body)
        elif item.kind == b"S":
            schemas[item.table] = pa.ipc.read_schema(pa.py_buffer(item.body))
        elif item.kind == b"C":
            cleared[item.table] = item.first
        elif item.kind == b"R":
            rows = pa.ipc.read_record_batch(pa.py_buffer(item.body), schemas[item.table])
            found.setdefault(item.table, []).append((item.first, rows))
    tables: dict[str, pa.Table] = {}
    counted: dict[str, Any] = {}
    missing = 0
    for number, parts in found.items():
        if number >= len(TABLES):
            continue  # a later version knows more tables
        name, begin = TABLES[number], cleared.get(number, 0)
        tables[name], numbers = _merged(name, schemas[number], parts, begin)
        counted[name] = numbers
        if len(numbers):
            missing += int(numbers[-1]) + 1 - begin - len(numbers)
    return FileContents(tables, counted, metadata, ended, truncated, missing)


def _merged(
    name: str, schema: pa.Schema, parts: Sequence[NumberedRows], begin: int
) -> tuple[pa.Table, NDArray[np.int64]]:
    """The rows of a table in order, each once as it was written last; and their numbers."""
    table = pa.Table.from_batches([rows for _, rows in parts], schema=schema)
    if ROW in schema.names:
        numbers = table.column(ROW).to_numpy()
        table = table.drop_columns([ROW])
    else:
        numbers = np.concatenate([first + np.arange(rows.num_rows) for first, rows in parts])
    if begin or (len(numbers) > 1 and (np.diff(numbers) != 1).any()):
        # Of each number the last one: the first one from behind.
        kept, places = np.unique(numbers[::-1], return_index=True)
        table = table.take(pa.array((len(numbers) - 1 - places)[kept >= begin]))
        numbers = kept[kept >= begin]
    return conformed(name, table), numbers
