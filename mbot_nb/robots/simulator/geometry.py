"""Rectangles that may be turned: distance, overlap, rays. Lengths in cm, angles in radians."""

from __future__ import annotations

from math import cos, hypot, inf, sin

__all__ = ["Rectangle"]

TOUCH = 1e-9
"""An overlap up to this (cm) is touching: what was pushed out stays out whatever rounding does."""

_PARALLEL = 1e-12
"""A ray that advances less than this towards a side never meets it."""


class Rectangle:
    """A rectangle by its middle, its half sizes and the direction of its length."""

    __slots__ = ("c", "half_length", "half_width", "radius", "s", "x", "y")

    def __init__(
        self, x: float, y: float, half_length: float, half_width: float, angle: float
    ) -> None:
        self.x = x
        self.y = y
        self.half_length = half_length
        self.half_width = half_width
        self.radius = hypot(half_length, half_width)
        self.c = cos(angle)
        self.s = sin(angle)

    def half_extents(self) -> tuple[float, float]:
        """How far it extends from its middle along x and y."""
        c, s = abs(self.c), abs(self.s)
        return (
            c * self.half_length + s * self.half_width,
            s * self.half_length + c * self.half_width,
        )

    def distance(self, x: float, y: float) -> float:
        """From a point to its edge; 0 inside."""
        dx, dy = x - self.x, y - self.y
        along = abs(dx * self.c + dy * self.s) - self.half_length
        across = abs(dy * self.c - dx * self.s) - self.half_width
        if along <= 0:
            return max(across, 0.0)
        return along if across <= 0 else hypot(along, across)

    def push(self, other: Rectangle) -> tuple[float, float] | None:
        """The shortest way to move so as not to overlap ``other``; None if they do not.

        Separating axes: two rectangles are apart if they are apart seen along one of their four
        sides' directions.
        """
        dx, dy = self.x - other.x, self.y - other.y
        near = self.radius + other.radius
        if dx * dx + dy * dy >= near * near:
            return None
        # Written out for speed: directions, half sizes, and how they lean towards each other.
        c1, s1, length1, width1 = self.c, self.s, self.half_length, self.half_width
        c2, s2, length2, width2 = other.c, other.s, other.half_length, other.half_width
        c, s = abs(c1 * c2 + s1 * s2), abs(s1 * c2 - c1 * s2)
        apart1 = dx * c1 + dy * s1
        depth1 = length1 + length2 * c + width2 * s - abs(apart1)
        apart2 = dy * c1 - dx * s1
        depth2 = width1 + length2 * s + width2 * c - abs(apart2)
        apart3 = dx * c2 + dy * s2
        depth3 = length2 + length1 * c + width1 * s - abs(apart3)
        apart4 = dy * c2 - dx * s2
        depth4 = width2 + length1 * s + width1 * c - abs(apart4)
        least = min(depth1, depth2, depth3, depth4)
        if least <= TOUCH:
            return None
        if least == depth1:
            x, y, apart = c1, s1, apart1
        elif least == depth2:
            x, y, apart = -s1, c1, apart2
        elif least == depth3:
            x, y, apart = c2, s2, apart3
        else:
            x, y, apart = -s2, c2, apart4
        depth = least if apart >= 0 else -least
        return x * depth, y * depth

    def ray(self, x: float, y: float, dx: float, dy: float) -> float:
        """How far (x, y) is from it along the unit vector (dx, dy); inf if missed, 0 inside."""
        px, py, c, s = x - self.x, y - self.y, self.c, self.s
        enter, leave = 0.0, inf
        # Along its length, then across; written out for speed.
        go, half, at = dx * c + dy * s, self.half_length, px * c + py * s
        if go > _PARALLEL or go < -_PARALLEL:
            near, far = (-half - at) / go, (half - at) / go
            if near > far:
                near, far = far, near
            if near > enter:
                enter = near
            if far < leave:
                leave = far
        elif at > half or at < -half:
            return inf
        go, half, at = dy * c - dx * s, self.half_width, py * c - px * s
        if go > _PARALLEL or go < -_PARALLEL:
            near, far = (-half - at) / go, (half - at) / go
            if near > far:
                near, far = far, near
            if near > enter:
                enter = near
            if far < leave:
                leave = far
        elif at > half or at < -half:
            return inf
        return enter if enter <= leave else inf
