"""The last values of one line of a live chart."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Mapping
from math import isfinite
from typing import Any

from ..errors import UsageError

__all__ = ["CLIENT_UNITS", "ChartSeries"]

CLIENT_UNITS = {"latency": "ms", "batch_size": "commands", "loop_lag": "ms"}
"""What the client itself can tell, and in which unit."""
UNITS = {
    "distance": "cm", "x": "cm", "y": "cm", "driven": "cm", "heading": "°",
    "speed": "cm/s", "turn_rate": "°/s", "gyro": "°/s",
    "left": "%", "right": "%", "light": "%", "sound": "%", "battery": "%",
}  # fmt: skip


class ChartSeries:
    """The last values of one line, and those that the page has not got yet."""

    def __init__(self, name: str, points: int) -> None:
        section, dot, self._field = name.partition(".")
        if not section or (dot and not self._field) or (not dot and name not in CLIENT_UNITS):
            raise UsageError(
                "a live chart draws a field of the state or of an event, as 'pose.x' or "
                f"'telemetry.speed', or one of {', '.join(CLIENT_UNITS)}; not {name!r}"
            )
        self.name = name
        self.color_index = 0
        self.source = section
        """The section of the state, the event, or what the client itself tells."""
        self.unit = CLIENT_UNITS.get(name) or UNITS.get(self._field.rpartition(".")[2], "")
        self.times: deque[float] = deque(maxlen=points)
        self.values: deque[float] = deque(maxlen=points)
        self.new = array("d")
        self._max_new = 2 * points
        self._path = self._field.split(".")

    def add(self, t: float, value: Any) -> bool:
        """Take a value, unless it is none."""
        if isinstance(value, bool):
            value = float(value)
        if not isinstance(value, (int, float)) or not isfinite(value):
            return False
        self.times.append(t)
        self.values.append(value)
        self.new.extend((t, value))
        if len(self.new) > self._max_new:
            del self.new[: len(self.new) - self._max_new]
        return True

    def from_state(self, state: Mapping[str, Any], t: float) -> bool:
        """Take the value of the state, if it is of the state."""
        return (
            bool(self._field)
            and self.source in state
            and self.add(t, self._value_at(state[self.source]))
        )

    def from_event(self, data: Any, t: float) -> bool:
        """Take the value of an event's data."""
        return bool(self._field) and self.add(t, self._value_at(data))

    def _value_at(self, value: Any) -> Any:
        for part in self._path:
            if isinstance(value, Mapping):
                value = value.get(part)
            elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
                value = value[int(part)]
            else:
                return None
        return value

    def take_new(self) -> bytes:
        """Pairs of t in s and value that the page has not got."""
        data = self.new.tobytes()
        self.new = array("d")
        return data

    def renew(self) -> None:
        """A new view has nothing yet."""
        self.new = array(
            "d", [number for pair in zip(self.times, self.values, strict=True) for number in pair]
        )
