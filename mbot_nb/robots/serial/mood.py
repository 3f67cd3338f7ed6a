"""The mood of a real robot: the same mind as the simulated one's, which follows its sensors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..behaviour.mind import Mind, Moment

__all__ = ["Mood"]

UPDATES_PER_SECOND = 10
MAX_CATCH_UP = 60.0
"""Seconds that one update works through at most."""


class Mood:
    """One robot's mind. All calls come with the robot's lock held."""

    def __init__(self) -> None:
        self.mind = Mind()
        self._updated_at = time.monotonic()
        self._moment = Moment()

    def update(self, senses: Mapping[str, Any], wheels: tuple[float, float]) -> None:
        """Let the mind follow the sensor values until now."""
        now = time.monotonic()
        seconds, self._updated_at = min(now - self._updated_at, MAX_CATCH_UP), now
        mind = self.mind
        moment = Moment(
            speed=max(map(abs, wheels)) / 100,
            ahead=float(senses.get("distance", 300.0)),
            light=float(senses.get("light", 0.0)),
            sound=float(senses.get("sound", 0.0)),
        )
        if moment != self._moment:
            self._moment = moment
            mind.wake()
        while seconds > 0 and not mind.steady:
            mind.advance(min(seconds, 1 / UPDATES_PER_SECOND), moment)
            seconds -= 1 / UPDATES_PER_SECOND
