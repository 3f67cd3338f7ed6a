"""Experiments side by side, each with its interval: a few runs, or all points of a sweep."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.axes import Axes

from ..errors import UsageError
from .figure import PALE, SMALL, Style, beside, finish, logarithmic, ms, new_axes, style
from .series import floats, named, series_of
from .table import fixed_words, parameter, parameter_words, varying

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
    names = [named(one, i, len(drawn)) for i, one in enumerate(drawn)]
    ax = ax or new_axes(8.0, 2.2 + 0.55 * len(drawn))
    estimates = {q: [percentile(series.plain, q) for series in drawn] for q in _PERCENTILES}
    span = _scale(ax, "x", np.array(list(estimates.values())), 1.3)
    for number, (q, all_of_one) in enumerate(estimates.items()):
        series_style = style(number)
        for row, one in enumerate(all_of_one):
            if math.isfinite(one.value):
                # The three of a row stand a little apart, so that their intervals do not cover one
                # another.
                place, label = row + 0.17 * (number - 1), f"p{q:g}" if row == 0 else None
                _interval(ax, place, one.low, one.high, span, series_style)
                ax.plot(one.value, place, **series_style.marks, markersize=7, label=label)
    counts = [len(one.plain) for one in drawn]
    ax.set_yticks(
        range(len(drawn)), [f"{name}\nn = {n}" for name, n in zip(names, counts, strict=True)]
    )
    ax.set_ylim(len(drawn) - 0.5, -0.5)
    details = f"95 % intervals, n = {', '.join(map(str, counts))}; without warm-up and stalls"
    if len(drawn) == 2 and min(counts) > 1:
        found = difference(drawn[0].plain / 1e3, drawn[1].plain / 1e3)._replace(b=names[1])
        details += (
            f"\n{found.verdict}: median {found.p50.scaled(1e3)} ms, Cliff's delta {found.effect}"
        )
    settings = dict.fromkeys(one.settings for one in drawn if one.settings)
    details = "\n".join([details, *list(settings)[:3]])
    medians = ", ".join(
        f"{name} {ms(one.value)}" for name, one in zip(names, estimates[50.0], strict=True)
    )
    return finish(
        ax,
        "Delays compared",
        details,
        f"Percentiles of delays with intervals: {details}; medians: {medians}.",
        x="delay / ms",
        grid="x",
        legend=3,
        beside=beside(names),
    )


def _scale(ax: Axes, axis: Literal["x", "y"], values: Any, room: float) -> tuple[float, float]:
    """Let an axis show these values, logarithmically, with so many times more on either side;
    returns its ends."""
    shown = values[np.isfinite(values) & (values > 0)]
    low, high = (float(shown.min()), float(shown.max())) if len(shown) else (0.1, 1.0)
    span = low / room, high * room
    if len(shown):
        ax.set(**{f"{axis}scale": "log"})
        logarithmic(ax.xaxis if axis == "x" else ax.yaxis, *span)
    ax.set(**{f"{axis}lim": span})
    return span


def _interval(
    ax: Axes,
    place: float,
    low: float,
    high: float,
    span: tuple[float, float],
    series_style: Style,
    *,
    upright: bool = False,
) -> None:
    """From ``low`` to ``high``, across or upright at this place; an arrow where an end is open."""
    cap, *arrows = ("_", "v", "^") if upright else ("|", "<", ">")
    options: dict[str, Any] = {"color": series_style.color, "markersize": 6 if upright else 7}
    options |= {"linewidth": 1.2 if upright else 1.4, "markeredgewidth": 1.0 if upright else 1.4}
    ends = [
        max(low, span[0]) if math.isfinite(low) else span[0],
        min(high, span[1]) if math.isfinite(high) else span[1],
    ]
    ax.plot(*(([place] * 2, ends) if upright else (ends, [place] * 2)), **options)
    for end, known, arrow in zip(ends, map(math.isfinite, (low, high)), arrows, strict=True):
        at = (place, end) if upright else (end, place)
        ax.plot(*at, cap if known else arrow, clip_on=False, **options)


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
    ax = ax or new_axes(min(14.0, max(8.0, 1.5 + 0.62 * len(inner) * len(outer))), 4.2)
    span = _scale(ax, "y", table[columns].to_numpy(dtype=np.float64), 1.4)
    step = len(inner) + 0.7
    kinds = _values(table, lines)
    for number, kind in enumerate(kinds):
        series_style = style(number)
        for place, group in enumerate(outer):
            rows = table[_match(table, {**group, lines: kind} if lines else group)]
            shift = place * step + 0.16 * (number - (len(kinds) - 1) / 2)
            points = [
                (k + shift, _known(rows[_match(rows, {along: value})] if along else rows, columns))
                for k, value in enumerate(inner)
            ]
            _draw_points(ax, points, span, series_style)
        label = parameter_words(lines, kind) if lines else "measured"
        ax.plot([], [], **series_style.marked_line, label=label)
    unit = parameter_words(along, inner[0]).split()[0] if along else ""
    ticks = [place * step + k for place in range(len(outer)) for k in range(len(inner))]
    words = [
        parameter_words(along, value).removeprefix(f"{unit} ") if along else "" for value in inner
    ]
    ax.set_xticks(ticks, words * len(outer))
    ax.set_xlim(-0.7, (len(outer) - 1) * step + len(inner) - 0.3)
    _name_groups(ax, outer, step, len(inner))
    counts = table["n"] if "n" in table and len(table) else None
    each = "" if counts is None else f", {int(counts.min())} to {int(counts.max())} samples each"
    details = f"n = {len(table)} experiments{each}, 95 % intervals\n{fixed_words(table)}"
    name = figure.replace("_", ".")
    return finish(
        ax,
        f"{name} of the delays",
        details + ("\n" if groups else ""),
        f"{figure} of delays with intervals for each combination: {details}.",
        x=unit,
        y=f"{name} / ms",
        legend=4,
    )


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


def _known(rows: pd.DataFrame, columns: list[str]) -> Any:
    """The figure with its interval, of the rows that have it."""
    return rows[columns][np.isfinite(floats(rows[columns[0]]))].to_numpy(dtype=np.float64)


def _draw_points(
    ax: Axes, points: list[tuple[float, Any]], span: tuple[float, float], series_style: Style
) -> None:
    """One line with its points; repetitions stand beside one another, the line goes through their
    medians."""
    for middle, some in points:
        for number, (one, low, high) in enumerate(some):
            place = middle + 0.05 * (number - (len(some) - 1) / 2)
            _interval(ax, place, low, high, span, series_style, upright=True)
            ax.plot(place, one, **series_style.marks, markersize=5)
    medians = [(at, float(np.median(some[:, 0]))) for at, some in points if len(some)]
    ax.plot(*np.reshape(medians, (-1, 2)).T, **series_style.pen, linewidth=1.0, alpha=0.8)


def _name_groups(ax: Axes, outer: list[dict[str, Any]], step: float, width: int) -> None:
    options: dict[str, Any] = {
        "ha": "center",
        "va": "bottom",
        "fontsize": SMALL,
        "fontweight": "bold",
    }
    for place, group in enumerate(outer):
        if place:
            ax.axvline(place * step - (step - width + 1) / 2, color=PALE, linewidth=0.8)
        words = ", ".join(
            str(value) if isinstance(value, str) else parameter_words(name, value)
            for name, value in group.items()
        )
        middle = place * step + (width - 1) / 2
        ax.text(middle, 1.02, words, transform=ax.get_xaxis_transform(), **options)
