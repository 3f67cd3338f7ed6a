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

_SLACK = 256
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
        self.dropped = 0
        """Older rows that had to go."""
        self._wall_offset = wall_offset
        self._stored = [column for column in self.columns if column.kind != "wall"]
        self._data = [_storage(column) for column in self._stored]
        self._append = [data.append for data in self._data]
        self._gapped = [column.kind == "maybe whole" for column in self._stored]
        self._cache: tuple[pd.DataFrame | None, int] = (None, 0)

    def __len__(self) -> int:
        return len(self._data[-1])

    @property
    def total(self) -> int:
        """Rows appended so far, with those that are gone."""
        return self.dropped + len(self)

    def append(self, *row: Any) -> None:
        """Add one row: a value for each column but the wall clock's; None where it has a gap."""
        for append, value, gapped in zip(self._append, row, self._gapped, strict=True):
            append(_NAN if gapped and value is None else value)
        if len(self._data[-1]) > self.max_rows + _SLACK:
            self._trim()

    def clear(self) -> None:
        """Forget all rows; the counting goes on."""
        self._drop(len(self))

    def frame(self) -> pd.DataFrame:
        """All rows as a DataFrame of the caller's own. Only what came since the last time is converted."""
        import pandas as pd

        old, converted = self._cache
        while True:
            dropped = self.dropped
            end = dropped + len(self)
            begin = max(dropped, converted)
            new = [data[begin - dropped : end - dropped] for data in self._data]
            if self.dropped == dropped:
                break  # nothing was dropped while this thread looked
        frame = old
        if frame is None:
            frame = make_frame(self.columns, new, self._wall_offset)
        elif begin < end:
            frame = pd.concat([frame, make_frame(self.columns, new, self._wall_offset)], ignore_index=True)
        surplus = len(frame) - min(end - dropped, self.max_rows)
        if surplus > 0:
            frame = frame.iloc[surplus:].reset_index(drop=True)
        self._cache = frame, end
        return frame.copy(deep=False)  # pandas copies when somebody writes

    def _trim(self) -> None:
        self._drop(len(self) - self.max_rows)

    def _drop(self, count: int) -> None:
        self.dropped += count
        for data in self._data:
            del data[:count]


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
