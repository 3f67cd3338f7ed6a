"""The mood of a real robot: the same mind as the simulated one's, which follows its sensors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ... import commands as c
from ..behaviour.mind import Mind, Moment

__all__ = ["Mood"]

UPDATES_PER_SECOND = 10
MAX_CATCH_UP = 60.0
"""Seconds that one update works through at most."""


class Mood:
    """One robot's mind. All calls come with the robot's lock held."""

    def __init__(self) -> None:
        self._mind = Mind()
        self._updated_at = time.monotonic()
        self._moment = Moment()

    @property
    def personality(self) -> dict[str, float]:
        """The nine numbers, a copy."""
        return dict(self._mind.personality)

    def change_personality(self, command: c.UpdatePersonality) -> dict[str, float]:
        """Become another one; returns what was changed."""
        changed = {
            name: value for name in c.TRAITS if (value := getattr(command, name)) is not None
        }
        self._mind.personality.update(changed)
        self._mind.wake()
        return changed

    def startle(self, strength: float) -> None:
        """Something has happened."""
        self._mind.startle(strength)

    def neural_state(self) -> dict[str, Any]:
        """The mode and the four numbers, as in the section `neural_state`."""
        return self._mind.state()

    def update(self, senses: Mapping[str, Any], wheels: tuple[float, float]) -> None:
        """Let the mind follow the sensor values until now."""
        now = time.monotonic()
        seconds, self._updated_at = min(now - self._updated_at, MAX_CATCH_UP), now
        mind = self._mind
        moment = Moment(
            speed=max(map(abs, wheels)) / 100,
            ahead=float(senses.get("distance", 300.0)),
            light=float(senses.get("light", 0.0)),
            sound=float(senses.get("sound", 0.0)),
        )
        if moment != self._moment:
            self._moment = moment
            mind.wake()
        while seconds > 0 and not mind.settled:
            mind.advance(min(seconds, 1 / UPDATES_PER_SECOND), moment)
            seconds -= 1 / UPDATES_PER_SECOND
