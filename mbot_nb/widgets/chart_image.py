"""A still picture of a live chart, for previews and saved notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from .card_image import FAINT, ZOOM, png

__all__ = ["COLORS", "still_chart"]

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 12, 12, 12, 64
EDGE = "#d1d9e0"
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#8a6d3b", "#7f7f7f")
"""Told apart also by who sees few colours, on light ground and on dark."""

Series = tuple[str, Sequence[float], Sequence[float], int]


def still_chart(lines: Sequence[Series]) -> bytes:
    """A PNG of lines, each scaled to the whole height: name, times in s, values, index of its
    colour."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (WIDTH * ZOOM, HEIGHT * ZOOM), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(12 * ZOOM)
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    draw.rectangle([side * ZOOM for side in (LEFT, TOP, right, bottom)], outline=EDGE, width=ZOOM)
    times = [t for _, ts, _, _ in lines for t in ts]
    first, last = (min(times), max(times)) if times else (0.0, 1.0)
    span = last - first or 1.0
    x = LEFT
    for number, (name, ts, values, color_index) in enumerate(lines):
        color = COLORS[color_index]
        low, high = (min(values), max(values)) if values else (0.0, 0.0)
        room = high - low or 1.0
        places = [
            (
                (LEFT + (t - first) / span * (right - LEFT)) * ZOOM,
                (bottom - 6 - (v - low) / room * (bottom - TOP - 12)) * ZOOM,
            )
            for t, v in zip(ts, values, strict=True)
        ]
        for (x1, y1), (x2, y2) in pairwise(places):
            draw.line((x1, y1, x2, y2), fill=color, width=2 * ZOOM)
        words = f"{name} {values[-1]:.4g}" if values else f"{name} -"
        row = number // 4
        x = LEFT if number % 4 == 0 else x
        draw.text((x * ZOOM, (bottom + 6 + 16 * row) * ZOOM), words, font=font, fill=color)
        x += int(draw.textlength(words, font=font) / ZOOM) + 18
    told = f"{span:.0f} s" if times else "No values yet"
    words = f"{told}. Run the cell for the live chart."
    draw.text((LEFT * ZOOM, (HEIGHT - 20) * ZOOM), words, font=font, fill=FAINT)
    return png(image)
