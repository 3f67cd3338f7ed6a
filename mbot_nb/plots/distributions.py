"""How delays are distributed: all of them, the tail, the shape, and over time.

Of one run, or of several over one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ..errors import UsageError
from .figure import (
    MARK,
    SHADE,
    count,
    describe,
    headline,
    legend_below,
    logarithmic,
    ms,
    new_axes,
    style,
)
from .series import Series, named, series_of

if TYPE_CHECKING:
    from ..lab.results import Run
    from ..recording.tables.run_tables import RunTables

__all__ = ["ecdf", "heatmap", "histogram", "percentiles"]

TAIL = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)


def ecdf(*sources: Any, ax: Axes | None = None, all_samples: bool = False) -> Axes:
    """For each delay the share of all that took no longer: the empirical distribution function,
    whole and without bins.

    Args:
        sources: recorders, runs of the lab, or columns of seconds; one line for each.
        all_samples: with what a blocked loop held up; else without it. The warm-up is left out in
            any case.
    """
    ax = new_axes(8.0, 3.8) if ax is None else ax
    drawn = _read(sources, all_samples)
    for number, (series, values) in enumerate(drawn):
        if len(values):
            series_style = style(number)
            share = np.arange(1, len(values) + 1) / len(values)
            # Markers tell the lines apart without colour.
            at = np.minimum(
                len(values) - 1, np.ceil(np.arange(0.1, 1.0, 0.2) * len(values)).astype(int)
            )
            ax.plot(
                values,
                share,
                drawstyle="steps-post",
                color=series_style.colour,
                linestyle=series_style.line,
                linewidth=1.6,
                marker=series_style.marker,
                markersize=5,
                markevery=np.unique(at).tolist(),
                label=_label(series, number, drawn),
            )
    _axis_of_delays(ax, drawn)
    ax.set_ylim(0, 1.02)
    ax.set_ylabel("share that took no longer")
    _finish(ax, "Distribution of delays", "Share of delays that took no longer", drawn)
    return ax


def percentiles(*sources: Any, ax: Axes | None = None, all_samples: bool = False) -> Axes:
    """Delays by percentile, on an axis that gives each nine of the tail the same room (as
    HdrHistogram's plots).

    A line ends where its values end: with 1000 of them nothing is known beyond 99.9 %. Arguments as
    for :func:`ecdf`.
    """
    ax = new_axes(8.0, 3.8) if ax is None else ax
    drawn = _read(sources, all_samples)
    most = max((len(values) for _, values in drawn), default=0)
    for number, (series, values) in enumerate(drawn):
        if len(values):
            series_style = style(number)
            # Each of n stands for the middle of its n-th part, so that the largest has a place,
            # too.
            beyond = 1 - (np.arange(1, len(values) + 1) - 0.5) / len(values)
            ax.plot(
                1 / beyond,
                values,
                color=series_style.colour,
                linestyle=series_style.line,
                linewidth=1.6,
                marker=series_style.marker,
                markersize=5,
                markevery=_sparse(beyond),
                label=_label(series, number, drawn),
            )
    ax.set_xscale("log")
    marks = [share for share in TAIL if 1 / (1 - share) <= max(2 * most, 10)]
    ax.xaxis.set_major_locator(FixedLocator([1, *(1 / (1 - share) for share in marks)]))
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{100 * (1 - 1 / value):.6g} %" if value > 0 else "")
    )
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlim(1, max(2.2 * most, 10))
    shown = np.concatenate([values for _, values in drawn]) if drawn else np.empty(0)
    if len(shown):
        ax.set_yscale("log")
        logarithmic(ax.yaxis, float(shown.min()), float(shown.max()))
    ax.set_xlabel("percentile")
    ax.set_ylabel("delay / ms")
    ax.grid(axis="x", color=SHADE, linewidth=0.8)
    _finish(ax, "Delays by percentile", "Delays by percentile, the tail stretched", drawn)
    return ax


def histogram(
    *sources: Any, ax: Axes | None = None, bins: int = 40, all_samples: bool = False
) -> Axes:
    """How often each delay came: the share of all in ``bins`` bins that are equally wide on the
    logarithmic axis.

    Where several are drawn they share their bins, and hatching tells them apart. Arguments as for
    :func:`ecdf`.
    """
    ax = new_axes(8.0, 3.6) if ax is None else ax
    drawn = _read(sources, all_samples)
    shown = np.concatenate([values for _, values in drawn]) if drawn else np.empty(0)
    if len(shown):
        low, high = _span(shown)
        edges = np.geomspace(low, high, bins + 1)
        for number, (series, values) in enumerate(drawn):
            if len(values):
                series_style = style(number)
                counts, _ = np.histogram(values, edges)
                ax.stairs(
                    counts / len(values) * 100,
                    edges,
                    fill=True,
                    facecolor="none",
                    edgecolor=series_style.colour,
                    hatch=series_style.hatch,
                    linewidth=1.3,
                    label=_label(series, number, drawn),
                )
                median = float(np.quantile(values, 0.5))
                ax.plot(
                    median,
                    0,
                    marker=series_style.marker,
                    color=series_style.colour,
                    markersize=8,
                    clip_on=False,
                    zorder=5,
                )
    _axis_of_delays(ax, drawn)
    ax.set_ylim(bottom=0)
    ax.set_ylabel("share of all / %")
    _finish(ax, "How often each delay came", "Histogram of delays", drawn)
    return ax


Drawn = list[tuple[Series, Any]]


def _read(sources: tuple[Any, ...], all_samples: bool) -> Drawn:
    if not sources:
        raise UsageError(
            "nothing to draw: pass a recorder, a run of the lab, or a column of seconds"
        )
    drawn = []
    for source in sources:
        series = series_of(source)
        drawn.append((series, np.sort(series.ms[~series.ends] if all_samples else series.plain)))
    return drawn


def _span(shown: Any) -> tuple[float, float]:
    """From the smallest to the largest, never a span of nothing."""
    low, high = max(1e-4, float(shown.min())), float(shown.max())
    return low * 0.98, max(high * 1.02, low * 1.1)


def _label(series: Series, number: int, drawn: Drawn) -> str:
    values = drawn[number][1]
    return (
        f"{named(series, number, len(drawn))}: n = {len(values)}, median "
        f"{ms(float(np.quantile(values, 0.5)))}"
    )


def _axis_of_delays(ax: Axes, drawn: Drawn) -> None:
    shown = np.concatenate([values for _, values in drawn]) if drawn else np.empty(0)
    ax.set_xlabel("delay / ms")
    if len(shown):
        low, high = _span(shown)
        ax.set_xscale("log")
        ax.set_xlim(low, high)
        logarithmic(ax.xaxis, low, high)


def _sparse(beyond: Any) -> Any:
    """Where a marker stands: one for each halving of the tail."""
    steps = np.log2(1 / beyond)
    return (
        np.unique(np.searchsorted(steps, np.arange(0.5, steps[-1], 1.0)))
        .clip(max=len(beyond) - 1)
        .tolist()
    )


def _finish(ax: Axes, title: str, words: str, drawn: Drawn) -> None:
    first = drawn[0][0]
    if not any(len(values) for _, values in drawn):
        details = f"no {first.what}s to draw yet"
    elif len(drawn) == 1:
        details = first.details + (f"\n{first.settings}" if first.settings else "")
    else:
        details = "n = " + " and ".join(str(len(values)) for _, values in drawn)
        settings = list(dict.fromkeys(series.settings for series, _ in drawn if series.settings))
        if len(settings) == 1:
            details += f"\n{settings[0]}"
        elif len(settings) <= 3:
            details += "".join(
                f"\n{named(series, i, len(drawn))}: {series.settings}"
                for i, (series, _) in enumerate(drawn)
            )
    headline(ax, title, details)
    ax.grid(axis="y", color=SHADE, linewidth=0.8)
    ax.set_axisbelow(True)
    if len(drawn) > 1:
        legend_below(ax, 2)
    flat = details.replace("\n", "; ")
    describe(ax, f"{words}: {flat}.")


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
