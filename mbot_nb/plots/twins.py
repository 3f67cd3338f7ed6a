"""One program on two robots: both ways over one another, and how soon each began to move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from matplotlib.axes import Axes

from .figure import PALE, beside, count, finish, ms, new_axes, note, style

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
    ax = ax or new_axes(6.4, 5.2)
    paths = [twin.paths[twin.paths.robot == name] for name in twin.names]
    for number, (name, path) in enumerate(zip(twin.names, paths, strict=True)):
        label = f"{name} (n = {len(path)} reports)"
        ax.plot(path.x, path.y, **style(number).pen, linewidth=2, label=label)
        ax.plot(path.x.iloc[-1], path.y.iloc[-1], **style(number).marks, markersize=9, zorder=4)
    for t in np.arange(1.0, min(float(path.t_s.iloc[-1]) for path in paths), 1.0):
        x, y = ([np.interp(t, path.t_s, path[axis]) for path in paths] for axis in ("x", "y"))
        ax.plot(x, y, color=PALE, linewidth=0.8, zorder=1)
    ax.plot(0, 0, "o", color=PALE, markersize=7, zorder=4)
    note(ax, "start", (0, 0), (-8, -5), va="top", ha="right", color=PALE)
    ax.margins(0.12)
    ax.set_aspect("equal", adjustable="datalim")
    words = twin.difference.partition(". ")[0].rstrip(".")
    return finish(
        ax,
        "One program, two robots",
        words,
        f"Map of the ways of two robots: {words}.",
        x="x / cm",
        y="y / cm",
        grid="both",
        legend=2,
    )


def reactions(twin: Twin, ax: Axes | None = None) -> Axes:
    """For each motion of both robots the time from the command until it moved, as its reports show
    it; a bar at the median."""
    motions = twin.motions.dropna(subset=["began_ms"])
    ax = ax or new_axes(8.0, 2.6)
    details = []
    for row, name in enumerate(twin.names):
        values, series_style = motions[motions.robot == name].began_ms, style(row)
        spread = np.linspace(-0.15, 0.15, len(values)) if len(values) > 1 else np.zeros(len(values))
        ax.plot(values, row + spread, **series_style.marks, markersize=6, alpha=0.8)
        if len(values):
            middle = float(values.median())
            ax.vlines(middle, row - 0.3, row + 0.3, color=series_style.color, linewidth=2.5)
            details.append(
                f"{name}: median {ms(middle)}, {count(len(values), 'motion', 'motions')}"
            )
    ax.set_yticks(range(len(twin.names)), twin.names)
    ax.set_ylim(len(twin.names) - 0.5, -0.5)
    if (motions.began_ms >= 0).all():
        ax.set_xlim(left=0)
    words = (
        "; ".join(details) or "no motion was long enough to tell when it began (half a second is)"
    )
    return finish(
        ax,
        "How soon they begin",
        words,
        f"Times from a command until a robot moved: {words}.",
        x="from the command until it moved / ms",
        grid="x",
        beside=beside(twin.names),
    )
