"""A still picture of a card, for previews, exported pages and saved notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import BytesIO
from math import cos, radians, sin
from typing import Any

__all__ = ["FAINT", "ZOOM", "picture", "png"]

WIDTH, HEIGHT = 640, 264
ZOOM = 2
"""Drawn so many times larger, for smooth edges."""
MARGIN = 12
ROBOT = (17.5, 13.0)
"""Length and width of an mBot2, cm."""

INK, FAINT, FLOOR, WALL, BOX = "#1f2328", "#6e7781", "#f6f6f4", "#57606a", "#c9b79c"
LINE, PATH, BODY, LAMP = "#3d444d", "#1f6feb", "#0b57b0", "#fff3c4"
PIECES = {"red": "#d1242f", "green": "#1a7f37", "blue": "#0969da", "yellow": "#d4a72c"}
LIGHTS = {"connected": "#1a7f37", "error": "#c62828", "closed": "#8c959f"}
WAITING = "#b26a00"

Point = tuple[float, float]


def picture(values: Mapping[str, Any]) -> bytes:
    """A PNG of what a card shows: the arena on the left, words beside it."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (WIDTH * ZOOM, HEIGHT * ZOOM), "white")
    draw = ImageDraw.Draw(image)
    arena, pose = values.get("arena"), values.get("pose")
    left: float = MARGIN
    if isinstance(arena, Mapping) and pose:
        view = _View(draw, arena)
        view.arena(arena)
        view.line(values.get("path") or (), PATH, 1.2)
        view.robot(*pose)
        left += view.width + 2 * MARGIN
    _description(draw, values, left)
    return png(image)


def png(image: Any) -> bytes:
    """A picture that was drawn ``ZOOM`` times as large, as a small PNG."""
    from PIL.Image import Quantize, Resampling

    file = BytesIO()
    # A third of the size; this method keeps the colour of what is small, too.
    small = image.resize((image.width // ZOOM, image.height // ZOOM), Resampling.LANCZOS)
    small.quantize(256, method=Quantize.MAXCOVERAGE).save(file, "PNG", optimize=True)
    return file.getvalue()


class _View:
    """The arena on the picture: cm to pixels."""

    def __init__(self, draw: Any, arena: Mapping[str, Any]) -> None:
        self.draw = draw
        self.size = (float(arena["width"]), float(arena["height"]))
        self.scale = min((HEIGHT - 2 * MARGIN) / self.size[1], (WIDTH * 0.6) / self.size[0])
        self.width = self.size[0] * self.scale

    def at(self, x: float, y: float) -> Point:
        return (MARGIN + x * self.scale) * ZOOM, (MARGIN + (self.size[1] - y) * self.scale) * ZOOM

    def arena(self, arena: Mapping[str, Any]) -> None:
        whole = (*self.at(0, self.size[1]), *self.at(self.size[0], 0))
        self.draw.rectangle(whole, fill=FLOOR, outline=WALL, width=2 * ZOOM)
        for lamp in arena.get("lights", ()):
            self.spot(lamp["x"], lamp["y"], 9, LAMP)
        for line in arena.get("lines", ()):
            points = list(line["points"])
            closing = points[:1] if line.get("closed") else []
            self.line([*points, *closing], LINE, line.get("width", 2.0))
        for wall in arena.get("walls", ()):
            ends = [(wall["x1"], wall["y1"]), (wall["x2"], wall["y2"])]
            self.line(ends, WALL, wall.get("thickness", 2.0))
        for box in arena.get("boxes", ()):
            corners = _corners(
                box["x"], box["y"], box.get("width", 20), box.get("height", 20), box.get("angle", 0)
            )
            self.draw.polygon([self.at(*corner) for corner in corners], fill=BOX, outline=WALL)
        for piece in arena.get("pieces", ()):
            self.spot(piece["x"], piece["y"], 2, PIECES.get(piece["color"], INK))

    def line(self, points: Iterable[Any], color: str, width: float) -> None:
        places = [self.at(x, y) for x, y in points]
        if len(places) > 1:
            self.draw.line(
                places, fill=color, width=max(1, round(width * self.scale * ZOOM)), joint="curve"
            )

    def spot(self, x: float, y: float, radius: float, color: str) -> None:
        x, y = self.at(x, y)
        radius *= self.scale * ZOOM
        self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)

    def robot(self, x: float, y: float, heading: float) -> None:
        body = [self.at(*corner) for corner in _corners(x, y, *ROBOT, heading)]
        self.draw.polygon(body, fill=BODY, outline="white")
        nose = [
            self.at(*_turned(x, y, ahead, aside, heading))
            for ahead, aside in ((6.5, 0), (1.5, 3.5), (1.5, -3.5))
        ]
        self.draw.polygon(nose, fill="white")


def _description(draw: Any, values: Mapping[str, Any], left: float) -> None:
    from PIL import ImageFont

    connection = str(values.get("connection"))
    pose, latency, tension = values.get("pose"), values.get("latency"), values.get("tension")
    mode = values.get("mode") or "-"
    rows = {
        "mode": mode if tension is None else f"{mode}, tension {tension:.2f}",
        "position": f"x {pose[0]:.1f} cm, y {pose[1]:.1f} cm, {pose[2]:.0f}°" if pose else "-",
        "latency": "-" if latency is None else f"{latency:.2f} ms",
    }
    large, small = ImageFont.load_default(15 * ZOOM), ImageFont.load_default(12 * ZOOM)

    def write(y: float, text: str, font: Any, color: str) -> None:
        draw.text((left * ZOOM, y * ZOOM), text, font=font, fill=color)

    top = MARGIN + 4
    draw.ellipse(
        [side * ZOOM for side in (left, top + 3, left + 11, top + 14)],
        fill=LIGHTS.get(connection, WAITING),
    )
    draw.text(((left + 18) * ZOOM, top * ZOOM), connection, font=large, fill=INK)
    write(top + 22, str(values.get("robot", "")), small, FAINT)
    for number, (name, value) in enumerate(rows.items()):
        write(top + 54 + 42 * number, name, small, FAINT)
        write(top + 69 + 42 * number, value, small, INK)
    write(HEIGHT - MARGIN - 16, "Run the cell for the live card.", small, FAINT)


def _corners(x: float, y: float, width: float, height: float, angle: float) -> list[Point]:
    half = ((1, 1), (-1, 1), (-1, -1), (1, -1))
    return [_turned(x, y, width / 2 * across, height / 2 * up, angle) for across, up in half]


def _turned(x: float, y: float, ahead: float, aside: float, angle: float) -> Point:
    c, s = cos(radians(angle)), sin(radians(angle))
    return x + ahead * c - aside * s, y + ahead * s + aside * c
