"""One program on two robots: both ways over one another, and how soon each began to move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from matplotlib.axes import Axes

from .figure import (
    PALE,
    SHADE,
    beside,
    count,
    describe,
    headline,
    legend_below,
    ms,
    new_axes,
    style,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["reactions", "twin"]


class Twin(Protocol):
    """What `mb.lab.twin` found, as far as it is drawn. The lab records, recordings make reports,
    and reports are drawn here: so this module does not know the lab's class."""

    @property
    def names(self) -> tuple[str, str]: ...

    @property
    def paths(self) -> pd.DataFrame: ...

    @property
    def motions(self) -> pd.DataFrame: ...

    @property
    def difference(self) -> str: ...


def twin(twin: Twin, ax: Axes | None = None) -> Axes:
    """The ways of both robots over one another (cm), from one origin; thin lines join where they
    were at the same time."""
    ax = new_axes(6.4, 5.2) if ax is None else ax
    paths = twin.paths
    ends = []
    for number, name in enumerate(twin.names):
        series_style, way = style(number), paths[paths.robot == name]
        ax.plot(
            way.x,
            way.y,
            color=series_style.colour,
            linestyle=series_style.line,
            linewidth=2,
            label=f"{name} (n = {len(way)} reports)",
        )
        ax.plot(
            way.x.iloc[-1],
            way.y.iloc[-1],
            series_style.marker,
            color=series_style.colour,
            markersize=9,
            zorder=4,
        )
        ends.append(way)
    for t in np.arange(1.0, min(float(way.t_s.iloc[-1]) for way in ends), 1.0):
        both = [(np.interp(t, way.t_s, way.x), np.interp(t, way.t_s, way.y)) for way in ends]
        ax.plot([x for x, _ in both], [y for _, y in both], color=PALE, linewidth=0.8, zorder=1)
    ax.plot(0, 0, "o", color=PALE, markersize=7, zorder=4)
    ax.annotate(
        "start",
        (0, 0),
        (-8, -5),
        textcoords="offset points",
        va="top",
        ha="right",
        fontsize=9,
        color=PALE,
    )
    ax.margins(0.12)
    ax.set_aspect("equal", adjustable="datalim")
    ax.grid(color=SHADE, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.set_xlabel("x / cm")
    ax.set_ylabel("y / cm")
    legend_below(ax, 2)
    words = twin.difference.partition(". ")[0].rstrip(".")
    headline(ax, "One program, two robots", words)
    describe(ax, f"Map of the ways of two robots: {words}.")
    return ax


def reactions(twin: Twin, ax: Axes | None = None) -> Axes:
    """For each motion of both robots the time from the command until it moved, as its reports show
    it; a bar at the median."""
    motions = twin.motions.dropna(subset=["began_ms"])
    ax = new_axes(8.0, 2.6) if ax is None else ax
    details = []
    for row, name in enumerate(twin.names):
        values, series_style = motions[motions.robot == name].began_ms, style(row)
        spread = np.linspace(-0.15, 0.15, len(values)) if len(values) > 1 else [0.0] * len(values)
        ax.plot(
            values,
            row + np.asarray(spread),
            series_style.marker,
            color=series_style.colour,
            markersize=6,
            alpha=0.8,
        )
        if len(values):
            ax.vlines(
                values.median(), row - 0.3, row + 0.3, color=series_style.colour, linewidth=2.5
            )
            details.append(
                f"{name}: median {ms(float(values.median()))}, "
                f"{count(len(values), 'motion', 'motions')}"
            )
    ax.set_yticks(range(len(twin.names)), twin.names)
    ax.set_ylim(len(twin.names) - 0.5, -0.5)
    if (motions.began_ms >= 0).all():
        ax.set_xlim(left=0)
    ax.grid(axis="x", color=SHADE, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.set_xlabel("from the command until it moved / ms")
    words = (
        "; ".join(details) or "no motion was long enough to tell when it began (half a second is)"
    )
    headline(ax, "How soon they begin", words, beside=beside(twin.names))
    describe(ax, f"Times from a command until a robot moved: {words}.")
    return ax
