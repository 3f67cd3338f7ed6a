"""Round trips over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator

from ..recording.summary import HELD_UP_MS
from .figure import INK, MARK, PALE, SHADE, count, describe, headline, legend_below, new_axes

if TYPE_CHECKING:
    import pandas as pd

    from ..recording.recorded import Recorded

__all__ = ["latency"]


def latency(rec: Recorded, ax: Axes | None = None) -> Axes:
    """Every round trip over the time since the first one, in ms on a logarithmic scale.

    Dots are the network's own; crosses are round trips during which this notebook's loop was blocked for 5 ms or more, and
    the grey bands say when it was (50 ms or more). Dashed lines: the connection was lost; a triangle: it stood again. The title
    carries n, p50 and p99 of the dots.
    """
    if ax is None:
        ax = new_axes(8.0, 3.4)
    trips, stalls, connection = rec.latency, rec.stalls, rec.connection
    starts = [float(times.min()) for times in (trips.sent_s, stalls.begin_s, connection.time_s) if len(times)]
    start = min(starts, default=0.0)
    held = trips.loop_lag_ms >= HELD_UP_MS
    free = trips[~held]

    ax.plot(free.sent_s - start, free.rtt_ms, ".", color=INK, markersize=5, label=f"round trip ({len(free)})")
    if held.any():
        slow = trips[held]
        label = f"held up by this notebook ({len(slow)})"
        ax.plot(slow.sent_s - start, slow.rtt_ms, "x", color=PALE, markersize=6, label=label)
    _stalls(ax, stalls, start)
    lost, back = _connection(ax, connection, start)
    if len(free):
        p50 = float(free.rtt_ms.quantile(0.5))
        p99 = float(free.rtt_ms.quantile(0.99))
        ax.axhline(p50, color=INK, linewidth=0.8, linestyle=":")
        details = f"n = {len(free)}, p50 = {_ms(p50)}, p99 = {_ms(p99)}"
        if held.any():
            details += f"; without {int(held.sum())} held up by this notebook"
    else:
        details = "no round trips yet: the recorder pings by itself, unless ping_rate=0"
    headline(ax, "Round trips", details)
    ax.set_xlabel("time / s")
    ax.set_ylabel("round trip / ms")
    if len(trips):
        ax.set_yscale("log")
        low, high = float(trips.rtt_ms.min()), float(trips.rtt_ms.max())
        ax.set_ylim(low / 1.6, max(high * 1.6, low * 12))
        ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 300 * low else (1.0,)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.yaxis.set_minor_locator(LogLocator(subs=()))
    ax.grid(axis="y", color=SHADE, linewidth=0.8)
    ax.set_axisbelow(True)
    if len(stalls) or lost or held.any():
        legend_below(ax, 3)
    happened = (
        f"the notebook's loop was blocked {count(len(stalls), 'time', 'times')}, "
        f"the connection was lost {count(lost, 'time', 'times')} and made again {count(back, 'time', 'times')}"
    )
    describe(ax, f"Round trips over time: {details}; {happened}.")
    return ax


def _stalls(ax: Axes, stalls: pd.DataFrame, start: float) -> None:
    label: str | None = f"notebook busy ({len(stalls)})"
    for begin, end in zip(stalls.begin_s, stalls.end_s, strict=True):
        ax.axvspan(begin - start, end - start, color=SHADE, linewidth=0, zorder=0, label=label)
        label = None


def _connection(ax: Axes, changes: pd.DataFrame, start: float) -> tuple[int, int]:
    """Mark cuts and reconnects; returns how many there were."""
    lost = changes[(changes.previous == "connected") & (changes.state != "connected")]
    back = changes[(changes.previous == "reconnecting") & (changes.state == "connected")]
    for number, time in enumerate(lost.time_s):
        label = None if number else f"connection lost ({len(lost)})"
        ax.axvline(time - start, color=MARK, linewidth=1.2, linestyle="--", label=label)
    if len(back):
        ax.plot(
            back.time_s - start,
            [0.02] * len(back),
            "^",
            color=MARK,
            markersize=8,
            transform=ax.get_xaxis_transform(),
            clip_on=False,
            label=f"connected again ({len(back)})",
        )
    return len(lost), len(back)


def _ms(value: float) -> str:
    return f"{value:.3g} ms"
