"""Packed columns as Arrow arrays, and both as pandas DataFrames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from .columns import NULL, NULL_32, Chunk, Column, Kind, Text
from .schema import SCHEMA

__all__ = [
    "GrowingFrame",
    "Part",
    "arrow_schema",
    "batch",
    "conformed",
    "empty",
    "frame_of",
    "in_order",
    "micros",
    "wall_at",
    "wall_offset",
    "with_wall",
]

_ARROW = {
    "number": pa.float64(),
    "whole": pa.int64(),
    "maybe whole": pa.int64(),
    "text": pa.large_string(),
    "label": pa.large_string(),
    "maybe flag": pa.bool_(),
}
_NUMPY: dict[Kind, str] = {
    "number": "f8",
    "whole": "i8",
    "maybe whole": "i8",
    "maybe flag": "i1",
    "wall": "i8",
}
_NULLABLE = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
_TEXTS = ("text", "label")
LONG_TEXT_BYTES = 16 * 1024
"""Bytes of text in a piece: an Arrow array for each piece costs less than putting them together."""

Array = NDArray[Any]
Part = tuple[NDArray[np.int64], pa.Table]
"""Rows, and their numbers."""


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of a table, without the wall clock, which is made of the column before
    it."""
    return pa.schema(
        [pa.field(column.name, _ARROW[column.kind]) for column in columns if column.kind != "wall"]
    )


