"""Round trips over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes

from .figure import (
    INK,
    MARK,
    PALE,
    SHADE,
    count,
    describe,
    headline,
    legend_below,
    logarithmic,
    ms,
    new_axes,
)
from .series import Series, series_of

if TYPE_CHECKING:
    from ..lab.results import Run
    from ..recording.tables.run_tables import RunTables

__all__ = ["latency"]

NAMED_FROM = 0.2
"""Seconds: a stall this long is named on the picture."""
NAMED = 3
"""Of the longest stalls so many."""


def latency(source: RunTables | Run, ax: Axes | None = None) -> Axes:
    """Every round trip over the time since the first one, in ms on a logarithmic scale.

    Dots are the network's own; crosses were held up by a blocked event loop, and the grey bands say
    when it was. A stall of 0.2 s or more is named. Hollow circles are the warm-up. Dashed lines:
    the connection was lost; a triangle: it stood again. The small print carries n, p50 and p99 of
    the dots, and the settings.

    Args:
        source: a recorder, a recording, or what `lab.ping` or `lab.load` gave (then each is counted
            from its intended time).
    """
    if ax is None:
        ax = new_axes(8.0, 3.6)
    series = series_of(source)
    what, plain = series.what, series.plain
    _dots(ax, series)
    _stalls(ax, series)
    lost, back = _connection(ax, series)
    if len(plain):
        p50, p99 = (series.quantile(q) for q in (0.5, 0.99))
        ax.axhline(p50, color=INK, linewidth=0.8, linestyle=":")
        details = f"n = {len(plain)}, p50 = {ms(p50)}, p99 = {ms(p99)}"
        left_out = series.details.partition(", ")[2]
        details += f"; {left_out}" if left_out else ""
    elif len(series.ms):
        details = f"no {what}s but those that a blocked loop held up ({len(series.ms)})"
    else:
        details = f"no {what}s yet" + (f": {_why_none(source)}" if what == "round trip" else "")
    headline(
        ax,
        "Round trips" if what == "round trip" else "Commands, from the intended time to the answer",
        _small(details, series),
    )
    ax.set_xlabel("time / s")
    ax.set_ylabel(f"{'round trip' if what == 'round trip' else 'delay'} / ms")
    if len(series.ms):
        ax.set_yscale("log")
        low, high = max(1e-3, float(series.ms.min())), float(series.ms.max())
        room = 5 if _named_stalls(series) else 1.6
        ax.set_ylim(low / 1.6, max(high * room, low * 12))
        logarithmic(ax.yaxis, low, high)
    ax.grid(axis="y", color=SHADE, linewidth=0.8)
    ax.set_axisbelow(True)
    if len(series.stalls) or lost or series.held.any() or series.ends.any():
        legend_below(ax, 3)
    happened = (
        f"the loop was blocked {count(len(series.stalls), 'time', 'times')}{_longest(series)}, "
        f"the connection was lost {count(lost, 'time', 'times')} and made again "
        f"{count(back, 'time', 'times')}"
    )
    describe(ax, f"{what.capitalize()}s over time: {details}; {happened}.")
    return ax


def _why_none(source: Any) -> str:
    """Why there are no round trips, and what to do."""
    if getattr(source, "metadata", {}).get("side") == "server":
        return "a server does not ping; a client's recorder does: mb.Recorder(bot)"
    return "the recorder pings by itself, unless ping_rate=0"


def _small(details: str, series: Series) -> str:
    return f"{details}\n{series.settings}" if series.settings else details


def _dots(ax: Axes, series: Series) -> None:
    free = ~series.held & ~series.ends
    kinds: list[tuple[Any, dict[str, Any]]] = [
        (
            free,
            {
                "marker": ".",
                "color": INK,
                "markersize": 5,
                "label": f"{series.what} ({int(free.sum())})",
            },
        ),
        (
            series.ends & ~series.held,
            {
                "marker": "o",
                "markerfacecolor": "none",
                "color": PALE,
                "markersize": 4,
                "label": "warm-up, left out",
            },
        ),
        (
            series.held,
            {
                "marker": "x",
                "color": PALE,
                "markersize": 6,
                "label": f"held up by a blocked loop ({int(series.held.sum())})",
            },
        ),
    ]
    for chosen, series_style in kinds:
        if chosen.any():
            ax.plot(series.t[chosen], series.ms[chosen], linestyle="None", **series_style)


def _named_stalls(series: Series) -> list[tuple[float, float, str]]:
    """The longest stalls, in the order of time, and whose they are."""
    stalls = [
        (begin, end, words)
        for (begin, end), words in zip(series.stalls.tolist(), series.blockers, strict=True)
    ]
    long = [stall for stall in stalls if stall[1] - stall[0] >= NAMED_FROM]
    return sorted(sorted(long, key=lambda stall: stall[0] - stall[1])[:NAMED])


def _stalls(ax: Axes, series: Series) -> None:
    label: str | None = f"loop blocked ({len(series.stalls)})"
    for begin, end in series.stalls.tolist():
        ax.axvspan(begin, end, color=SHADE, linewidth=0, zorder=0, label=label)
        label = None
    last = max(
        float(series.t.max()) if len(series.t) else 0.0,
        float(series.stalls.max()) if len(series.stalls) else 0.0,
    )
    for number, (begin, end, words) in enumerate(_named_stalls(series)):
        middle = (begin + end) / 2
        left = middle < last / 2
        ax.annotate(
            f"{words} for {end - begin:.1f} s here",
            xy=(middle, 0.80 - 0.09 * number),
            xytext=(10 if left else -10, 16),
            xycoords=ax.get_xaxis_transform(),
            textcoords="offset points",
            ha="left" if left else "right",
            va="center",
            fontsize=9,
            color="black",
            arrowprops={"arrowstyle": "-|>", "color": "black", "shrinkB": 0, "linewidth": 0.8},
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
            zorder=6,
        )


def _longest(series: Series) -> str:
    if not len(series.stalls):
        return ""
    return f", {float((series.stalls[:, 1] - series.stalls[:, 0]).max()):.1f} s at the longest"


def _connection(ax: Axes, series: Series) -> tuple[int, int]:
    """Mark cuts and reconnects; returns how many there were."""
    changes = series.changes
    if changes is None:
        return 0, 0
    lost = changes[(changes.previous == "connected") & (changes.state != "connected")]
    back = changes[(changes.previous == "reconnecting") & (changes.state == "connected")]
    for number, time in enumerate(lost.t_s):
        label = None if number else f"connection lost ({len(lost)})"
        ax.axvline(time, color=MARK, linewidth=1.2, linestyle="--", label=label)
    if len(back):
        ax.plot(
            back.t_s,
            [0.02] * len(back),
            "^",
            color=MARK,
            markersize=8,
            transform=ax.get_xaxis_transform(),
            clip_on=False,
            label=f"connected again ({len(back)})",
        )
    return len(lost), len(back)
