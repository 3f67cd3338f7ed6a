"""Tables that grow by rows and are kept by columns, and become pandas DataFrames when somebody
asks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .columns import Chunk, Column, Kind, Labels, pack

if TYPE_CHECKING:
    import pandas as pd

    from .arrow import GrowingFrame

__all__ = ["ROWS_PER_PACK", "Chunk", "Column", "ColumnsOf", "Kind", "Spill", "Table"]

ROWS_PER_PACK = 512
"""Rows that are kept as they came; then they are packed into columns, all at once, which is
cheaper."""

ColumnsOf = Callable[[list[Any]], Sequence[Any]]
Spill = Callable[["Table", Chunk], None]


class Table:
    """Rows in typed columns, the newest ``max_rows`` of them.

    One thread appends to :attr:`rows`, and calls :meth:`tidy` when there are :data:`SLACK` of them;
    it never waits for anybody. Any thread may ask for the frame. ``wall_offset`` is the Unix time,
    in seconds, at which the monotonic clock read 0.

    Args:
        columns_of: makes columns of rows, where rows are not tuples of the columns' values already;
            of one row it may make several.
    """

    def __init__(
        self,
        name: str,
        columns: Sequence[Column],
        *,
        max_rows: int,
        wall_offset: float,
        columns_of: ColumnsOf | None = None,
    ) -> None:
        self.name = name
        self.columns = tuple(columns)
        self.max_rows = max_rows
        self.wall_offset = wall_offset
        self.stored = tuple(column for column in self.columns if column.kind != "wall")
        self.rows: list[Any] = []
        """What was appended and is not packed yet."""
        self._labels = [Labels() if column.kind == "label" else None for column in self.stored]
        self.spill: Spill | None = None
        """Is given the rows that have to go."""
        self._kinds = [column.kind for column in self.stored]
        self._columns_of = columns_of
        self._chunks: deque[Chunk] = deque()
        self._begin = 0
        """The number of the oldest row that is still here."""
        self._end = 0
        """The number of the next row to be packed."""
        self.cleared = 0
        """Rows that :meth:`clear` has forgotten: the numbers below this one."""
        self._lock = threading.RLock()  # held for the time that it takes to pack some hundred rows
        self._reading = threading.RLock()
        self._growing: GrowingFrame | None = None

    def __len__(self) -> int:
        return min(self.total - self._begin, self.max_rows)

    @property
    def total(self) -> int:
        """Rows appended so far, with those that were dropped or cleared."""
        if self._columns_of is not None and self.rows:
            self.tidy()  # what was appended may become more rows
        return self._end + len(self.rows)

    @property
    def recorded(self) -> int:
        """Rows appended since the last :meth:`clear`, with those that were dropped."""
        return self.total - self.cleared

    @property
    def dropped(self) -> int:
        """Older rows that had to go."""
        return self.recorded - len(self)

    def append(self, *row: Any) -> None:
        """Add one row: a value for each column but the wall clock's; None where it has a gap."""
        self.add(row)

    def add(self, row: Any) -> None:
        """Add what one row, or several, are made of."""
        self.rows.append(row)
        if len(self.rows) >= ROWS_PER_PACK:
            self.tidy()

    def extend(self, rows: Sequence[Any]) -> None:
        """Add several rows."""
        self.rows += rows
        if len(self.rows) >= ROWS_PER_PACK:
            self.tidy()

    def tidy(self) -> None:
        """Pack what was appended, unless another thread is just looking: then the next time."""
        if self._lock.acquire(blocking=False):
            try:
                self._pack()
            finally:
                self._lock.release()

    def clear(self, after: int = 0) -> None:
        """Forget all rows; the counting goes on, at ``after`` if that is more."""
        with self._lock:
            self._pack()
            self._chunks.clear()
            self._begin = self._end = self.cleared = max(self._end, after)

    def labels(self) -> list[tuple[str, ...] | None]:
        """What the numbers in packed columns of labels stand for."""
        return [None if known is None else tuple(known.values_in_order) for known in self._labels]

    def chunks(self, since: int = 0) -> list[Chunk]:
        """The rows here from this number on, packed; the first chunk may begin before it. From any
        thread."""
        with self._lock:
            self._pack()
            found: list[Chunk] = []
            for chunk in reversed(self._chunks):
                if chunk.end <= since:
                    break
                found.append(chunk)
            return found[::-1]

    def packed(self) -> list[tuple[Chunk, list[tuple[str, ...] | None]]]:
        """All rows that are in memory, and what the labels in them mean."""
        chunks, labels = self.chunks(), self.labels()
        return [(chunk, labels) for chunk in chunks]

    @property
    def begin(self) -> int:
        """The number of the oldest packed row that is to be seen."""
        return max(self._begin, self._end - self.max_rows)

    def frame(self) -> pd.DataFrame:
        """All rows as a DataFrame of the caller's own. Only what came since the last time is
        converted."""
        from .arrow import GrowingFrame

        with self._reading:
            growing = self._growing
            if growing is None:
                growing = self._growing = GrowingFrame(self.columns, self.wall_offset)
            with self._lock:
                new = self.chunks(growing.end)
                begin = self.begin
            growing.extend(new, self.labels())
            return growing.frame(begin)

    def _pack(self) -> None:
        rows = self.rows
        count = len(rows)
        if count:
            taken = rows[:count]
            make = self._columns_of
            columns = list(zip(*taken, strict=True)) if make is None else make(taken)
            end = self._end + len(columns[0])
            packed = Chunk(self._end, end, pack(self._kinds, columns, self._labels))
            self._chunks.append(packed)
            # In this order: who counts in another thread meanwhile counts some rows twice, and none
            # of them never.
            self._end = packed.end
            del rows[:count]
        while self._chunks and self._end - self._chunks[0].end >= self.max_rows:
            oldest = self._chunks.popleft()
            self._begin = oldest.end
            if self.spill is not None:
                self.spill(self, oldest)
