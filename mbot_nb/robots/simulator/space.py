"""What is solid in the world, and what happens to a robot that drives into it.

A robot is a rectangle. One that would overlap something is pushed back the shortest way, so it
slides along what it meets at an angle and stands at what it meets head on, while its wheels go on
turning. Nothing it meets is moved by it.
"""

from __future__ import annotations

from itertools import product
from math import atan2, cos, hypot, pi, sin, sqrt, tan
from typing import Protocol

from ...errors import UsageError
from ..dimensions import HALF_LENGTH, HALF_WIDTH, RADIUS
from .geometry import Rectangle
from .world import Box, Wall, World

__all__ = ["Occupant", "Space", "solid", "solids"]

RAYS = tuple(pi / 180 * angle for angle in (0, -3.5, 3.5, -7, 7, -10, 10))
"""Directions that sample the ultrasonic sensor's cone of 20 degrees."""
_LEAN, _SLOPE = 1 / cos(pi / 18), tan(pi / 18)
RANGE = 300.0
HORIZON = 20.0
"""What is farther than a robot can come within this way (cm) is looked for again later."""
TRIES = 4
"""How often a robot pushed out of one thing into another is pushed again."""
SLACK = 3.0
"""A push may move a robot so far, cm: twice what it drives in a step."""
_TOUCH = RADIUS + SLACK
_TOUCHING = RADIUS + _TOUCH
_FAR = 2 * HORIZON + 2 * RADIUS


class Occupant(Protocol):
    """A robot as the space sees it: :class:`.Body`."""

    number: int
    """Which robot of its world."""
    x: float
    y: float
    heading: float
    """Radians."""
    clearance: float
    """How far it can move before the space must be asked again, cm."""

    @property
    def shape(self) -> Rectangle:
        """The floor it covers."""
        ...


