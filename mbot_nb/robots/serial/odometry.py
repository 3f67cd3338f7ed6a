"""Where a robot is, from what its wheels have turned. Pure.

Lengths are cm, angles degrees, positive to the left; x is the heading at the beginning.
"""

from __future__ import annotations

from math import cos, degrees, pi, radians, sin
from typing import NamedTuple

from ..dimensions import TRACK, WHEEL

__all__ = ["NOMINAL", "Constants", "Displacement", "Odometry"]

MAX_STEP = 720.0
"""Degrees between two readings that no wheel turns: the encoder counts from another zero."""


class Constants(NamedTuple):
    """What a robot's wheels are, cm."""

    wheel: float = WHEEL
    """Their diameter: what a turn of a wheel drives is pi times that."""
    track: float = TRACK
    """Their distance: what a difference between them turns."""


NOMINAL = Constants()
"""As in the book."""


class Displacement(NamedTuple):
    """What one motion was, by the encoders."""

    distance: float
    """Of the middle, cm, forward positive."""
    turn: float
    """Degrees, positive to the left; whole turns count."""


class Odometry:
    """The pose that follows from two encoders, given in degrees, positive forwards."""

    def __init__(self, constants: Constants = NOMINAL) -> None:
        self.constants = constants
        self.x = self.y = 0.0
        self.heading = 0.0
        """Not wrapped: it counts whole turns."""
        self.length = 0.0
        """The distance of the middle so far, forwards and backwards added up, cm."""
        self._read: dict[str, float] = {}
        """The last reading that the pose knows of."""
        self._new: dict[str, float] = {}
        self._turned = (0.0, 0.0)
        """Degrees that the left and the right wheel have turned in all, whatever the constants."""
        self._from = (0.0, 0.0)

    def forget_zero(self) -> None:
        """The encoders may count from another zero: the next reading is where it is already."""
        self._read.clear()
        self._new.clear()

    def read(self, side: str, angle: float) -> None:
        """Read one wheel's encoder; the readings of both wheels make one step."""
        if side in self._new:
            self.flush()  # the other wheel had no new reading
        self._new[side] = angle
        if len(self._new) == 2:
            self.flush()

    def flush(self) -> None:
        """Take what was read so far for all there is to read."""
        turned = {}
        for side, angle in self._new.items():
            before = self._read.get(side, angle)
            self._read[side] = angle
            turned[side] = angle - before if abs(angle - before) < MAX_STEP else 0.0
        self._new.clear()
        if turned:
            self._roll(turned.get("left", 0.0), turned.get("right", 0.0))

    def start_motion(self) -> None:
        """A motion starts: see :meth:`displacement`."""
        self.flush()
        self._from = self._turned

    def displacement(self) -> Displacement:
        """What was driven since :meth:`start_motion`, by the constants as they are now."""
        self.flush()
        left, right = self._turned
        distance, turn = self._rolled(left - self._from[0], right - self._from[1])
        return Displacement(distance, degrees(turn))

    @property
    def pose(self) -> dict[str, float]:
        """``x``, ``y`` cm and ``heading`` degrees, as of the simulated robot."""
        return {
            "x": round(self.x, 2),
            "y": round(self.y, 2),
            "heading": round(self.heading % 360, 2) % 360,
        }

    def _roll(self, left: float, right: float) -> None:
        """Both wheels turn by so many degrees: a piece of a circle."""
        self._turned = (self._turned[0] + left, self._turned[1] + right)
        distance, turn = self._rolled(left, right)
        middle = radians(self.heading) + turn / 2
        chord = distance * sin(turn / 2) / (turn / 2) if turn else distance
        self.x += chord * cos(middle)
        self.y += chord * sin(middle)
        self.heading += degrees(turn)
        self.length += abs(distance)

    def _rolled(self, left: float, right: float) -> tuple[float, float]:
        """The distance (cm) and turn (radians) of the middle when the wheels turn by degrees."""
        wheel, track = self.constants
        left, right = left / 360 * pi * wheel, right / 360 * pi * wheel
        return (left + right) / 2, (right - left) / track
