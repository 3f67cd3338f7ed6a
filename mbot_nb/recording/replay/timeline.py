"""A recording as a function of time: what the robot's state was at any moment of it, and what
happened when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec
import numpy as np

from ...errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["Source", "Timeline", "TimelineEvent"]

NOT_REPLAYED = frozenset({"command_result", "gap", "replay_changed"})
"""Events that are not replayed: they answered a client of the time, said what one missed, or belong
to an earlier replay."""
REPLAY = "replay"
"""The section of the state that a replay adds."""

_decode = msgspec.json.decode


class Source(Protocol):
    """What can be replayed: a recording, or a recorder. The tables are those of
    `mbot_nb.recording.tables.schema`."""

    @property
    def events(self) -> pd.DataFrame: ...

    @property
    def states(self) -> pd.DataFrame: ...


class TimelineEvent(NamedTuple):
    """One event, ``at`` seconds after the recording's beginning."""

    at: float
    name: str
    data: Any


class Timeline:
    """Positions are seconds since the recording's first row. Nothing here changes but a memory of
    the last look.

    Raises:
        UsageError: there is neither a state nor an event in it.
    """

    def __init__(self, source: Source, name: str = "this recording") -> None:
        events, states = source.events, source.states
        events = events[~events["name"].isin(NOT_REPLAYED)]
        fields = states["field"]
        earlier = (fields == REPLAY) | fields.str.startswith(f"{REPLAY}.", na=False)
        states = states[fields.notna() & ~earlier]
        events, states = _in_order(events), _in_order(states)
        event_times, state_times = _seconds(events), _seconds(states)
        bounds = [times[at] for times in (event_times, state_times) if len(times) for at in (0, -1)]
        if not bounds:
            raise UsageError(f"{name} has no states and no events, so there is nothing to replay")
        self.begin = float(min(bounds))
        """The reading of the recording's monotonic clock at position 0, in seconds."""
        self.duration = float(max(bounds)) - self.begin
        """From its first row to its last, in seconds."""
        self.times = event_times - self.begin
        """When each event came, in order."""
        self._names = events["name"].array
        self._data = events["data"].array
        self._telemetry = np.flatnonzero((events["name"] == "telemetry").to_numpy(dtype=bool))
        self._state_times = state_times - self.begin
        # The first snapshot comes a moment after the first row of all, and holds from the
        # beginning.
        self._first_rows = self._rows_at(float(self._state_times[0])) if len(state_times) else 0
        self._values = states["value"].array
        self._rows_of = _by_field(states["field"])
        self._last_state: tuple[int, dict[str, Any]] = (-1, {})

    def __len__(self) -> int:
        """How many events there are."""
        return len(self.times)

    def event(self, index: int) -> TimelineEvent:
        """One event."""
        text = self._data[index]
        data = _decode(text) if isinstance(text, str) else None
        return TimelineEvent(float(self.times[index]), str(self._names[index]), data)

    def first_event(self, position: float) -> int:
        """The index of the first event at this position or after it."""
        return int(np.searchsorted(self.times, position, "left"))

    def events_until(self, position: float) -> int:
        """How many events there are up to this position, those at it included."""
        return int(np.searchsorted(self.times, position, "right"))

    def telemetry(self, position: float) -> dict[str, Any]:
        """The last telemetry that had come at this position; the first one before that; empty if
        there is none at all."""
        if not len(self._telemetry):
            return {}
        known = int(np.searchsorted(self._telemetry, self.events_until(position), "left"))
        data = self.event(int(self._telemetry[max(0, known - 1)])).data
        return data if isinstance(data, dict) else {}

    def state(self, position: float) -> dict[str, Any]:
        """The sections of the robot's state at this position; the same one until the next row is
        reached."""
        rows = max(self._first_rows, self._rows_at(position))
        if rows != self._last_state[0]:
            self._last_state = rows, self._state_after(rows)
        return self._last_state[1]

    def _rows_at(self, position: float) -> int:
        return int(np.searchsorted(self._state_times, position, "right"))

    def _state_after(self, rows: int) -> dict[str, Any]:
        """What the first rows come to: for each field its last value, unless its whole section was
        told again since."""
        last = {
            field: int(indices[known - 1])
            for field, indices in self._rows_of
            if (known := np.searchsorted(indices, rows, "left"))
        }
        state: dict[str, Any] = {}
        # Sections before their fields. Where there is a gap instead of a text, the field went away.
        for field, row in sorted(last.items(), key=lambda item: "." in item[0]):
            section, dot, key = field.partition(".")
            text = self._values[row]
            if not isinstance(text, str):
                continue
            if not dot:
                state[section] = _decode(text)
            elif row > last.get(section, -1) and isinstance(
                inside := state.setdefault(section, {}), dict
            ):
                inside[key] = _decode(text)
        return state


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """By time; rows of one moment stay as they are."""
    times = table["time_s"]
    return table if times.is_monotonic_increasing else table.sort_values("time_s", kind="stable")


def _seconds(table: pd.DataFrame) -> NDArray[np.float64]:
    return table["time_s"].to_numpy(dtype=np.float64)


def _by_field(fields: pd.Series[str]) -> Iterable[tuple[str, NDArray[np.int64]]]:
    """The numbers of each field's rows, ascending."""
    codes, names = fields.factorize()
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(names)))
    groups = np.split(order, ends[:-1]) if len(names) else []
    return [(str(name), rows) for name, rows in zip(names, groups, strict=True)]
