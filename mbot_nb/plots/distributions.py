"""How delays are distributed: all of them, the tail, the shape, and over time.

Of one run, or of several over one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ..errors import UsageError
from .figure import SHADE, Style, count, finish, logarithmic, ms, new_axes, style
from .series import Floats, Series, draw_cuts, named, series_of

if TYPE_CHECKING:
    from ..lab.results import Run
    from ..recording.tables.run_tables import RunTables

__all__ = ["ecdf", "heatmap", "histogram", "percentiles"]

TAIL_QUANTILES = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)


class _Drawn(NamedTuple):
    """One of several distributions: its delays in ms, ascending, and how it is drawn."""

    series: Series
    values: Floats
    name: str
    style: Style

    @property
    def median(self) -> float:
        """Between the two values in the middle, where there are two."""
        return float(np.quantile(self.values, 0.5))

    @property
    def label(self) -> str:
        """What the legend says."""
        return f"{self.name}: n = {len(self.values)}, median {ms(self.median)}"

    def line(self, ax: Axes, x: Any, y: Any, marks: Any, **how: Any) -> None:
        """Draw a line, with markers at these places, which tell the lines apart without colour."""
        how |= {"linewidth": 1.6, "markersize": 5, "markevery": marks.tolist()}
        ax.plot(x, y, **self.style.marked_line, label=self.label, **how)


def ecdf(*sources: Any, ax: Axes | None = None, all_samples: bool = False) -> Axes:
    """For each delay the share of all that took no longer: the empirical distribution function,
    whole and without bins.

    Args:
        sources: recorders, runs of the lab, or columns of seconds; one line for each.
        all_samples: with what a blocked loop held up; else without it. The warm-up is left out in
            any case.
    """
    ax = ax or new_axes(8.0, 3.8)
    drawn = _read(sources, all_samples)
    for one in drawn:
        if n := len(one.values):
            at = np.minimum(n - 1, np.ceil(np.arange(0.1, 1.0, 0.2) * n).astype(int))
            share = np.arange(1, n + 1) / n
            one.line(ax, one.values, share, np.unique(at), drawstyle="steps-post")
    _scale_delays(ax, drawn)
    ax.set_ylim(0, 1.02)
    y = "share that took no longer"
    return _finish(ax, "Distribution of delays", "Share of delays that took no longer", drawn, y=y)


def percentiles(*sources: Any, ax: Axes | None = None, all_samples: bool = False) -> Axes:
    """Delays by percentile, on an axis that gives each nine of the tail the same room (as
    HdrHistogram's plots).

    A line ends where its values end: with 1000 of them nothing is known beyond 99.9 %. Arguments as
    for :func:`ecdf`.
    """
    ax = ax or new_axes(8.0, 3.8)
    drawn = _read(sources, all_samples)
    most = max(len(one.values) for one in drawn)
    for one in drawn:
        if n := len(one.values):
            # Each of n stands for the middle of its n-th part, so that the largest has a place,
            # too.
            beyond = 1 - (np.arange(1, n + 1) - 0.5) / n
            one.line(ax, 1 / beyond, one.values, _marker_places(beyond))
    ax.set_xscale("log")
    marks = [share for share in TAIL_QUANTILES if 1 / (1 - share) <= max(2 * most, 10)]
    ax.xaxis.set_major_locator(FixedLocator([1, *(1 / (1 - share) for share in marks)]))
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{100 * (1 - 1 / value):.6g} %" if value > 0 else "")
    )
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlim(1, max(2.2 * most, 10))
    if most:
        shown = _all_values(drawn)
        ax.set_yscale("log")
        logarithmic(ax.yaxis, float(shown.min()), float(shown.max()))
    ax.grid(axis="x", color=SHADE, linewidth=0.8)
    words = "Delays by percentile, the tail stretched"
    return _finish(ax, "Delays by percentile", words, drawn, x="percentile", y="delay / ms")


def histogram(
    *sources: Any, ax: Axes | None = None, bins: int = 40, all_samples: bool = False
) -> Axes:
    """How often each delay came: the share of all in ``bins`` bins that are equally wide on the
    logarithmic axis.

    Where several are drawn they share their bins, and hatching tells them apart. Arguments as for
    :func:`ecdf`.
    """
    ax = ax or new_axes(8.0, 3.6)
    drawn = _read(sources, all_samples)
    edges = _scale_delays(ax, drawn, bins)
    for one in drawn:
        if len(one.values):
            share = np.histogram(one.values, edges)[0] / len(one.values) * 100
            how: dict[str, Any] = {
                "edgecolor": one.style.color,
                "hatch": one.style.hatch,
                "linewidth": 1.3,
            }
            ax.stairs(share, edges, fill=True, facecolor="none", label=one.label, **how)
            ax.plot(one.median, 0, **one.style.marks, markersize=8, clip_on=False, zorder=5)
    ax.set_ylim(bottom=0)
    return _finish(
        ax, "How often each delay came", "Histogram of delays", drawn, y="share of all / %"
    )


def _read(sources: tuple[Any, ...], all_samples: bool) -> list[_Drawn]:
    if not sources:
        raise UsageError(
            "nothing to draw: pass a recorder, a run of the lab, or a column of seconds"
        )
    drawn = []
    for number, series in enumerate(map(series_of, sources)):
        values = np.sort(series.ms[~series.ends] if all_samples else series.plain)
        drawn.append(_Drawn(series, values, named(series, number, len(sources)), style(number)))
    return drawn


def _all_values(drawn: list[_Drawn]) -> Floats:
    return np.concatenate([one.values for one in drawn])


def _scale_delays(ax: Axes, drawn: list[_Drawn], bins: int = 1) -> Floats:
    """Delays along a logarithmic axis, from the smallest to the largest and never a span of
    nothing; returns the edges of so many bins."""
    shown = _all_values(drawn)
    if not len(shown):
        return shown
    low, high = max(1e-4, float(shown.min())), float(shown.max())
    low, high = low * 0.98, max(high * 1.02, low * 1.1)
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    logarithmic(ax.xaxis, low, high)
    return np.geomspace(low, high, bins + 1)


def _marker_places(beyond: Any) -> Any:
    """Where a marker stands: one for each halving of the tail."""
    steps = np.log2(1 / beyond)
    places = np.searchsorted(steps, np.arange(0.5, steps[-1], 1.0))
    return np.unique(places).clip(max=len(beyond) - 1)


def _finish(
    ax: Axes, title: str, words: str, drawn: list[_Drawn], *, x: str = "delay / ms", y: str
) -> Axes:
    first = drawn[0].series
    if not any(len(one.values) for one in drawn):
        details = f"no {first.what}s to draw yet"
    elif len(drawn) == 1:
        details = first.with_settings(first.details)
    else:
        details = "n = " + " and ".join(str(len(one.values)) for one in drawn)
        settings = list(dict.fromkeys(one.series.settings for one in drawn if one.series.settings))
        if len(settings) == 1:
            details += f"\n{settings[0]}"
        elif len(settings) <= 3:
            details += "".join(f"\n{one.name}: {one.series.settings}" for one in drawn)
    legend = 2 if len(drawn) > 1 else 0
    return finish(ax, title, details, f"{words}: {details}.", x=x, y=y, legend=legend)


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
    ax = ax or new_axes(8.0, 3.6)
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
        _draw_stalls(ax, series.stalls)
        lost = draw_cuts(ax, series)
        details = f"n = {len(series.ms)}, everything that was answered"
        if len(series.stalls):
            details += f"; the loop was blocked {count(len(series.stalls), 'time', 'times')}"
        if lost:
            details += f"; the connection was lost {count(lost, 'time', 'times')}"
    else:
        details = f"no {series.what}s yet"
    return finish(
        ax,
        f"{series.what.capitalize()}s over time",
        series.with_settings(details),
        f"Heat map of {series.what}s over time: {details}.",
        x="time / s",
        y="delay / ms",
        grid=None,
        legend=2,
    )


def _draw_stalls(ax: Axes, stalls: Floats) -> None:
    """A bar along the top edge for each stall."""
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
