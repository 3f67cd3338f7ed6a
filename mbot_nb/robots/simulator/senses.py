"""What the sensors read: the floor under the robot, light and sound around it.

All of it is a function of the pose, so a reading costs others nothing. The ultrasonic sensor is
in ``space`` (the echo) and ``agent`` (its noise).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise, product
from math import cos, hypot, sin
from typing import NamedTuple

from .body import Body
from .world import Line, World

__all__ = ["Floor", "Sound", "brightness", "line_reading", "loudness"]

CELL = 8.0
"""Side of the squares by which the pieces of a line are found, cm."""
EDGE = 0.5
"""Half of the width over which the edge of a line fades, cm."""
PROBE_AHEAD = 7.5
"""The line sensor is this far ahead of the middle of the robot, cm."""
PROBES = (2.25, 0.75, -0.75, -2.25)
"""Its four eyes, from left to right: L2 L1 R1 R2, cm to the left."""

Segment = tuple[float, float, float, float, float]


class Floor:
    """The dark lines of a world, by squares, so that a reading tests only what is near."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._cells: dict[tuple[int, int], list[Segment]] = {}
        for line in lines:
            points = [*line.points, line.points[0]] if line.closed else list(line.points)
            for (x1, y1), (x2, y2) in pairwise(points):
                self._add((x1, y1, x2, y2, line.width / 2))

    def _add(self, segment: Segment) -> None:
        x1, y1, x2, y2, half = segment
        margin = half + EDGE

        def cells(a: float, b: float) -> range:
            return range(int((min(a, b) - margin) // CELL), int((max(a, b) + margin) // CELL) + 1)

        for cell in product(cells(x1, x2), cells(y1, y2)):
            self._cells.setdefault(cell, []).append(segment)

    def darkness(self, x: float, y: float) -> float:
        """How much of what an eye sees at (x, y) is line: 0 to 1, one half right at the edge."""
        darkest = 0.0
        for x1, y1, x2, y2, half in self._cells.get((int(x // CELL), int(y // CELL)), ()):
            dx, dy = x2 - x1, y2 - y1
            length = dx * dx + dy * dy
            along = ((x - x1) * dx + (y - y1) * dy) / length if length else 0.0
            along = min(max(along, 0.0), 1.0)
            distance = hypot(x - x1 - along * dx, y - y1 - along * dy)
            darkest = max(darkest, (half + EDGE - distance) / (2 * EDGE))
        return min(darkest, 1.0)


def line_reading(floor: Floor, body: Body) -> tuple[int, float]:
    """The line sensor: bits (L2=8 L1=4 R1=2 R2=1, set on the line) and offset, -100 to 100.

    The offset is positive when the line is to the left, and 0 when no eye sees any.
    """
    c, s = cos(body.heading), sin(body.heading)
    x, y = body.x + c * PROBE_AHEAD, body.y + s * PROBE_AHEAD
    bits, total, weighted = 0, 0.0, 0.0
    for rank, side in enumerate(PROBES):
        dark = floor.darkness(x - s * side, y + c * side)
        if dark >= 0.5:
            bits |= 8 >> rank
        total += dark
        weighted += dark * side
    return bits, 100 * weighted / (total * PROBES[0]) if total else 0.0


def brightness(world: World, body: Body) -> float:
    """The light sensor, 0 to 100: the room, and every lamp by the square of its distance."""
    total = world.ambient_light
    for lamp in world.lights:
        square = lamp.height * lamp.height
        dx, dy = lamp.x - body.x, lamp.y - body.y
        total += lamp.brightness * (square / (square + dx * dx + dy * dy))
    return min(total, 100.0)


class Sound(NamedTuple):
    """A sound at a place until ``until``; ``source`` is the robot that makes it, or None."""

    x: float
    y: float
    loudness: float
    until: float
    source: int | None


def loudness(world: World, sounds: Iterable[Sound], body: Body) -> tuple[float, float]:
    """The sound sensor, 0 to 100: all sounds, and only those of others; half is left at 50 cm."""
    everything = others = world.ambient_sound
    for sound in sounds:
        here = sound.loudness / (1 + (hypot(sound.x - body.x, sound.y - body.y) / 50.0) ** 2)
        everything = max(everything, here)
        if sound.source != body.number:
            others = max(others, here)
    return min(everything, 100.0), min(others, 100.0)
