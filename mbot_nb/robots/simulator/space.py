"""What is solid in the world, and what happens to a robot that drives into it.

A robot is a rectangle. One that would overlap something is pushed back the shortest way, so it slides along what it meets
at an angle and stands at what it meets head on, while its wheels go on turning.
"""

from __future__ import annotations

from math import cos, hypot, sin
from typing import TYPE_CHECKING

from .world import World

if TYPE_CHECKING:
    from .body import Body

__all__ = ["HALF_LENGTH", "HALF_WIDTH", "RADIUS", "Space"]

HALF_LENGTH = 17.5 / 2
HALF_WIDTH = 13.0 / 2
"""Half of the footprint of 17.5 cm by 13 cm."""
RADIUS = hypot(HALF_LENGTH, HALF_WIDTH)
"""Of the circle that holds the robot whichever way it turns, cm."""


class Space:
    """The solid things of one world."""

    def __init__(self, world: World) -> None:
        self.width = world.width
        self.height = world.height

    def clearance(self, x: float, y: float) -> float:
        """How far a robot at (x, y) can move, whichever way it turns, before anything could touch it (cm, may be negative)."""
        return min(x, y, self.width - x, self.height - y) - RADIUS

    def fit(self, body: Body, x: float, y: float, heading: float) -> tuple[float, float, float]:
        """The free pose (x, y, heading) nearest to the wanted one."""
        c, s = abs(cos(heading)), abs(sin(heading))
        reach_x = c * HALF_LENGTH + s * HALF_WIDTH
        reach_y = s * HALF_LENGTH + c * HALF_WIDTH
        return (
            min(max(x, reach_x), self.width - reach_x),
            min(max(y, reach_y), self.height - reach_y),
            heading,
        )

    def ahead(self, x: float, y: float, heading: float) -> float:
        """Distance from a point along a direction to the first solid thing, cm."""
        dx, dy = cos(heading), sin(heading)
        far = hypot(self.width, self.height)
        along_x = ((self.width if dx > 0 else 0.0) - x) / dx if abs(dx) > 1e-12 else far
        along_y = ((self.height if dy > 0 else 0.0) - y) / dy if abs(dy) > 1e-12 else far
        return min(along_x, along_y, far)
