"""Blocks of a recording's file: read as they were written, as far as they are whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.recording.files.mbot_blocks import HEAD, MAGIC, Block, TruncatedTail, block, blocks

BLOCKS = st.lists(
    st.tuples(
        st.sampled_from([b"M", b"S", b"R", b"C", b"E"]),
        st.integers(0, 255),
        st.integers(0, 2**64 - 1),
        st.binary(max_size=60),
    ),
    max_size=5,
)


def written(rows: list[tuple[bytes, int, int, bytes]]) -> bytes:
    return MAGIC + b"".join(
        block(kind, body, table=table, first=first) for kind, table, first, body in rows
    )


def plain(found: list[Block | TruncatedTail]) -> list[tuple[bytes, int, int, bytes]]:
    return [(*one[:3], bytes(one.body)) for one in found if isinstance(one, Block)]


@given(BLOCKS)
def test_they_are_read_as_they_were_written(rows: list[tuple[bytes, int, int, bytes]]) -> None:
    found = list(blocks(memoryview(written(rows))))
    assert plain(found) == rows
    assert not any(isinstance(one, TruncatedTail) for one in found)


@given(BLOCKS, st.data())
def test_a_torn_end_leaves_the_blocks_before_it(
    rows: list[tuple[bytes, int, int, bytes]], data: st.DataObject
) -> None:
    whole = written(rows)
    cut = data.draw(st.integers(len(MAGIC), len(whole)))
    found = list(blocks(memoryview(whole)[:cut]))
    kept = plain(found)
    assert kept == rows[: len(kept)]
    good = len(written(kept))
    truncated = [one for one in found if isinstance(one, TruncatedTail)]
    assert truncated == ([TruncatedTail(good, cut - good)] if cut > good else [])


@pytest.mark.parametrize("place", [0, 4, HEAD.size, HEAD.size + 2])
def test_a_flipped_bit_ends_what_is_read(place: int) -> None:
    rows = [(b"M", 0, 0, b"{}"), (b"R", 1, 5, b"rows"), (b"E", 0, 0, b"")]
    spoilt = bytearray(written(rows))
    second = len(written(rows[:1]))
    if place == 4:  # the kind is outside of the checksum: reading goes on, as another kind
        spoilt[second + 4] ^= 1
        assert [one[0] for one in plain(list(blocks(memoryview(spoilt))))] == [b"M", b"S", b"E"]
        return
    spoilt[second + place] ^= 1
    *kept, truncated = blocks(memoryview(bytes(spoilt)))
    assert plain(kept) == rows[:1]
    assert truncated == TruncatedTail(second, len(spoilt) - second)
