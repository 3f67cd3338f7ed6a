"""Experiments side by side, each with its interval: a few runs, or all points of a sweep."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from ..errors import UsageError
from .figure import (
    PALE,
    SHADE,
    Style,
    beside,
    describe,
    headline,
    legend_below,
    logarithmic,
    ms,
    new_axes,
    style,
)
from .series import named, series_of
from .table import fixed_words, parameter, say, varying

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare", "sweep"]

_PERCENTILES = (50.0, 90.0, 99.0)
FIGURES = ("p50", "p90", "p99", "p99_9")


def compare(*sources: Any, ax: Axes | None = None) -> Axes:
    """Runs side by side: p50, p90 and p99 of each with their 95 % intervals. An arrow is an end
    that too few values tell.

    Args:
        sources: recorders, runs of the lab, or columns of seconds. Of two of them the small print
            tells how they differ.
    """
    from ..lab.comparison import compare as difference
    from ..lab.statistics import percentile

    if not sources:
        raise UsageError("nothing to compare: pass two or more recorders or runs of the lab")
    drawn = [series_of(source) for source in sources]
    if ax is None:
        ax = new_axes(8.0, 2.2 + 0.55 * len(drawn))
    estimates = {q: [percentile(series.plain, q) for series in drawn] for q in _PERCENTILES}
    shown = [
        value
        for all_of_one in estimates.values()
        for one in all_of_one
        for value in one
        if math.isfinite(value) and value > 0
    ]
    low, high = (min(shown), max(shown)) if shown else (0.1, 1.0)
    left, right = low / 1.3, high * 1.3
    for number, (q, all_of_one) in enumerate(estimates.items()):
        series_style = style(number)
        for row, one in enumerate(all_of_one):
            if math.isfinite(one.value):
                # The three of a row stand a little apart, so that their intervals do not cover one
                # another.
                label = f"p{q:g}" if row == 0 else None
                _interval(
                    ax,
                    one.value,
                    one.low,
                    one.high,
                    row + 0.17 * (number - 1),
                    left,
                    right,
                    series_style,
                    label,
                )
    ax.set_yticks(
        range(len(drawn)),
        [f"{named(one, i, len(drawn))}\nn = {len(one.plain)}" for i, one in enumerate(drawn)],
    )
    ax.set_ylim(len(drawn) - 0.5, -0.5)
    if shown:
        ax.set_xscale("log")
        logarithmic(ax.xaxis, left, right)
    ax.set_xlim(left, right)
    ax.set_xlabel("delay / ms")
    ax.grid(axis="x", color=SHADE, linewidth=0.8)
    ax.set_axisbelow(True)
    details = (
        "95 % intervals, n = "
        + ", ".join(str(len(one.plain)) for one in drawn)
        + "; without warm-up and stalls"
    )
    if len(drawn) == 2 and all(len(one.plain) > 1 for one in drawn):
        found = difference(drawn[0].plain / 1e3, drawn[1].plain / 1e3)
        second = named(drawn[1], 1, 2)
        verdict = (
            f"{second} is {'slower' if found.effect.value > 0 else 'faster'}"
            if found.differs
            else "no difference shown"
        )
        details += f"\n{verdict}: median {found.p50.scaled(1e3)} ms, Cliff's delta {found.effect}"
    details += "".join(
        f"\n{setting}"
        for setting in list(dict.fromkeys(one.settings for one in drawn if one.settings))[:3]
    )
    headline(
        ax,
        "Delays compared",
        details,
        beside=beside(named(one, i, len(drawn)) for i, one in enumerate(drawn)),
    )
    legend_below(ax, 3)
    medians = ", ".join(
        f"{named(one, i, len(drawn))} {ms(estimates[50.0][i].value)}" for i, one in enumerate(drawn)
    )
    describe(
        ax,
        f"Percentiles of delays with intervals: {details.replace(chr(10), '; ')}; medians: "
        f"{medians}.",
    )
    return ax


def _interval(
    ax: Axes,
    value: float,
    low: float,
    high: float,
    row: float,
    left: float,
    right: float,
    series_style: Style,
    label: str | None,
) -> None:
    """A marker with its interval; an arrow where an end is open."""
    ends = (
        max(low, left) if math.isfinite(low) else left,
        min(high, right) if math.isfinite(high) else right,
    )
    ax.plot(ends, (row, row), color=series_style.colour, linewidth=1.4)
    for end, known, sign in (
        (ends[0], math.isfinite(low), "<"),
        (ends[1], math.isfinite(high), ">"),
    ):
        ax.plot(
            end,
            row,
            "|" if known else sign,
            color=series_style.colour,
            markersize=7,
            markeredgewidth=1.4,
            clip_on=False,
        )
    ax.plot(
        value,
        row,
        series_style.marker,
        color=series_style.colour,
        markersize=7,
        label=label,
        linestyle="None",
    )


def sweep(table: pd.DataFrame, ax: Axes | None = None, *, figure: str = "p50") -> Axes:
    """All points of a sweep in one picture: a percentile with its 95 % interval for every
    combination and repetition.

    The parameter with the most values that are numbers stands along the axis, the next one makes
    the markers and lines, and the others make the groups, side by side. An arrow is an end that too
    few values tell.

    Args:
        table: what `lab.sweep` gave.
        figure: `p50`, `p90`, `p99` or `p99_9`.
    """
    if figure not in FIGURES:
        raise UsageError(f"figure is one of {', '.join(FIGURES)}, not {figure!r}")
    columns = [f"{figure}{end}_ms" for end in ("", "_low", "_high")]
    if any(column not in table for column in columns):
        raise UsageError(
            f"this table has no {', '.join(columns)}: it must be what `await lab.sweep(...)` with "
            "lab.measure_load gave"
        )
    along, lines, groups = _roles(table)
    inner = _values(table, along)
    outer = _combinations(table, groups)
    if ax is None:
        ax = new_axes(min(14.0, max(8.0, 1.5 + 0.62 * len(inner) * len(outer))), 4.2)
    shown = table[columns].to_numpy(dtype=np.float64)
    finite = shown[np.isfinite(shown) & (shown > 0)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.1, 1.0)
    bottom, top = low / 1.4, high * 1.4
    step = len(inner) + 0.7
    kinds = _values(table, lines)
    for number, kind in enumerate(kinds):
        series_style = style(number)
        for place, group in enumerate(outer):
            rows = (
                table[_match(table, {**group, lines: kind})]
                if lines
                else table[_match(table, group)]
            )
            label = (say(lines, kind) if lines else "measured") if place == 0 else None
            _points(
                ax,
                rows,
                columns,
                along,
                inner,
                place * step + 0.16 * (number - (len(kinds) - 1) / 2),
                (bottom, top),
                series_style,
                label,
            )
    if len(finite):
        ax.set_yscale("log")
        logarithmic(ax.yaxis, bottom, top)
    ax.set_ylim(bottom, top)
    ticks = [place * step + k for place in range(len(outer)) for k in range(len(inner))]
    unit = say(along, inner[0]).split()[0] if along else ""
    ax.set_xticks(
        ticks,
        [
            say(along, value).removeprefix(f"{unit} ") if along else ""
            for _ in outer
            for value in inner
        ],
    )
    ax.set_xlabel(unit)
    ax.set_xlim(-0.7, (len(outer) - 1) * step + len(inner) - 0.3)
    _name_groups(ax, outer, step, len(inner))
    ax.set_ylabel(f"{figure.replace('_', '.')} / ms")
    ax.grid(axis="y", color=SHADE, linewidth=0.8)
    ax.set_axisbelow(True)
    counts = table["n"] if "n" in table and len(table) else None
    each = "" if counts is None else f", {int(counts.min())} to {int(counts.max())} samples each"
    details = f"n = {len(table)} experiments{each}, 95 % intervals\n{fixed_words(table)}"
    headline(ax, f"{figure.replace('_', '.')} of the delays", details + ("\n" if groups else ""))
    legend_below(ax, 4)
    describe(
        ax,
        f"{figure} of delays with intervals for each combination: "
        f"{details.replace(chr(10), '; ')}.",
    )
    return ax


def _roles(table: pd.DataFrame) -> tuple[str, str, list[str]]:
    """What stands along the axis, what makes the lines, and what makes the groups."""
    names = varying(table)
    numbers = [
        name for name in names if all(isinstance(value, (int, float)) for value in table[name])
    ]
    counts: dict[str, int] = {name: len(set(table[name])) for name in names}
    along = max(numbers or names, key=counts.__getitem__, default="")
    rest = [name for name in names if name != along]
    lines = next((name for name in rest if name in numbers), rest[0] if rest else "")
    return along, lines, [name for name in rest if name != lines]


def _values(table: pd.DataFrame, name: str) -> list[Any]:
    return list(dict.fromkeys(parameter(table, name))) if name else [None]


def _combinations(table: pd.DataFrame, names: list[str]) -> list[dict[str, Any]]:
    return [
        dict(zip(names, values, strict=True))
        for values in dict.fromkeys(zip(*(table[name] for name in names), strict=True))
    ] or [{}]


def _match(table: pd.DataFrame, wanted: dict[str, Any]) -> Any:
    fits = np.ones(len(table), dtype=bool)
    for name, value in wanted.items():
        fits &= (table[name] == value).to_numpy()
    return fits


def _points(
    ax: Axes,
    rows: pd.DataFrame,
    columns: list[str],
    along: str,
    inner: list[Any],
    shift: float,
    span: tuple[float, float],
    series_style: Style,
    label: str | None,
) -> None:
    """One line with its points; repetitions stand beside one another, the line goes through their
    medians."""
    at, middle = [], []
    for k, value in enumerate(inner):
        found = rows[_match(rows, {along: value})] if along else rows
        some = found[columns].to_numpy(dtype=np.float64)
        some = some[np.isfinite(some[:, 0])]
        for number, (one, low, high) in enumerate(some):
            place = k + shift + 0.05 * (number - (len(some) - 1) / 2)
            ends = (low if low > span[0] else span[0], high if math.isfinite(high) else span[1])
            ax.plot((place, place), ends, color=series_style.colour, linewidth=1.2)
            ax.plot(
                place,
                ends[1],
                "_" if math.isfinite(high) else "^",
                color=series_style.colour,
                markersize=6,
                clip_on=False,
            )
            ax.plot(
                place,
                ends[0],
                "_" if math.isfinite(low) else "v",
                color=series_style.colour,
                markersize=6,
                clip_on=False,
            )
            ax.plot(place, one, series_style.marker, color=series_style.colour, markersize=5)
        if len(some):
            at.append(k + shift)
            middle.append(float(np.median(some[:, 0])))
    ax.plot(
        at, middle, color=series_style.colour, linestyle=series_style.line, linewidth=1.0, alpha=0.8
    )
    ax.plot(
        [],
        [],
        color=series_style.colour,
        linestyle=series_style.line,
        marker=series_style.marker,
        label=label,
    )


def _name_groups(ax: Axes, outer: list[dict[str, Any]], step: float, width: int) -> None:
    for place, group in enumerate(outer):
        if place:
            ax.axvline(place * step - (step - width + 1) / 2, color=PALE, linewidth=0.8)
        words = ", ".join(
            str(value) if isinstance(value, str) else say(name, value)
            for name, value in group.items()
        )
        middle = place * step + (width - 1) / 2
        ax.text(
            middle,
            1.02,
            words,
            transform=ax.get_xaxis_transform(),
            ha="center",
            va="bottom",
            fontsize=9,
            fontweight="bold",
        )
