"""Where the delays were, over time: how many fell into each cell of time and delay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from .figure import MARK, count, describe, headline, legend_below, logarithmic, new_axes
from .series import series_of

if TYPE_CHECKING:
    from ..lab.results import Run
    from ..recording.tables.run_tables import RunTables

__all__ = ["heatmap"]


def heatmap(
    source: RunTables | Run, ax: Axes | None = None, *, bins: tuple[int, int] = (60, 30)
) -> Axes:
    """How many delays fell into each cell of time and delay, from light (one) to dark: for more
    than a plot of dots can show.

    Everything is in it, also what a blocked loop held up; black bars along the top edge say when
    one was blocked, dashed lines when the connection was lost.

    Args:
        bins: cells along the time and along the delay, which has a logarithmic scale.
    """
    if ax is None:
        ax = new_axes(8.0, 3.6)
    series = series_of(source)
    if len(series.ms):
        low, high = max(1e-4, float(series.ms.min())) * 0.98, float(series.ms.max()) * 1.02
        times = np.linspace(0.0, max(float(series.t.max()), 1e-3) * (1 + 1e-9), bins[0] + 1)
        delays = np.geomspace(low, max(high, low * 1.5), bins[1] + 1)
        cells, _, _ = np.histogram2d(series.t, series.ms, (times, delays))
        ax.set_yscale("log")
        logarithmic(ax.yaxis, low, high)
        most = max(2.0, float(cells.max()))
        shown = np.ma.masked_equal(cells.T, 0)
        mesh = ax.pcolormesh(
            times, delays, shown, cmap="Greys", norm=LogNorm(0.5, most), rasterized=True
        )
        bar = ax.figure.colorbar(mesh, ax=ax, pad=0.01, label=f"{series.what}s in a cell")
        bar.outline.set_visible(False)
        bar.ax.set_ylim(1, most)
        logarithmic(bar.ax.yaxis, 1, most)
        lost = _happened(ax, series.stalls, series.changes)
        details = f"n = {len(series.ms)}, everything that was answered"
        details += (
            f"; the loop was blocked {count(len(series.stalls), 'time', 'times')}"
            if len(series.stalls)
            else ""
        )
        details += f"; the connection was lost {count(lost, 'time', 'times')}" if lost else ""
    else:
        details = f"no {series.what}s yet"
    headline(
        ax,
        f"{series.what.capitalize()}s over time",
        details + (f"\n{series.settings}" if series.settings else ""),
    )
    ax.set_xlabel("time / s")
    ax.set_ylabel("delay / ms")
    legend_below(ax, 2)
    describe(ax, f"Heat map of {series.what}s over time: {details}.")
    return ax


def _happened(
    ax: Axes, stalls: np.ndarray[tuple[int, ...], np.dtype[np.float64]], changes: object
) -> int:
    """Bars for stalls, lines for cuts; returns how many cuts."""
    if len(stalls):
        ax.plot(
            np.column_stack([stalls, np.full(len(stalls), np.nan)]).ravel(),
            np.full(3 * len(stalls), 0.985),
            color="black",
            linewidth=5,
            solid_capstyle="butt",
            transform=ax.get_xaxis_transform(),
            label=f"loop blocked ({len(stalls)})",
        )
    if changes is None:
        return 0
    lost = changes[(changes.previous == "connected") & (changes.state != "connected")]  # type: ignore[index, attr-defined]
    for number, time in enumerate(lost.t_s):
        label = None if number else f"connection lost ({len(lost)})"
        ax.axvline(time, color=MARK, linewidth=1.2, linestyle="--", label=label)
    return len(lost)
