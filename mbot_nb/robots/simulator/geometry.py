"""Rectangles that may be turned: distance, overlap, rays. Lengths in cm, angles in radians."""

from __future__ import annotations

from math import cos, hypot, inf, sin

__all__ = ["Rectangle"]


class Rectangle:
    """A rectangle by its middle, its half sizes and the direction of its length."""

    __slots__ = ("c", "half_length", "half_width", "radius", "s", "x", "y")

    def __init__(self, x: float, y: float, half_length: float, half_width: float, angle: float) -> None:
        self.x = x
        self.y = y
        self.half_length = half_length
        self.half_width = half_width
        self.radius = hypot(half_length, half_width)
        self.c = cos(angle)
        self.s = sin(angle)

    def reach(self) -> tuple[float, float]:
        """How far it extends from its middle along x and y."""
        c, s = abs(self.c), abs(self.s)
        return c * self.half_length + s * self.half_width, s * self.half_length + c * self.half_width

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

        Separating axes: two rectangles are apart if they are apart seen along one of their four sides' directions.
        """
        dx, dy = self.x - other.x, self.y - other.y
        if dx * dx + dy * dy >= (self.radius + other.radius) ** 2:
            return None
        c = abs(self.c * other.c + self.s * other.s)
        s = abs(self.s * other.c - self.c * other.s)
        best = inf
        push = (0.0, 0.0)
        for of, to in ((self, other), (other, self)):
            for axis_x, axis_y, own, far in (
                (of.c, of.s, of.half_length, to.half_length * c + to.half_width * s),
                (-of.s, of.c, of.half_width, to.half_length * s + to.half_width * c),
            ):
                apart = dx * axis_x + dy * axis_y
                depth = own + far - abs(apart)
                if depth <= 1e-9:
                    return None
                if depth < best:
                    best = depth
                    sign = depth if apart >= 0 else -depth
                    push = (axis_x * sign, axis_y * sign)
        return push

    def ray(self, x: float, y: float, dx: float, dy: float) -> float:
        """How far from (x, y) along the unit vector (dx, dy) it is met; inf if it is not, 0 from inside."""
        px, py = x - self.x, y - self.y
        enter, leave = 0.0, inf
        for at, go, half in (
            (px * self.c + py * self.s, dx * self.c + dy * self.s, self.half_length),
            (py * self.c - px * self.s, dy * self.c - dx * self.s, self.half_width),
        ):
            if abs(go) < 1e-12:
                if abs(at) > half:
                    return inf
                continue
            near, far = (-half - at) / go, (half - at) / go
            if near > far:
                near, far = far, near
            enter = max(enter, near)
            leave = min(leave, far)
        return enter if enter <= leave else inf
