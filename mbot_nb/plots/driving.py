"""The way the robot drove, in its arena."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from math import cos, hypot, radians, sin
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle

from .figure import INK, PALE, SHADE, finish, new_axes, note

if TYPE_CHECKING:
    from ..recording.tables.run_tables import RunTables

__all__ = ["path"]

ARROW_EVERY = 15.0
"""cm of way between two arrows."""
JUMP = 30.0
"""cm between two reports (0.1 s apart) that no mBot2 can drive: it was set down elsewhere, or
another robot began."""
ROBOT = ((8.0, 0.0), (-5.0, 5.5), (-5.0, -5.5))
"""The robot's sign: an arrowhead in its direction, cm."""

ARROW = {"arrowstyle": "-|>", "color": INK, "mutation_scale": 13, "shrinkA": 0, "shrinkB": 0}

Place = tuple[float, float, float]


def path(rec: RunTables, ax: Axes | None = None) -> Axes:
    """The way the robot drove while it was recorded, from its telemetry (x, y in cm, heading in
    degrees).

    A dot is the beginning, the arrowhead the robot where it is now, small arrows show the
    direction. If the robot tells of its arena, that is drawn too: walls, boxes (hatched), lines on
    the floor (grey), lamps (stars) and pieces (small squares).
    """
    ax = ax or new_axes(6.4, 5.2)
    places = _places(rec)
    arena = rec.state().get("arena")
    if isinstance(arena, Mapping):
        _arena(ax, arena)
    distance = 0.0
    for stretch in _stretches(places):
        x, y, _ = zip(*stretch, strict=True)
        ax.plot(x, y, color=INK, linewidth=2, solid_capstyle="round")
        distance += _arrows(ax, stretch)
    details = "the robot has not told where it is yet: let it drive while the recorder records"
    if places:
        (*first, _), (now_x, now_y, heading) = places[0], places[-1]
        ax.plot(*first, "o", color=INK, markersize=8, zorder=4)
        note(ax, "start", (first[0], first[1]), (-8, -5), va="top", ha="right", color=INK)
        ax.add_patch(_robot(now_x, now_y, heading))
        details = (
            f"n = {len(places)} reports, {distance:.1f} cm of way, "
            f"now at ({now_x:.1f}, {now_y:.1f}) cm, heading {heading:.0f}°"
        )
    ax.set_aspect("equal", adjustable="box" if isinstance(arena, Mapping) else "datalim")
    spoken = f"Map of the way driven: {details}."
    return finish(ax, "The way driven", details, spoken, x="x / cm", y="y / cm", grid=None)


def _places(rec: RunTables) -> list[Place]:
    events = rec.events
    places = []
    for data in events.data[events.name == "telemetry"]:
        report = json.loads(data)
        if isinstance(report, dict) and all(
            isinstance(report.get(key), (int, float)) for key in ("x", "y")
        ):
            places.append(
                (float(report["x"]), float(report["y"]), float(report.get("heading", 0.0)))
            )
    return places


def _stretches(places: list[Place]) -> list[list[Place]]:
    """The way in pieces, without the leaps."""
    pieces: list[list[Place]] = []
    for place in places:
        if not pieces or hypot(place[0] - pieces[-1][-1][0], place[1] - pieces[-1][-1][1]) > JUMP:
            pieces.append([])
        pieces[-1].append(place)
    return pieces


def _arrows(ax: Axes, stretch: list[Place]) -> float:
    """Small arrows along a piece of the way; returns its length in cm."""
    distance, next_arrow = 0.0, ARROW_EVERY / 2
    for (x0, y0, _), (x1, y1, _) in pairwise(stretch):
        step = hypot(x1 - x0, y1 - y0)
        distance += step
        if step and distance >= next_arrow:
            next_arrow = distance + ARROW_EVERY
            ax.annotate("", (x1, y1), (x0, y0), arrowprops=ARROW)
    return distance


def _robot(x: float, y: float, heading: float) -> Polygon:
    c, s = cos(radians(heading)), sin(radians(heading))
    corners = [(x + c * forward - s * left, y + s * forward + c * left) for forward, left in ROBOT]
    return Polygon(corners, closed=True, facecolor="white", edgecolor=INK, linewidth=1.8, zorder=5)


def _arena(ax: Axes, arena: Mapping[str, Any]) -> None:
    """Draw what stands and lies in the arena, as far as the robot reports it."""
    width, height = arena.get("width"), arena.get("height")
    if isinstance(width, (int, float)) and isinstance(height, (int, float)):
        ax.add_patch(
            Rectangle((0, 0), width, height, fill=False, edgecolor="black", linewidth=2.5, zorder=2)
        )
        margin = 0.03 * max(width, height)
        ax.set_xlim(-margin, width + margin)
        ax.set_ylim(-margin, height + margin)
        ax.spines[:].set_visible(False)
    for line in arena.get("lines", ()):
        points = [tuple(point) for point in line["points"]]
        points += points[:1] if line.get("closed") else []
        ax.plot([x for x, _ in points], [y for _, y in points], color=SHADE, linewidth=4, zorder=1)
    for wall in arena.get("walls", ()):
        x, y = [wall["x1"], wall["x2"]], [wall["y1"], wall["y2"]]
        ax.plot(x, y, color="black", linewidth=2.5, zorder=2)
    pale: dict[str, Any] = {"edgecolor": PALE, "linewidth": 1, "zorder": 2}
    for box in arena.get("boxes", ()):
        wide, high = box.get("width", 0.0), box.get("height", 0.0)
        corner = (box["x"] - wide / 2, box["y"] - high / 2)
        turned = {"angle": box.get("angle", 0.0), "rotation_point": "center"}
        ax.add_patch(Rectangle(corner, wide, high, facecolor=SHADE, hatch="///", **turned, **pale))
    for things, marker, size in (("lights", "*", 11), ("pieces", "s", 6)):
        for thing in arena.get(things, ()):
            options: dict[str, Any] = {"markersize": size, "markeredgecolor": PALE, "zorder": 2}
            ax.plot(thing["x"], thing["y"], marker, color="white", **options)
