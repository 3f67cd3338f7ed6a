"""The body of an mBot2: two driven wheels, their acceleration, and the pose that follows from them.

Lengths are cm, times s, angles radians counter-clockwise from the x axis. With constant wheel
speeds a step of any length is an exact arc; while speeding up or down both wheels reach their
targets together, so a robot that starts from rest stays on the arc it is to drive.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import cos, hypot, inf, pi, sin

from ..dimensions import HALF_LENGTH, HALF_WIDTH, TRACK, WHEEL
from .geometry import Rectangle
from .space import Space

__all__ = ["ACCELERATION", "FULL_SPEED", "Body", "Trail"]
FULL_SPEED = 200 / 60 * pi * WHEEL
"""cm/s at 200 RPM, which is 100 %: 68.1."""
ACCELERATION = 500.0
"""cm/s2, up and down: full speed after 0.14 s, just below what rubber on a table can hold."""


@dataclass(slots=True, eq=False)
class Body:
    """Where a robot is, and how its wheels turn."""

    space: Space
    x: float
    y: float
    heading: float
    """Radians, not wrapped: it counts whole turns."""
    number: int = field(init=False)
    """Which robot of its world; a copy keeps it."""
    left: float = 0.0
    right: float = 0.0
    """Speeds of the wheels, cm/s."""
    target_left: float = 0.0
    target_right: float = 0.0
    rolled_left: float = 0.0
    rolled_right: float = 0.0
    """What the wheels have rolled, slipping or not, cm."""
    worked: float = 0.0
    """What both wheels have rolled, forwards and backwards added up, cm."""
    distance: float = 0.0
    """What the middle of the robot has moved, cm."""
    clearance: float = 0.0
    """It can move this far before anything solid is near; nothing is tested until then."""
    push_x: float = 0.0
    push_y: float = 0.0
    """How far the last step was pushed back by something solid, cm."""
    _shape: Rectangle | None = None

    def __post_init__(self) -> None:
        self.number = len(self.space.bodies)

    def copy(self) -> Body:
        """The same body, to look ahead with."""
        twin = Body.__new__(Body)
        for name in Body.__slots__:
            setattr(twin, name, getattr(self, name))
        return twin

    @property
    def shape(self) -> Rectangle:
        """The floor it covers."""
        if self._shape is None:
            self._shape = Rectangle(self.x, self.y, HALF_LENGTH, HALF_WIDTH, self.heading)
        return self._shape

    @property
    def at_rest(self) -> bool:
        """Whether both wheels stand and shall stand."""
        return not (self.left or self.right or self.target_left or self.target_right)

    @property
    def time_to_rest(self) -> float:
        """Seconds until it stands with the present targets; inf while they turn the wheels."""
        if self.target_left or self.target_right:
            return inf
        return max(abs(self.left), abs(self.right)) / ACCELERATION

    @property
    def speed(self) -> float:
        """Forward speed that the wheels give, cm/s."""
        return (self.left + self.right) / 2

    @property
    def turn_rate(self) -> float:
        """Turning speed that the wheels give, rad/s, positive to the left."""
        return (self.right - self.left) / TRACK

    def aim(self, left: float, right: float) -> None:
        """Let the wheels go for these speeds (percent of full speed)."""
        self.target_left = left * (FULL_SPEED / 100)
        self.target_right = right * (FULL_SPEED / 100)

    def roll(self, seconds: float) -> None:
        """Live for ``seconds`` under the present targets."""
        self.push_x = self.push_y = 0.0
        gap = max(abs(self.target_left - self.left), abs(self.target_right - self.right))
        if gap:
            ramp = gap / ACCELERATION
            if ramp > seconds:
                part = seconds / ramp
                self._ramp(
                    seconds,
                    self.left + (self.target_left - self.left) * part,
                    self.right + (self.target_right - self.right) * part,
                )
                return
            self._ramp(ramp, self.target_left, self.target_right)
            seconds -= ramp
        if self.left or self.right:
            self._shift(self.left * seconds, self.right * seconds)

    def _ramp(self, seconds: float, left: float, right: float) -> None:
        """Change evenly to these wheel speeds."""
        mean = seconds / 2
        rolled_left, rolled_right = (self.left + left) * mean, (self.right + right) * mean
        self.left, self.right = left, right
        self._shift(rolled_left, rolled_right)

    def _shift(self, left: float, right: float) -> None:
        """Roll the wheels by so many cm and go where that leads, unless something is there."""
        self.rolled_left += left
        self.rolled_right += right
        self.worked += abs(left) + abs(right)
        distance = (left + right) / 2
        turn = (right - left) / TRACK
        middle = self.heading + turn / 2
        chord = distance * sin(turn / 2) / (turn / 2) if turn else distance
        x = self.x + chord * cos(middle)
        y = self.y + chord * sin(middle)
        heading = self.heading + turn
        distance = abs(distance)
        self.clearance -= distance
        if self.clearance <= 0:
            wanted_x, wanted_y = x, y
            x, y, heading = self.space.fit(self, x, y, heading)
            if x != wanted_x or y != wanted_y:
                self.push_x += x - wanted_x
                self.push_y += y - wanted_y
                distance = hypot(x - self.x, y - self.y)
            self.clearance = self.space.clearance(self, x, y)
        self.distance += distance
        self.x = x
        self.y = y
        self.heading = heading
        self._shape = None


class Trail:
    """The path of a body, thinned for drawing and bounded: rows of (t, x, y, heading)."""

    STEP = 0.5
    """cm between two points of a straight path."""
    TURN = 0.05
    """Radians between two points of a turn (3 degrees)."""

    def __init__(self, limit: int) -> None:
        self.rows: deque[tuple[float, float, float, float]] = deque(maxlen=limit)

    def record(self, t: float, body: Body, *, always: bool = False) -> None:
        """Note where ``body`` is at ``t``, if it has come far enough or ``always``."""
        if self.rows:
            _, x, y, heading = self.rows[-1]
            dx, dy = body.x - x, body.y - y
            still = (
                dx * dx + dy * dy < self.STEP * self.STEP
                and abs(body.heading - heading) < self.TURN
            )
            if still and not (always and (dx or dy or body.heading != heading)):
                return
        self.rows.append((t, body.x, body.y, body.heading))
