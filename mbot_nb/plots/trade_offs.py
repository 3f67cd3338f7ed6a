"""What batching costs and what it brings: the wait in a batch beside its closed form, and
throughput."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..errors import UsageError
from ..protocol.batching import mean_wait
from .figure import finish, logarithmic, new_axes, style
from .series import floats
from .table import fixed_words, parameter, parameter_words, varying

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["throughput", "waits"]

_AXES = {
    "max_batch_size": "messages a batch may hold",
    "batch_window": "window / ms",
    "rate": "commands a second",
}
CURVE_POINTS = 400
"""Points of a curve: the closed form has a step wherever one message more fits."""


def waits(table: pd.DataFrame, ax: Axes | None = None, *, x: str = "max_batch_size") -> Axes:
    """What commands waited in a batch, over its size (or its window, or the rate): points as
    measured, lines as predicted.

    The lines are the closed form of the protocol, section 6, for evenly spaced commands. Up to the
    knee a batch is full before its window is over: larger batches wait longer. Beyond it the window
    decides, and size changes nothing.

    Args:
        table: what `lab.sweep` gave for `lab.measure_load`; a bar is the 95 % interval of the mean.
        x: the parameter along the axis: `max_batch_size`, `batch_window` or `rate`.
    """
    _needs(table, "wait_ms", "lab.sweep(...) with lab.measure_load, its default")
    if x not in _AXES:
        raise UsageError(f"x is one of {', '.join(_AXES)}, not {x!r}")
    ax = ax or new_axes(8.0, 4.0)
    scale = 1e3 if x == "batch_window" else 1.0
    others = [name for name in varying(table) if name != x]
    for number, (words, rows) in enumerate(_groups(table, others)):
        series_style, at = style(number), floats(parameter(rows, x)) * scale
        wait, low, high = (
            floats(rows[column if column in rows else "wait_ms"])
            for column in ("wait_ms", "wait_low_ms", "wait_high_ms")
        )
        error_bars = np.nan_to_num(np.abs(np.array([wait - low, high - wait])), posinf=0.0)
        legend = series_style.marks
        ax.errorbar(
            at, wait, error_bars, **legend, markersize=6, capsize=3, linewidth=1.2, zorder=3
        )
        curve = _closed_form(rows, x)
        if curve is not None:
            legend = series_style.marked_line
            ax.plot(curve[0] * scale, curve[1] * 1e3, **series_style.pen, linewidth=1.3, zorder=2)
        ax.plot([], [], **legend, label=words)
    if x == "rate" and len(table):
        ax.set_xscale("log")
        rates = parameter(table, x)
        logarithmic(ax.xaxis, float(rates.min()), float(rates.max()))
    elif x == "max_batch_size":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylim(bottom=0)
    details = (
        f"n = {len(table)} experiments; lines: closed form (protocol, section 6)"
        f"{_deviation_words(table)}\n{fixed_words(table, but=(x,))}"
    )
    return finish(
        ax,
        "What a batch costs: waiting",
        details,
        f"Mean wait in a batch over {_AXES[x]}, points as measured and lines as predicted: "
        f"{details}.",
        x=_AXES[x],
        y="mean wait in the batch / ms",
        legend=3,
    )


def throughput(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Commands per second over the size of a batch: each measured point, and a line through the
    medians.

    Args:
        table: what `lab.sweep` gave with ``measure=lab.measure_throughput``.
    """
    _needs(table, "messages_per_s", "lab.sweep(..., measure=lab.measure_throughput)")
    ax = ax or new_axes(8.0, 3.8)
    sizes = parameter(table, "max_batch_size")
    others = [name for name in varying(table) if name != "max_batch_size"]
    for number, (words, rows) in enumerate(_groups(table, others)):
        series_style, at = style(number), parameter(rows, "max_batch_size")
        rates = rows["messages_per_s"]
        ax.plot(at, rates, **series_style.marks, markersize=5, markerfacecolor="none")
        middle = rates.groupby(at).median()
        options = series_style.marked_line
        ax.plot(middle.index, middle, **options, linewidth=1.5, markersize=6, label=words)
    if len(table):
        ax.set_xscale("log")
        ax.set_yscale("log")
        logarithmic(ax.xaxis, float(sizes.min()), float(sizes.max()))
        low, high = float(table["messages_per_s"].min()), float(table["messages_per_s"].max())
        ax.set_ylim(low / 1.5, high * 1.5)
        logarithmic(ax.yaxis, low, high)
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    details = f"n = {len(table)} experiments\n{fixed_words(table, but=('max_batch_size',))}"
    return finish(
        ax,
        "What a batch brings: throughput",
        details,
        f"Commands per second over the size of a batch: {details}.",
        x="messages a batch may hold",
        y="commands per second",
        grid="both",
        legend=3 if others else 0,
    )


def _needs(table: Any, column: str, maker: str) -> None:
    if column not in getattr(table, "columns", ()):
        raise UsageError(
            f"this plot needs a table with a column {column!r}: it comes from `await {maker}`"
        )


def _groups(table: pd.DataFrame, names: list[str]) -> list[tuple[str, pd.DataFrame]]:
    """The rows that share the values of these parameters, with the words for them."""
    if not names or not len(table):
        return [("measured", table)]
    groups = []
    for values, rows in table.groupby(names, sort=False):
        rows.attrs = table.attrs
        groups.append(
            (
                ", ".join(
                    parameter_words(name, value) for name, value in zip(names, values, strict=True)
                ),
                rows,
            )
        )
    return groups


def _closed_form(rows: pd.DataFrame, x: str) -> tuple[Any, Any] | None:
    """Predicted waits in seconds over a fine grid of ``x``; None for another policy than the
    window's."""
    if not len(rows) or set(parameter(rows, "policy")) != {"window"}:
        return None
    found = {name: float(parameter(rows, name).iloc[0]) for name in _AXES}
    ends = parameter(rows, x)
    low, high = float(ends.min()), float(ends.max())
    at: Any = (
        np.arange(int(low), int(high) + 1, dtype=float)
        if x == "max_batch_size"
        else np.linspace(low, high, CURVE_POINTS)
    )
    predicted = []
    for value in at:
        found[x] = value
        window, size = found["batch_window"], int(found["max_batch_size"])
        predicted.append(mean_wait(found["rate"], window, size if window > 0 else 1))
    return at, np.array(predicted)


def _deviation_words(table: pd.DataFrame) -> str:
    """How far measurement and closed form are apart, in words."""
    if "expected_wait_ms" not in table:
        return ""
    known = table[table["expected_wait_ms"] > 0]
    if not len(known):
        return ""
    apart = (known["wait_ms"] / known["expected_wait_ms"] - 1).abs()
    return f", off by {apart.median():.1%} in the median, {apart.max():.1%} at most"