class Space:
    """The solid things of one world, and the robots among them."""

    def __init__(self, world: World) -> None:
        self.width = world.width
        self.height = world.height
        self.solids = solids(world)
        self.bodies: list[Occupant] = []

    def clearance(self, body: Occupant, x: float, y: float) -> float:
        """How far ``body`` at (x, y) can move, however it turns, without touching (cm).

        At most ``HORIZON``. Of the way to another robot each may go one half, so the other's share
        is cut to that.
        """
        free = min(x, y, self.width - x, self.height - y, HORIZON + RADIUS)
        for thing in self.solids:
            far = thing.radius + free
            dx, dy = thing.x - x, thing.y - y
            if dx * dx + dy * dy < far * far:
                free = min(free, thing.distance(x, y))
        free -= RADIUS
        for other in self.bodies:
            dx = other.x - x
            if dx > _FAR or dx < -_FAR:
                continue
            dy = other.y - y
            if dy > _FAR or dy < -_FAR or other.number == body.number:
                continue
            half = sqrt(dx * dx + dy * dy) / 2 - RADIUS
            if half < free:
                free = half
            if half < other.clearance:
                other.clearance = half
        return free

    def fit(self, body: Occupant, x: float, y: float, heading: float) -> tuple[float, float, float]:
        """The free pose (x, y, heading) near the wanted one; the present one if none is found."""
        near = []
        for thing in self.solids:
            dx, dy, limit = thing.x - x, thing.y - y, thing.radius + _TOUCH
            if dx * dx + dy * dy < limit * limit:
                near.append(thing)
        for other in self.bodies:
            dx = other.x - x
            if dx > _TOUCHING or dx < -_TOUCHING:
                continue
            dy = other.y - y
            if dx * dx + dy * dy < _TOUCHING * _TOUCHING and other.number != body.number:
                near.append(other.shape)
        c, s = abs(cos(heading)), abs(sin(heading))
        half_x = c * HALF_LENGTH + s * HALF_WIDTH
        half_y = s * HALF_LENGTH + c * HALF_WIDTH
        free_x = min(max(x, half_x), self.width - half_x)
        free_y = min(max(y, half_y), self.height - half_y)
        if not near:
            return free_x, free_y, heading
        mine = Rectangle(free_x, free_y, HALF_LENGTH, HALF_WIDTH, heading)
        for _ in range(TRIES):
            pushed = False
            for thing in near:
                push = mine.push(thing)
                if push is not None:
                    mine.x += push[0]
                    mine.y += push[1]
                    pushed = True
            if not pushed:
                if abs(mine.x - x) > SLACK or abs(mine.y - y) > SLACK:
                    break
                return mine.x, mine.y, heading
            mine.x = min(max(mine.x, half_x), self.width - half_x)
            mine.y = min(max(mine.y, half_y), self.height - half_y)
        return body.x, body.y, body.heading

    def is_free(self, x: float, y: float, heading: float) -> bool:
        """Whether a further robot could stand there."""
        mine = Rectangle(x, y, HALF_LENGTH, HALF_WIDTH, heading)
        half_x, half_y = mine.half_extents()
        if not (half_x <= x <= self.width - half_x and half_y <= y <= self.height - half_y):
            return False
        return all(
            mine.push(thing) is None
            for thing in (*self.solids, *(other.shape for other in self.bodies))
        )

    def free_place(self) -> tuple[float, float]:
        """The place nearest to the middle with room for a robot, if possible with some to drive in.

        Raises:
            UsageError: if there is none.
        """
        step = 5.0
        middle_x, middle_y = self.width / 2, self.height / 2
        columns, rows = int(middle_x / step), int(middle_y / step)
        grid = product(range(-columns, columns + 1), range(-rows, rows + 1))
        places = [(middle_x + column * step, middle_y + row * step) for column, row in grid]
        places.sort(key=lambda place: (hypot(place[0] - middle_x, place[1] - middle_y), place))
        for margin in (RADIUS, 0.0):
            for x, y in places:
                if self._has_room(x, y, margin):
                    return x, y
        raise UsageError(
            f"there is no room for a further robot among the {len(self.bodies)} in this world: "
            "make the world larger"
        )

    def _has_room(self, x: float, y: float, margin: float) -> bool:
        """Whether a robot at (x, y) is ``margin`` cm from everything, whichever way all turn."""
        apart = (2 * RADIUS + margin) ** 2
        return (
            min(x, y, self.width - x, self.height - y) > RADIUS + margin
            and all((other.x - x) ** 2 + (other.y - y) ** 2 > apart for other in self.bodies)
            and all(thing.distance(x, y) > RADIUS + margin for thing in self.solids)
        )

    def echo(self, body: Occupant) -> float:
        """Distance (cm, up to 300) from the front of ``body`` to what the echo comes from."""
        c, s = cos(body.heading), sin(body.heading)
        x, y = body.x + c * HALF_LENGTH, body.y + s * HALF_LENGTH
        # Every thing whose circle may touch the cone, with its least possible distance.
        things = []
        for thing in self.solids:
            dx, dy, radius = thing.x - x, thing.y - y, thing.radius
            ahead = dx * c + dy * s
            beside = _LEAN * radius + (_SLOPE * ahead if ahead > 0 else 0)
            if ahead >= -radius and abs(dy * c - dx * s) <= beside:
                things.append((hypot(dx, dy) - radius, thing))
        for other in self.bodies:
            dx, dy = other.x - x, other.y - y
            ahead = dx * c + dy * s
            beside = _LEAN * RADIUS + (_SLOPE * ahead if ahead > 0 else 0)
            if ahead >= -RADIUS and abs(dy * c - dx * s) <= beside and other.number != body.number:
                things.append((hypot(dx, dy) - RADIUS, other.shape))
        nearest = RANGE
        for angle in RAYS:
            dx, dy = cos(body.heading + angle), sin(body.heading + angle)
            if dx and (wall := ((self.width if dx > 0 else 0.0) - x) / dx) < nearest:
                nearest = wall
            if dy and (wall := ((self.height if dy > 0 else 0.0) - y) / dy) < nearest:
                nearest = wall
            for least, thing in things:
                if least < nearest and (met := thing.ray(x, y, dx, dy)) < nearest:
                    nearest = met
        return max(nearest, 0.0)


def solid(thing: Wall | Box) -> Rectangle:
    """The rectangle of a wall or a box."""
    if isinstance(thing, Box):
        angle = thing.angle * pi / 180
        return Rectangle(thing.x, thing.y, thing.width / 2, thing.height / 2, angle)
    dx, dy = thing.x2 - thing.x1, thing.y2 - thing.y1
    x, y = (thing.x1 + thing.x2) / 2, (thing.y1 + thing.y2) / 2
    return Rectangle(x, y, hypot(dx, dy) / 2, thing.thickness / 2, atan2(dy, dx))


def solids(world: World) -> list[Rectangle]:
    """Everything solid in a world but its outer walls."""
    return [*map(solid, world.walls), *map(solid, world.boxes)]