def batch(
    columns: Sequence[Column], chunk: Chunk, labels: Sequence[Sequence[str] | None]
) -> pa.RecordBatch:
    """Packed rows as an Arrow record batch."""
    kinds = [column.kind for column in columns if column.kind != "wall"]
    count = chunk.end - chunk.first
    arrays = [
        _arrow(kind, data, count, known)
        for kind, data, known in zip(kinds, chunk.columns, labels, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=arrow_schema(columns))


def empty(columns: Sequence[Column]) -> pa.Table:
    """A table without rows."""
    return arrow_schema(columns).empty_table()


def conformed(name: str, table: pa.Table) -> pa.Table:
    """A table of this name as the schema wants it: an earlier version may lack columns, a later one
    may have more."""
    schema = arrow_schema(SCHEMA[name])
    arrays = [
        table.column(field.name).cast(field.type)
        if field.name in table.column_names
        else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def in_order(parts: Sequence[Part], begin: int) -> Part:
    """The rows of several parts by their numbers, from this number on: each once, from the first
    part that has it."""
    numbers = np.concatenate([numbers for numbers, _ in parts])
    table = pa.concat_tables([rows for _, rows in parts]).combine_chunks()
    if (len(numbers) and numbers[0] < begin) or (np.diff(numbers) != 1).any():
        numbers, places = np.unique(numbers, return_index=True)
        kept = numbers >= begin
        numbers, table = numbers[kept], table.take(pa.array(places[kept]))
    return numbers, table


def with_wall(name: str, table: pa.Table, wall_offset: float) -> pa.Table:
    """The table with its column `wall`, as it is written into files of others."""
    at = wall_at(name)
    wall = pa.array(
        micros(table.column(at - 1).to_numpy(), wall_offset), pa.timestamp("us", tz="UTC")
    )
    return table.add_column(at, "wall", wall)


def wall_offset(metadata: Mapping[str, Any]) -> float:
    """The Unix time, in seconds, at which the monotonic clock of a recording read 0."""
    return float(metadata["clocks"]["wall_offset_s"])


def wall_at(name: str) -> int:
    """The place of the column `wall` in a table; the monotonic time stands before it."""
    return next(place for place, column in enumerate(SCHEMA[name]) if column.kind == "wall")


def frame_of(columns: Sequence[Column], table: pa.Table, wall_offset: float) -> pd.DataFrame:
    """A DataFrame of the right types out of an Arrow table, also when it is empty."""
    values: dict[str, Any] = {}
    seconds: Any = np.empty(0)
    for column in columns:
        if column.kind == "wall":
            values[column.name] = _timestamps(micros(seconds, wall_offset))
            continue
        found = table.column(column.name)
        if column.kind in _TEXTS:
            values[column.name] = _texts(found)
        elif column.kind == "number":
            values[column.name] = seconds = found.to_numpy()
        elif column.kind == "whole":
            values[column.name] = found.to_numpy()
        else:
            values[column.name] = found.to_pandas(types_mapper=_NULLABLE.get)
    return pd.DataFrame(values)


class GrowingFrame:
    """A table as it becomes a DataFrame again and again: only what is new is converted, and nothing
    that was is copied.

    Numbers stand in arrays with room to spare; each DataFrame looks at a piece of them. What a
    DataFrame shows never changes, since rows are only added behind it, and pandas copies when
    somebody writes.
    """

    def __init__(self, columns: Sequence[Column], wall_offset: float) -> None:
        self.columns = tuple(columns)
        self.begin = 0
        """The number of the first row in the arrays."""
        self.end = 0
        self._wall_offset = wall_offset
        self._arrays: dict[str, Array] = {}
        self._texts: dict[str, list[pa.Array]] = {
            column.name: [] for column in columns if column.kind in _TEXTS
        }
        self._frame: tuple[int, int, pd.DataFrame] | None = None

    def extend(self, chunks: Sequence[Chunk], labels: Sequence[Sequence[str] | None]) -> None:
        """Take new rows; what of them is known already is skipped."""
        new = [chunk for chunk in chunks if chunk.end > self.end]
        if not new:
            return
        if new[0].first > self.end or not self.end:
            # What was between is gone: begin again.
            self.begin = self.end = max(self.end, new[0].first)
            self._arrays.clear()
            for texts in self._texts.values():
                texts.clear()
        skip = self.end - new[0].first
        count = sum(chunk.end - chunk.first for chunk in new) - skip
        room = self.end - self.begin
        seconds: Any = np.empty(0)
        index = 0
        for column in self.columns:
            if column.kind == "wall":
                self._put(column.name, room, micros(seconds, self._wall_offset))
                continue
            pieces = [(chunk.columns[index], chunk.end - chunk.first) for chunk in new]
            if column.kind == "text":
                if not skip and _are_long(pieces):
                    self._texts[column.name] += [
                        _arrow("text", data, size, None) for data, size in pieces
                    ]
                else:
                    self._put_texts(self._texts[column.name], _texts_of(pieces)[skip:])
            elif column.kind == "label":
                self._put_texts(self._texts[column.name], _labels_of(pieces, labels[index])[skip:])
            else:
                new_values = [_numpy(column.kind, data, size) for data, size in pieces]
                seconds = np.concatenate(new_values)[skip:]
                self._put(column.name, room, seconds)
            index += 1
        self.end += count

    def frame(self, begin: int) -> pd.DataFrame:
        """The rows from this number on."""
        begin = max(begin, self.begin)
        if self._frame is not None and self._frame[:2] == (begin, self.end):
            return self._frame[2].copy(deep=False)
        self._shrink(begin)
        low, high = begin - self.begin, self.end - self.begin
        values: dict[str, Any] = {}
        for column in self.columns:
            if column.kind in _TEXTS:
                texts = pa.chunked_array(self._texts[column.name], pa.large_string())
                values[column.name] = _texts(texts[low:high])
            else:
                nothing = np.empty(0, _NUMPY[column.kind])
                found = self._arrays.get(column.name, nothing)[low:high]
                values[column.name] = _pandas(column.kind, found)
        frame = pd.DataFrame(values, copy=False)
        self._frame = begin, self.end, frame
        return frame.copy(deep=False)

    def _put(self, name: str, at: int, new: Array) -> None:
        old = self._arrays.get(name)
        end = at + len(new)
        if old is None or end > len(old):
            enlarged = np.empty(end if old is None else max(end, 2 * len(old)), new.dtype)
            if old is not None:
                enlarged[:at] = old[:at]
            self._arrays[name] = old = enlarged
        old[at:end] = new

    def _put_texts(self, texts: list[pa.Array], new: pa.Array) -> None:
        """Few pieces, each longer than the next: so each text is moved seldom."""
        texts.append(new)
        while len(texts) > 1 and len(texts[-2]) <= 2 * len(texts[-1]):
            last = texts.pop()
            texts[-1] = pa.concat_arrays([texts[-1], last])

    def _shrink(self, begin: int) -> None:
        """Let go of rows that nobody asks for any more, when they are most of what is kept."""
        surplus = begin - self.begin
        if surplus <= max(1024, self.end - begin):
            return
        high = self.end - self.begin
        self._arrays = {name: old[surplus:high].copy() for name, old in self._arrays.items()}
        for texts in self._texts.values():
            kept = pa.chunked_array(texts, pa.large_string())[surplus:].combine_chunks()
            texts[:] = [kept] if isinstance(kept, pa.Array) else list(kept.chunks)
        self.begin = begin


def _arrow(kind: Kind, data: Any, count: int, labels: Sequence[str] | None) -> pa.Array:
    """One packed column as an Arrow array."""
    if data is None:
        return pa.nulls(count, _ARROW[kind])
    if isinstance(data, Text):
        lengths = np.frombuffer(data.lengths, "i4")
        gap = lengths < 0
        offsets = np.zeros(count + 1, "i8")
        np.cumsum(np.where(gap, 0, lengths), out=offsets[1:])
        valid = pa.py_buffer(np.packbits(~gap, bitorder="little")) if gap.any() else None
        return pa.LargeStringArray.from_buffers(
            count, pa.py_buffer(offsets), pa.py_buffer(data.data), valid
        )
    if kind == "label":
        return _labels_of([(data, count)], labels)
    values = _numpy(kind, data, count)
    if kind == "number":
        return pa.array(values, from_pandas=True)  # NaN is a gap
    if kind == "maybe flag":
        return pa.array(values > 0, mask=values < 0)
    return pa.array(values, mask=values == NULL) if kind == "maybe whole" else pa.array(values)


def _are_long(pieces: Sequence[tuple[Any, int]]) -> bool:
    """Whether these are so many texts, and so long, that they had better stay where they are, in
    pieces, than be copied."""
    nbytes = sum(len(data.data) for data, _ in pieces if data is not None)
    return len(pieces) > 16 and nbytes > LONG_TEXT_BYTES * len(pieces)


def _texts_of(pieces: Sequence[tuple[Any, int]]) -> pa.Array:
    """Packed texts as one Arrow array."""
    lengths = [
        np.full(size, -1, "i4") if data is None else np.frombuffer(data.lengths, "i4")
        for data, size in pieces
    ]
    together = Text(
        b"".join([data.data for data, _ in pieces if data is not None]), np.concatenate(lengths)
    )
    return _arrow("text", together, len(together.lengths), None)


def _labels_of(pieces: Sequence[tuple[Any, int]], labels: Sequence[str] | None) -> pa.Array:
    """Packed labels as one Arrow array."""
    codes = [
        np.full(size, -1, "i1") if data is None else np.frombuffer(data, data.typecode)
        for data, size in pieces
    ]
    together = np.concatenate(codes)
    indices = pa.array(together, mask=together < 0)
    return pa.DictionaryArray.from_arrays(
        indices, pa.array(labels or [], pa.large_string())
    ).dictionary_decode()


def _numpy(kind: Kind, data: Any, count: int) -> Array:
    """One packed column of numbers as an array: float64, int64 with :data:`NULL`, or for flags int8
    with -1."""
    if data is None:
        return np.full(count, -1 if kind == "maybe flag" else NULL, _NUMPY[kind])
    if isinstance(data, range):
        return np.arange(data.start, data.stop, dtype="i8")
    values = np.frombuffer(data, data.typecode)
    if kind in ("whole", "maybe whole") and data.typecode != "q":
        values = values.astype("i8")
        if kind == "maybe whole":
            values[values == NULL_32] = NULL
    return values


def _pandas(kind: Kind, values: Array) -> Any:
    values.flags.writeable = False
    if kind == "wall":
        return _timestamps(values)
    if kind == "maybe whole":
        return pd.arrays.IntegerArray(values, values == NULL)
    if kind == "maybe flag":
        return pd.arrays.BooleanArray(values > 0, values < 0)
    return values


def _texts(found: pa.ChunkedArray) -> Any:
    return pd.array(found, dtype="str")


def micros(seconds: Array, offset: float) -> Array:
    """Microseconds of Unix time, of readings of the monotonic clock."""
    return np.round((np.asarray(seconds, dtype=np.float64) + offset) * 1e6).astype("i8")


def _timestamps(micros: Array) -> Any:
    moments: Any = pd.array(micros.view("M8[us]"), copy=False)
    return moments.tz_localize("UTC")
