"""What batching costs and what it brings: the wait in a batch beside its closed form, and
throughput."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..errors import UsageError
from ..protocol.batching import mean_wait
from .figure import SHADE, describe, headline, legend_below, logarithmic, new_axes, style
from .table import fixed_words, parameter, say, varying

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["throughput", "waits"]

_AXES = {
    "max_batch_size": "messages a batch may hold",
    "batch_window": "window / ms",
    "rate": "commands a second",
}
FINE = 400
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
    if ax is None:
        ax = new_axes(8.0, 4.0)
    scale = 1e3 if x == "batch_window" else 1.0
    others = [name for name in varying(table) if name != x]
    for number, (words, rows) in enumerate(_groups(table, others)):
        series_style = style(number)
        at = parameter(rows, x).to_numpy(dtype=np.float64) * scale
        wait = rows["wait_ms"].to_numpy(dtype=np.float64)
        ends = [
            rows[f"wait_{end}_ms"].to_numpy(dtype=np.float64) if f"wait_{end}_ms" in rows else wait
            for end in ("low", "high")
        ]
        reach = np.nan_to_num(np.abs(np.array([wait - ends[0], ends[1] - wait])), posinf=0.0)
        ax.errorbar(
            at,
            wait,
            reach,
            fmt=series_style.marker,
            color=series_style.colour,
            markersize=6,
            capsize=3,
            linewidth=1.2,
            zorder=3,
        )
        curve = _closed_form(rows, x)
        if curve is not None:
            ax.plot(
                curve[0] * scale,
                curve[1] * 1e3,
                color=series_style.colour,
                linestyle=series_style.line,
                linewidth=1.3,
                zorder=2,
            )
        line = series_style.line if curve is not None else "None"
        ax.plot(
            [],
            [],
            color=series_style.colour,
            linestyle=line,
            marker=series_style.marker,
            label=words,
        )
    off = _off(table)
    details = (
        f"n = {len(table)} experiments; lines: closed form (protocol, section "
        f"6){off}\n{fixed_words(table, but=(x,))}"
    )
    headline(ax, "What a batch costs: waiting", details)
    ax.set_xlabel(_AXES[x])
    ax.set_ylabel("mean wait in the batch / ms")
    ax.set_ylim(bottom=0)
    if x == "rate" and len(table):
        ax.set_xscale("log")
        rates = parameter(table, x)
        logarithmic(ax.xaxis, float(rates.min()), float(rates.max()))
    elif x == "max_batch_size":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(axis="y", color=SHADE, linewidth=0.8)
    ax.set_axisbelow(True)
    legend_below(ax, 3)
    describe(
        ax,
        f"Mean wait in a batch over {_AXES[x]}, points as measured and lines as predicted: "
        + details.replace("\n", "; ")
        + ".",
    )
    return ax


def throughput(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Commands per second over the size of a batch: each measured point, and a line through the
    medians.

    Args:
        table: what `lab.sweep` gave with ``measure=lab.measure_throughput``.
    """
    _needs(table, "messages_per_s", "lab.sweep(..., measure=lab.measure_throughput)")
    if ax is None:
        ax = new_axes(8.0, 3.8)
    sizes = parameter(table, "max_batch_size")
    others = [name for name in varying(table) if name != "max_batch_size"]
    for number, (words, rows) in enumerate(_groups(table, others)):
        series_style = style(number)
        at = parameter(rows, "max_batch_size")
        ax.plot(
            at,
            rows["messages_per_s"],
            series_style.marker,
            color=series_style.colour,
            markersize=5,
            markerfacecolor="none",
        )
        middle = rows["messages_per_s"].groupby(at).median()
        ax.plot(
            middle.index,
            middle,
            series_style.marker,
            color=series_style.colour,
            linestyle=series_style.line,
            linewidth=1.5,
            markersize=6,
            label=words,
        )
    if len(table):
        ax.set_xscale("log")
        ax.set_yscale("log")
        logarithmic(ax.xaxis, float(sizes.min()), float(sizes.max()))
        low, high = float(table["messages_per_s"].min()), float(table["messages_per_s"].max())
        ax.set_ylim(low / 1.5, high * 1.5)
        logarithmic(ax.yaxis, low, high)
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    details = f"n = {len(table)} experiments\n{fixed_words(table, but=('max_batch_size',))}"
    headline(ax, "What a batch brings: throughput", details)
    ax.set_xlabel("messages a batch may hold")
    ax.set_ylabel("commands per second")
    ax.grid(axis="both", color=SHADE, linewidth=0.8)
    ax.set_axisbelow(True)
    if others:
        legend_below(ax, 3)
    describe(
        ax, "Commands per second over the size of a batch: " + details.replace("\n", "; ") + "."
    )
    return ax


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
            (", ".join(say(name, value) for name, value in zip(names, values, strict=True)), rows)
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
        else np.linspace(low, high, FINE)
    )
    predicted = []
    for value in at:
        rate, window, size = (
            (value if name == x else found[name])
            for name in ("rate", "batch_window", "max_batch_size")
        )
        predicted.append(mean_wait(rate, window, int(size) if window > 0 else 1))
    return at, np.array(predicted)


def _off(table: pd.DataFrame) -> str:
    """How far measurement and closed form are apart, in words."""
    if "expected_wait_ms" not in table:
        return ""
    known = table[table["expected_wait_ms"] > 0]
    if not len(known):
        return ""
    apart = (known["wait_ms"] / known["expected_wait_ms"] - 1).abs()
    return f", off by {apart.median():.1%} in the median, {apart.max():.1%} at most"
