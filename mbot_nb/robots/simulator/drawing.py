"""Drawing: what the motors are set to so that the robot drives a figure.

A figure is a list of moves: straight lines, turns on the spot and arcs. The wheels speed up and
brake evenly, so the duration of a move is known beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, pairwise
from math import atan2, degrees, dist, isfinite, pi, sqrt
from typing import Any, NamedTuple

from ...commands import MAX_DRAWING_SECONDS
from ...errors import CommandRejectedError
from ..dimensions import TRACK
from .agent import Change
from .body import ACCELERATION, FULL_SPEED

__all__ = ["SHAPES", "Drawing", "Segment", "arc", "line", "prepare", "turn"]

LINE_SPEED = 0.4 * FULL_SPEED
TURN_SPEED = 0.2 * FULL_SPEED
MAX_POINTS = 2000
"""Of the path in `drawing_complete`."""


class Segment(NamedTuple):
    """What the two wheels roll in one go, cm, at ``speed`` cm/s of the faster one."""

    left: float
    right: float
    speed: float

    @property
    def duration(self) -> float:
        """Seconds from rest to rest."""
        distance, speed = self._distance_and_speed()
        return distance / speed + speed / ACCELERATION if distance else 0.0

    def changes(self, t: float) -> list[Change]:
        """What the motors are set to from ``t`` on, so that the distance is right at the end."""
        distance, speed = self._distance_and_speed()
        if not distance:
            return []
        percent = 100 / FULL_SPEED * speed / distance
        return [(t, self.left * percent, self.right * percent), (t + distance / speed, 0.0, 0.0)]

    def _distance_and_speed(self) -> tuple[float, float]:
        """The distance, and the speed that a short one allows between starting and braking."""
        distance = max(abs(self.left), abs(self.right))
        return distance, min(self.speed, sqrt(distance * ACCELERATION))


def line(length: float) -> Segment:
    """Straight on for so many cm."""
    return Segment(length, length, LINE_SPEED)


def turn(angle: float) -> Segment:
    """Turn on the spot by so many degrees, to the left."""
    roll = angle * pi / 180 * TRACK / 2
    return Segment(-roll, roll, TURN_SPEED)


def arc(radius: float, angle: float) -> Segment:
    """Drive part of a circle: ``angle`` degrees, positive to the left."""
    distance = abs(angle) * pi / 180 * radius
    roll = angle * pi / 180 * TRACK / 2
    return Segment(distance - roll, distance + roll, LINE_SPEED)


def _polygon(corners: int, side: float) -> list[Segment]:
    return [line(side), turn(360 / corners)] * corners


SHAPES: dict[str, Callable[[], list[Segment]]] = {
    "circle": lambda: [arc(15, 360)],
    "square": lambda: _polygon(4, 30),
    "triangle": lambda: _polygon(3, 30),
    "hexagon": lambda: _polygon(6, 18),
    "star": lambda: [line(35), turn(144)] * 5,
    "line": lambda: [line(30)],
    "zigzag": lambda: [*(m for a in (45, -90, 90, -90) for m in (turn(a), line(15))), turn(45)],
    "eight": lambda: [arc(12, 360), arc(12, -360)],
    "spiral": lambda: [arc(4 + 2 * i, 90) for i in range(10)],
    "heart": lambda: [
        turn(-45),
        line(24),
        arc(12, 180),
        turn(-90),
        arc(12, 180),
        line(24),
        turn(135),
    ],
}
"""The figures that have a name, 15 to 45 cm large. They begin at the robot's pose."""


class Drawing:
    """One drawing under way, begun at ``start``; the pen goes down ``approach`` s later."""

    def __init__(
        self,
        shape: str | None,
        start: float,
        approach: Sequence[Segment],
        figure: Sequence[Segment],
    ) -> None:
        self.shape = shape or "points"
        self.changes: list[Change] = []
        self.pen_down = self._append(start, approach)
        self.end = self._append(self.pen_down, figure)
        self.changes.append((self.end, 0.0, 0.0))

    def _append(self, t: float, moves: Iterable[Segment]) -> float:
        """Drive these moves from ``t`` on; returns when they end."""
        for move in moves:
            self.changes += move.changes(t)
            t += move.duration
        return t

    def result(
        self, trail: Iterable[tuple[float, float, float, float]], until: float, complete: bool
    ) -> dict[str, Any]:
        """What `drawing_complete` says: ``shape``, ``path``, ``length`` (cm), ``complete``."""
        drawn = ((x, y) for t, x, y, _ in trail if self.pen_down <= t <= until)
        path = [point for point, _ in groupby(drawn)]
        length = sum(dist(a, b) for a, b in pairwise(path))
        if len(path) > MAX_POINTS:
            step = (len(path) - 1) / (MAX_POINTS - 1)
            path = [path[round(i * step)] for i in range(MAX_POINTS)]
        return {
            "shape": self.shape,
            "path": [[round(x, 2), round(y, 2)] for x, y in path],
            "length": round(length, 1),
            "complete": complete,
        }


def prepare(shape: str | None, points: Sequence[tuple[float, float]] | None, now: float) -> Drawing:
    """The drawing of a named shape, or through points (cm ahead of and to the left of the robot).

    Raises:
        CommandRejectedError: ``INVALID_PARAMS`` for a shape nobody knows, or a drawing that takes
            over five minutes.
    """
    if points is not None:
        approach, figure = _through(points)
    elif shape in SHAPES:
        approach, figure = [], SHAPES[shape]()
    else:
        shapes = ", ".join(SHAPES)
        raise _rejected(f"there is no shape {shape!r}; it takes one of {shapes}, or points")
    drawing = Drawing(shape, now, approach, figure)
    if not drawing.end - now <= MAX_DRAWING_SECONDS:
        raise _rejected(
            f"this would take {drawing.end - now:.0f} s, and a drawing may take "
            f"{MAX_DRAWING_SECONDS:.0f} s: draw it smaller or in parts"
        )
    return drawing


def _rejected(why: str) -> CommandRejectedError:
    why = f"start_drawing: {why}"
    return CommandRejectedError("INVALID_PARAMS", why, command="start_drawing")


def _through(points: Sequence[tuple[float, float]]) -> tuple[list[Segment], list[Segment]]:
    """The moves to the first point, and from it through the others."""
    if not all(isfinite(x) and isfinite(y) for x, y in points):
        raise _rejected("every coordinate of points must be a finite number")
    legs: list[list[Segment]] = []
    here, heading = (0.0, 0.0), 0.0
    for point in points:
        leg: list[Segment] = []
        distance = dist(here, point)
        if distance > 1e-6:
            wanted = degrees(atan2(point[1] - here[1], point[0] - here[0]))
            leg = [turn((wanted - heading + 180) % 360 - 180), line(distance)]
            here, heading = point, wanted
        legs.append(leg)
    return legs[0], [move for leg in legs[1:] for move in leg]
