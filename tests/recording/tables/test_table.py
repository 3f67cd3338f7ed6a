"""Tables: typed, also when empty; bounded; and asking again gives what asking once would."""

from __future__ import annotations

import threading
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.recording.tables import arrow
from mbot_nb.recording.tables import table as tables
from mbot_nb.recording.tables.columns import Chunk
from mbot_nb.recording.tables.table import Column, Table

COLUMNS = (
    Column("time_s", "number", "when"),
    Column("wall", "wall", "the same on the wall"),
    Column("count", "whole", "how many"),
    Column("sequence", "maybe whole", "its number, if it has one"),
    Column("name", "text", "what"),
    Column("resumed", "maybe flag", "whether"),
)
TYPES = {
    "time_s": "float64",
    "wall": "datetime64[us, UTC]",
    "count": "int64",
    "sequence": "Int64",
    "name": "str",
    "resumed": "boolean",
}


def _table(max_rows: int = 1000) -> Table:
    return Table("test", COLUMNS, max_rows=max_rows, wall_offset=1_700_000_000.0)


def _row(n: int) -> tuple[float, int, int | None, str | None, bool | None]:
    return (
        n / 10,
        n,
        n if n % 2 else None,
        f"row {n}" if n % 3 else None,
        [None, True, False][n % 3],
    )


def test_an_empty_table_is_typed() -> None:
    frame = _table().frame()
    assert len(frame) == 0
    assert dict(frame.dtypes.astype(str)) == TYPES


def test_a_row_comes_back_as_it_was_given() -> None:
    table = _table()
    table.append(12.25, 3, 2**53, "drive", True)
    table.append(12.5, -4, None, None, None)
    frame = table.frame()
    assert dict(frame.dtypes.astype(str)) == TYPES
    assert frame.time_s.tolist() == [12.25, 12.5]
    assert frame["count"].tolist() == [3, -4]
    assert frame.sequence[0] == 2**53
    assert frame.sequence[1] is pd.NA
    assert frame.name.tolist()[0] == "drive"
    assert pd.isna(frame.name[1])
    assert frame.resumed[0]
    assert frame.resumed[1] is pd.NA
    assert frame.wall[0] == pd.Timestamp(1_700_000_012.25, unit="s", tz="UTC")


def test_a_row_of_the_wrong_length_is_refused() -> None:
    table = _table()
    table.append(1.0, 2)
    with pytest.raises(ValueError, match="zip"):
        table.frame()


@given(st.lists(st.integers(0, 900), max_size=6), st.integers(1, 1500))
def test_asking_in_between_changes_nothing(stretches: list[int], max_rows: int) -> None:
    """However often somebody asks while it grows, in the end there are the newest rows, in order,
    at most ``max_rows``."""
    table, n = _table(max_rows), 0
    for count in stretches:
        for _ in range(count):
            table.append(*_row(n))
            n += 1
        frame = table.frame()
        kept = min(n, max_rows)
        assert frame["count"].tolist() == list(range(n - kept, n))
        assert list(frame.index) == list(range(kept))
    never_asked = _table(max_rows)
    for row in range(n):
        never_asked.append(*_row(row))
    pd.testing.assert_frame_equal(table.frame(), never_asked.frame())
    assert table.total == n
    assert len(table) == min(n, max_rows)
    assert table.dropped == n - len(table)
    assert (
        sum(chunk.end - chunk.first for chunk in table.chunks())
        <= max_rows + 2 * tables.ROWS_PER_PACK
    ), "memory is bounded"


def test_what_a_user_writes_into_a_frame_stays_theirs() -> None:
    table = _table()
    table.append(*_row(1))
    mine = table.frame()
    mine.loc[0, "count"] = 99
    assert table.frame()["count"].tolist() == [1]


def test_asking_again_converts_only_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    converted: list[int] = []
    extend = arrow.GrowingFrame.extend

    def counting(self: arrow.GrowingFrame, chunks: list[Chunk], labels: Any) -> None:
        converted.append(sum(chunk.end - chunk.first for chunk in chunks))
        extend(self, chunks, labels)

    monkeypatch.setattr(arrow.GrowingFrame, "extend", counting)
    table = _table()
    for n in range(100):
        table.append(*_row(n))
    table.frame()
    table.frame()
    for n in range(7):
        table.append(*_row(n))
    assert len(table.frame()) == 107
    assert converted == [100, 0, 7]


def test_a_frame_does_not_change_when_the_table_grows() -> None:
    """They look at the same arrays; the rows behind are not theirs."""
    table = _table(max_rows=50)
    table.extend([_row(n) for n in range(40)])
    first = table.frame()
    kept = first.copy(deep=True)
    for start in range(40, 4000, 40):
        table.extend([_row(n) for n in range(start, start + 40)])
        assert len(table.frame()) == 50
    pd.testing.assert_frame_equal(first, kept)


def test_clearing_forgets_the_rows_and_goes_on() -> None:
    table = _table()
    for n in range(5):
        table.append(*_row(n))
    assert len(table.frame()) == 5
    table.clear()
    assert len(table.frame()) == 0
    table.append(*_row(7))
    assert table.frame()["count"].tolist() == [7]


def test_it_may_be_read_while_another_thread_writes() -> None:
    """As of a client on the I/O thread: every frame is a run of rows without a hole, and the next
    one goes on from there."""
    table = _table(max_rows=5000)
    over = threading.Event()

    def write() -> None:
        for n in range(60_000):
            table.append(*_row(n))
        over.set()

    writer = threading.Thread(target=write)
    writer.start()
    last = -1
    while not over.is_set():
        numbers = table.frame()["count"].to_numpy()
        if len(numbers):
            assert (numbers[1:] - numbers[:-1] == 1).all()
            assert numbers[-1] >= last
            last = int(numbers[-1])
    writer.join()
    assert table.frame()["count"].tolist() == list(range(55_000, 60_000))
