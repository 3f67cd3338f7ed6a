"""One robot's life in the simulation: its body, what the motors are to do next, the trail it leaves, what it feels."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from math import atan2, cos, degrees, inf, pi, sin
from typing import Any

from .body import FULL_SPEED, Body, Trail
from .mind import Mind
from .space import HALF_LENGTH, Space
from .world import Start

__all__ = ["Agent"]

BUMP_PAUSE = 0.5
"""Seconds without touching anything before touching it again is a new bump."""
OBSTACLE = 15.0
"""Something nearer ahead than this (cm) is noticed; again only after it was 5 cm farther."""


class Agent:
    """What lives in a simulation. Times are seconds of the simulation; ``notice(event, data)`` hears what it meets."""

    def __init__(self, space: Space, start: Start, notice: Callable[[str, dict[str, Any]], None]) -> None:
        self.body = Body(space, start.x, start.y, start.heading * pi / 180)
        self.mind = Mind()
        self.trail = Trail(20_000)
        self.trail.record(0.0, self.body)
        self.plan: deque[tuple[float, float, float]] = deque()
        """What comes: (time, left %, right %)."""
        self.motors = (0.0, 0.0)
        """What the motors are told now, percent."""
        self.ahead = self.look_ahead()
        """The last reading of the ultrasonic sensor, cm."""
        self.touching = False
        self._notice = notice
        self._last_touch = -inf
        self._near = self.ahead < OBSTACLE
        self._was_at_rest = True

    # Motors.

    def follow(self, plan: Iterable[tuple[float, float, float]]) -> None:
        """Forget the plan and take this one."""
        self.plan = deque(plan)

    @property
    def next_change(self) -> float:
        """When the motors are told something else."""
        return self.plan[0][0] if self.plan else inf

    def change(self, t: float) -> None:
        """Tell the motors what the plan says for ``t``."""
        while self.plan and self.plan[0][0] <= t:
            _, left, right = self.plan.popleft()
            self.motors = (left, right)
            self.body.aim(left, right)
        self.trail.record(t, self.body, always=True)

    # Time.

    @property
    def quiet(self) -> bool:
        """Whether nothing would change if time passed."""
        return self._was_at_rest and self.mind.settled and not self.touching and not self.plan and self.body.at_rest

    def step(self, t: float, seconds: float) -> None:
        """Live for ``seconds`` until ``t``."""
        body = self.body
        if body.at_rest:
            return
        self._was_at_rest = False
        body.roll(seconds)
        self.trail.record(t, body, always=body.at_rest)
        if body.push_x or body.push_y:
            if t - self._last_touch > BUMP_PAUSE:
                self._bump()
            self._last_touch = t

    def sense(self, t: float, seconds: float) -> None:
        """Take a reading of every sensor, and let the mind follow."""
        body = self.body
        moving = not body.at_rest
        if moving or not self._was_at_rest:
            self.ahead = self.look_ahead()
            if not self._near and self.ahead < OBSTACLE:
                self._near = True
                strength = 1 - self.ahead / (2 * OBSTACLE)
                self.mind.startle(0.5 * strength)
                self._notice(
                    "stimulus_detected",
                    {"type": "obstacle", "distance": round(self.ahead, 1), "strength": round(strength, 3)},
                )
            elif self._near and self.ahead > OBSTACLE + 5:
                self._near = False
            self.mind.wake()
        self.touching = t - self._last_touch <= BUMP_PAUSE
        if self.touching:
            self.mind.wake()
        if not self.mind.settled:
            speed = max(abs(body.left), abs(body.right)) / FULL_SPEED
            self.mind.live(seconds, speed=speed, ahead=self.ahead)
        self._was_at_rest = not moving

    def look_ahead(self) -> float:
        """What the ultrasonic sensor measures: 3 to 300 cm, 300 when nothing is in range."""
        body = self.body
        c, s = cos(body.heading), sin(body.heading)
        distance = body.space.ahead(body.x + c * HALF_LENGTH, body.y + s * HALF_LENGTH, body.heading)
        return min(max(distance, 3.0), 300.0)

    def _bump(self) -> None:
        """Something solid was met."""
        body = self.body
        side = degrees(atan2(-body.push_y, -body.push_x) - body.heading) % 360
        where = ("front", "left", "back", "right")[round(side / 90) % 4]
        strength = min(1.0, 0.2 + max(abs(body.left), abs(body.right)) / FULL_SPEED)
        self.touching = True
        self.mind.startle(strength)
        self._notice("stimulus_detected", {"type": "bump", "side": where, "strength": round(strength, 3)})
