"""Packed columns as Arrow tables, and those as DataFrames."""

from __future__ import annotations

from array import array

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from mbot_nb.recording.tables.arrow import (
    batch,
    conformed,
    empty,
    frame_of,
    in_order,
    wall_at,
    with_wall,
)
from mbot_nb.recording.tables.columns import Chunk, Column, Labels, pack
from mbot_nb.recording.tables.schema import SCHEMA

COLUMNS = (
    Column("time_s", "number", "when"),
    Column("wall", "wall", "the same on the wall"),
    Column("sequence", "maybe whole", "its number"),
    Column("name", "label", "whose"),
    Column("data", "text", "what"),
    Column("ok", "maybe flag", "whether"),
)


def packed(*rows: tuple[float, int | None, str | None, str | None, bool | None]) -> pa.RecordBatch:
    labels = Labels()
    known = [None, None, labels, None, None]
    kinds = [column.kind for column in COLUMNS if column.kind != "wall"]
    chunk = Chunk(0, len(rows), pack(kinds, list(zip(*rows, strict=True)), known))
    return batch(COLUMNS, chunk, [None, None, labels.values_in_order, None, None])


def test_rows_come_back_as_they_were_packed() -> None:
    rows = [(1.5, 3, "a", "ü", True), (2.5, None, None, None, None), (3.5, 2**40, "b", "", False)]
    found = packed(*rows)
    assert list(zip(*found.to_pydict().values(), strict=True)) == rows
    assert found.schema.names == ["time_s", "sequence", "name", "data", "ok"]


def test_a_frame_has_the_wall_clock_beside_ours() -> None:
    table = pa.Table.from_batches([packed((0.5, None, "a", "x", None))])
    frame = frame_of(COLUMNS, table, 1_700_000_000.0)
    assert list(frame.columns) == [column.name for column in COLUMNS]
    assert frame.wall[0] == pd.Timestamp(1_700_000_000.5, unit="s", tz="UTC")
    assert frame.sequence.isna()[0]


def test_a_frame_without_rows_has_the_same_types() -> None:
    full = frame_of(COLUMNS, pa.Table.from_batches([packed((0.5, 1, "a", "x", True))]), 0.0)
    assert list(frame_of(COLUMNS, empty(COLUMNS), 0.0).dtypes) == list(full.dtypes)


@pytest.mark.parametrize("name", SCHEMA)
def test_a_table_of_another_version_is_made_this_one_s(name: str) -> None:
    whole = empty(SCHEMA[name])
    other = whole.drop_columns([whole.column_names[-1]]).append_column("new", pa.array([], "int8"))
    assert conformed(name, other).schema == whole.schema
    assert with_wall(name, whole, 0.0).column_names[wall_at(name)] == "wall"


def test_parts_are_put_in_order_and_the_first_that_has_a_row_counts() -> None:
    def part(*numbered: tuple[int, str]) -> tuple[np.ndarray, pa.Table]:
        numbers, texts = zip(*numbered, strict=True)
        return np.array(numbers, dtype=np.int64), pa.table({"text": list(texts)})

    numbers, table = in_order([part((5, "e"), (3, "c")), part((3, "late"), (4, "d"))], 0)
    assert list(numbers) == [3, 4, 5]
    assert table.column("text").to_pylist() == ["c", "d", "e"]
    numbers, table = in_order([part((1, "a"), (2, "b"))], 2)
    assert (list(numbers), table.column("text").to_pylist()) == ([2], ["b"])


def test_an_array_is_not_copied_to_be_packed() -> None:
    times = array("d", [1.0, 2.0])
    chunk = Chunk(0, 2, pack(["number"], [times], [None]))
    found = batch(COLUMNS[:1], chunk, [None])
    times[0] = 9.0
    assert found.column(0).to_pylist() == [9.0, 2.0]
