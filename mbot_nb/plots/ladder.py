"""How a client tried again: the ladder of its delays."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ..protocol.settings import Settings
from .figure import PALE, SHADE, count, describe, headline, legend_below, new_axes, style

if TYPE_CHECKING:
    import pandas as pd

    from ..lab.results import Run
    from ..recording.tables.run_tables import RunTables

__all__ = ["reconnects"]


BESIDE = 0.07
"""Attempts by which one staircase is drawn above the one before, so that it does not cover it."""


class _Climb(NamedTuple):
    """From the loss of a connection to its return, or to the end of what is known. Seconds since
    the loss."""

    at: float
    reason: str
    attempts: list[float]
    back: float | None


def reconnects(source: RunTables | Run, ax: Axes | None = None) -> Axes:
    """Each attempt after a cut over the time since the cut: one staircase for each cut, beside the
    one that was planned.

    A large triangle: the connection stood again. The numbers on the planned stairs are the delays
    between attempts.
    """
    if ax is None:
        ax = new_axes(8.0, 3.4)
    delays, jitter = _planned_delays(source)
    climbs = _climbs(source.connection)
    most = max((len(climb.attempts) for climb in climbs), default=0)
    last = max((max([*climb.attempts, climb.back or 0.0]) for climb in climbs), default=0.0)
    planned = _planned(delays, max(most, 1))
    _draw_plan(ax, planned)
    for number, climb in enumerate(climbs):
        series_style = style(number)
        raised = number * BESIDE
        steps = [*climb.attempts, *([climb.back] if climb.back is not None else [])]
        heights: list[float] = [
            *range(1, len(climb.attempts) + 1),
            *([len(climb.attempts)] if climb.back is not None else []),
        ]
        label = f"{number + 1}: {climb.reason}, " + (
            f"back after {climb.back:.2f} s"
            if climb.back is not None
            else "not back when this was drawn"
        )
        heights = [height + raised for height in heights]
        ax.step(
            [0, *steps],
            [raised, *heights],
            where="post",
            color=series_style.colour,
            linestyle=series_style.line,
            linewidth=1.6,
            zorder=3,
        )
        ax.plot(
            climb.attempts,
            heights[: len(climb.attempts)],
            series_style.marker,
            color=series_style.colour,
            markersize=6,
            label=label,
            zorder=4,
        )
        if climb.back is not None:
            ax.plot(
                climb.back,
                heights[-1],
                "^",
                color=series_style.colour,
                markersize=13,
                markerfacecolor="none",
                zorder=4,
            )
    ladder = ", ".join(f"{delay:g}" for delay in delays)
    if climbs:
        back = sum(climb.back is not None for climb in climbs)
        attempts = sum(len(climb.attempts) for climb in climbs)
        details = (
            f"n = {count(len(climbs), 'cut', 'cuts')}, "
            f"{count(attempts, 'attempt', 'attempts')}, {back} back"
        )
    else:
        details = "the connection was not lost yet: bot.cut(3) breaks it"
    headline(
        ax,
        "The reconnect ladder",
        f"{details}\ndelays set: {ladder}, {delays[-1]:g}, ... s, jitter {jitter:.0%}",
    )
    ax.set_xlabel("time since the cut / s")
    ax.set_ylabel("attempts begun")
    ax.set_xlim(-0.02 * max(last, 0.5), max(last, 0.5) * 1.08)
    ax.set_ylim(0, max(most, 1) + 0.7 + BESIDE * len(climbs))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(axis="y", color=SHADE, linewidth=0.8)
    ax.set_axisbelow(True)
    legend_below(ax, 1 if len(climbs) < 4 else 2)
    describe(
        ax,
        f"Attempts to connect again, over the time since the cut: {details}; delays set: {ladder} "
        "s.",
    )
    return ax


def _climbs(connection: pd.DataFrame) -> list[_Climb]:
    climbs: list[_Climb] = []
    standing = True
    for row in connection.itertuples():
        change: Any = row
        if change.state == "connected":
            if climbs and not standing:
                climbs[-1] = climbs[-1]._replace(back=change.time_s - climbs[-1].at)
            standing = True
        elif change.state == "reconnecting":
            if standing:
                reason = change.reason if isinstance(change.reason, str) else "lost"
                climbs.append(_Climb(change.time_s, reason.partition(" (")[0], [], None))
                standing = False
            elif climbs and change.next_attempt_in_s != change.next_attempt_in_s:
                climbs[-1].attempts.append(change.time_s - climbs[-1].at)
    return climbs


def _planned_delays(source: Any) -> tuple[tuple[float, ...], float]:
    """The delays that were set, and their jitter; the protocol's own where nobody says."""
    settings = (
        source.metadata.get("settings", {}) if hasattr(source, "metadata") else source.settings
    )
    usual = Settings()
    return tuple(settings.get("retry_delays", usual.retry_delays)), settings.get(
        "retry_jitter", usual.retry_jitter
    )


def _planned(delays: tuple[float, ...], attempts: int) -> list[float]:
    """When attempt 1, 2, ... begins, if attempts take no time."""
    return list(accumulate(delays[min(k, len(delays) - 1)] for k in range(attempts)))


def _draw_plan(ax: Axes, planned: list[float]) -> None:
    ax.step(
        [0, *planned, planned[-1] * 1.2 + 1],
        [0, *range(1, len(planned) + 1), len(planned)],
        where="post",
        color=SHADE,
        linewidth=7,
        solid_capstyle="butt",
        zorder=1,
        label="as planned",
    )
    for number, (before, after) in enumerate(pairwise(planned), 1):
        ax.annotate(
            f"{after - before:g} s",
            ((before + after) / 2, number),
            (0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=9,
            color=PALE,
        )
