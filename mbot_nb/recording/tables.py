"""Tables that grow by rows and are kept by columns, and become pandas DataFrames when somebody asks.

Filling them needs nothing but the standard library, so that recording in a live loop never waits for pandas to load.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["Column", "Kind", "Table", "make_frame"]

Kind = Literal["number", "whole", "maybe whole", "text", "maybe flag", "wall"]
"""What a column holds: float64, int64, Int64 (with gaps), str (with gaps), boolean (with gaps), or UTC timestamps made
from the column before it, which is in monotonic seconds."""

_SLACK = 512
"""Rows that are kept as they came; then they are sorted into the columns, all at once, which is cheaper."""
_NAN = float("nan")


class Column(NamedTuple):
    """One column: its name with the unit in it, what it holds, and what that means."""

    name: str
    kind: Kind
    meaning: str


class Table:
    """Rows in typed columns, the newest ``max_rows`` of them.

    One thread appends; any thread may ask for the frame. ``wall_offset`` is the Unix time, in seconds, at which the monotonic
    clock read 0.
    """

    def __init__(self, name: str, columns: Sequence[Column], *, max_rows: int, wall_offset: float) -> None:
        self.name = name
        self.columns = tuple(columns)
        self.max_rows = max_rows
        self._gone = 0
        self._wall_offset = wall_offset
        self._stored = [column for column in self.columns if column.kind != "wall"]
        self._data = [_storage(column) for column in self._stored]
        self._rows: list[tuple[Any, ...]] = []
        self._version = 0
        """Odd while rows go from one place to another: who reads then in another thread, reads again."""
        self._cache: tuple[pd.DataFrame | None, int] = (None, 0)

    def __len__(self) -> int:
        return min(len(self._data[-1]) + len(self._rows), self.max_rows)

    @property
    def total(self) -> int:
        """Rows appended so far, with those that are gone."""
        return self.dropped + len(self)

    @property
    def dropped(self) -> int:
        """Older rows that had to go."""
        return self._gone + len(self._data[-1]) + len(self._rows) - len(self)

    def append(self, *row: Any) -> None:
        """Add one row: a value for each column but the wall clock's; None where it has a gap."""
        rows = self._rows
        rows.append(row)
        if len(rows) >= _SLACK:
            self._sort_in()

    def extend(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add several rows."""
        self._rows += rows
        if len(self._rows) >= _SLACK:
            self._sort_in()

    def clear(self) -> None:
        """Forget all rows; the counting goes on."""
        self._sort_in()
        self._drop(len(self._data[-1]))

    def frame(self) -> pd.DataFrame:
        """All rows as a DataFrame of the caller's own. Only what came since the last time is converted."""
        import pandas as pd

        old, converted = self._cache
        while True:
            version = self._version
            gone, sorted_in, rows = self._gone, len(self._data[-1]), self._rows[:]
            begin = max(gone, converted)
            new = [data[begin - gone :] for data in self._data]
            if self._version == version and not version % 2:
                break
        end = gone + sorted_in + len(rows)
        fresh = rows[max(0, begin - gone - sorted_in) :]
        for data, more in zip(new, _columns(self._stored, fresh), strict=True):
            data.extend(more)
        frame = old
        if frame is None:
            frame = make_frame(self.columns, new, self._wall_offset)
        elif begin < end:
            frame = pd.concat([frame, make_frame(self.columns, new, self._wall_offset)], ignore_index=True)
        surplus = len(frame) - min(end - gone, self.max_rows)
        if surplus > 0:
            frame = frame.iloc[surplus:].reset_index(drop=True)
        self._cache = frame, end
        return frame.copy(deep=False)  # pandas copies when somebody writes

    def _sort_in(self) -> None:
        """The rows that came last go into the columns, and the oldest go for good."""
        columns = _columns(self._stored, self._rows)
        self._version += 1
        for data, column in zip(self._data, columns, strict=True):
            data.extend(column)
        self._rows.clear()
        self._version += 1
        surplus = len(self._data[-1]) - self.max_rows
        # Cutting off the front costs as much as what stays is long: not for every few rows.
        if surplus > _SLACK + self.max_rows // 8:
            self._drop(surplus)

    def _drop(self, count: int) -> None:
        self._version += 1
        self._gone += count
        for data in self._data:
            del data[:count]
        self._version += 1


def _columns(columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]) -> list[Sequence[Any]]:
    """Rows as columns, with NaN for the gaps among numbers."""
    if not rows:
        return [()] * len(columns)
    turned = zip(columns, zip(*rows, strict=True), strict=True)
    return [
        [_NAN if value is None else value for value in values] if column.kind in ("number", "maybe whole") else values
        for column, values in turned
    ]


def _storage(column: Column) -> Any:
    if column.kind in ("number", "maybe whole"):
        return array("d")
    return array("q") if column.kind == "whole" else []


def make_frame(columns: Sequence[Column], data: Sequence[Any], wall_offset: float) -> pd.DataFrame:
    """A DataFrame of the right types, also when it is empty. ``data`` has no entry for a column of the wall clock."""
    import numpy as np
    import pandas as pd

    values: dict[str, Any] = {}
    stored = iter(data)
    seconds: Any = ()
    for name, kind, _ in columns:
        if kind == "wall":
            values[name] = _wall(seconds, wall_offset)
            continue
        raw = next(stored)
        if kind == "number":
            values[name] = seconds = np.array(raw, dtype=np.float64)
        elif kind == "whole":
            values[name] = np.array(raw, dtype=np.int64)
        elif kind == "maybe whole":
            floats = np.array(raw, dtype=np.float64)
            missing = np.isnan(floats)
            values[name] = pd.arrays.IntegerArray(np.where(missing, 0, floats).astype(np.int64), missing)
        else:
            values[name] = pd.array(raw, dtype="boolean" if kind == "maybe flag" else "str")
    return pd.DataFrame(values)


def _wall(seconds: np.ndarray[Any, np.dtype[np.float64]], offset: float) -> pd.DatetimeIndex:
    import numpy as np
    import pandas as pd

    micros = np.round((np.asarray(seconds, dtype=np.float64) + offset) * 1e6)
    return pd.DatetimeIndex(micros.astype("datetime64[us]")).tz_localize("UTC")
