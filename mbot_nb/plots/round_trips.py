"""Round trips over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes

from .figure import INK, MARK, PALE, SHADE, count, finish, logarithmic, ms, new_axes
from .series import Series, draw_cuts, series_of

if TYPE_CHECKING:
    from ..lab.results import Run
    from ..recording.tables.run_tables import RunTables

__all__ = ["latency"]

NAMED_STALL_SECONDS = 0.2
"""Seconds: a stall this long is named on the picture."""
MAX_NAMED_STALLS = 3
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
    ax = ax or new_axes(8.0, 3.6)
    series = series_of(source)
    plain, are_trips, what = series.plain, series.what == "round trip", f"{series.what}s"
    _draw_points(ax, series)
    _draw_stalls(ax, series)
    lost, back = draw_cuts(ax, series), _draw_returns(ax, series)
    if len(plain):
        p50, p99 = (series.quantile(q) for q in (0.5, 0.99))
        ax.axhline(p50, color=INK, linewidth=0.8, linestyle=":")
        details = f"n = {len(plain)}, p50 = {ms(p50)}, p99 = {ms(p99)}"
        left_out = series.details.partition(", ")[2]
        details += f"; {left_out}" if left_out else ""
    elif len(series.ms):
        details = f"no {what} but those that a blocked loop held up ({len(series.ms)})"
    else:
        details = f"no {what} yet" + (f": {_why_none(source)}" if are_trips else "")
    if len(series.ms):
        ax.set_yscale("log")
        low, high = max(1e-3, float(series.ms.min())), float(series.ms.max())
        room = 5 if _named_stalls(series) else 1.6
        ax.set_ylim(low / 1.6, max(high * room, low * 12))
        logarithmic(ax.yaxis, low, high)
    lengths = series.stalls[:, 1] - series.stalls[:, 0]
    longest = f", {float(lengths.max()):.1f} s at the longest" if len(lengths) else ""
    happened = (
        f"the loop was blocked {count(len(lengths), 'time', 'times')}{longest}, "
        f"the connection was lost {count(lost, 'time', 'times')} and made again "
        f"{count(back, 'time', 'times')}"
    )
    return finish(
        ax,
        "Round trips" if are_trips else "Commands, from the intended time to the answer",
        series.with_settings(details),
        f"{what.capitalize()} over time: {details}; {happened}.",
        x="time / s",
        y=f"{'round trip' if are_trips else 'delay'} / ms",
        legend=3 if len(lengths) or lost or series.held.any() or series.ends.any() else 0,
    )


def _why_none(source: Any) -> str:
    """Why there are no round trips, and what to do."""
    if getattr(source, "metadata", {}).get("side") == "server":
        return "a server does not ping; a client's recorder does: mb.Recorder(bot)"
    return "the recorder pings by itself, unless ping_rate=0"


def _draw_points(ax: Axes, series: Series) -> None:
    held, ends = series.held, series.ends
    free, blocked = ~held & ~ends, f"held up by a blocked loop ({int(held.sum())})"
    hollow = {"color": PALE, "markerfacecolor": "none"}
    kinds: list[tuple[Any, str, float, str, dict[str, Any]]] = [
        (free, ".", 5, f"{series.what} ({int(free.sum())})", {"color": INK}),
        (ends & ~held, "o", 4, "warm-up, left out", hollow),
        (held, "x", 6, blocked, {"color": PALE}),
    ]
    for chosen, marker, size, label, options in kinds:
        if chosen.any():
            t, delays = series.t[chosen], series.ms[chosen]
            ax.plot(t, delays, marker, markersize=size, label=label, **options)


def _named_stalls(series: Series) -> list[tuple[float, float, str]]:
    """The longest stalls, in the order of time, and whose they are."""
    stalls = [
        (begin, end, words)
        for (begin, end), words in zip(series.stalls.tolist(), series.blockers, strict=True)
    ]
    long = [stall for stall in stalls if stall[1] - stall[0] >= NAMED_STALL_SECONDS]
    return sorted(sorted(long, key=lambda stall: stall[0] - stall[1])[:MAX_NAMED_STALLS])


def _draw_stalls(ax: Axes, series: Series) -> None:
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


def _draw_returns(ax: Axes, series: Series) -> int:
    """A triangle wherever the connection stood again; returns how many there are."""
    if series.changes is None:
        return 0
    changes = series.changes
    back = changes[(changes.previous == "reconnecting") & (changes.state == "connected")]
    if len(back):
        options: dict[str, Any] = {"color": MARK, "markersize": 8, "clip_on": False}
        options |= {
            "transform": ax.get_xaxis_transform(),
            "label": f"connected again ({len(back)})",
        }
        ax.plot(back.t_s, [0.02] * len(back), "^", **options)
    return len(back)
