"""How a client tried again: the ladder of its delays."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ..protocol.settings import Settings
from .figure import PALE, SHADE, count, finish, new_axes, note, style

if TYPE_CHECKING:
    import pandas as pd

    from ..lab.results import Run
    from ..recording.tables.run_tables import RunTables

__all__ = ["reconnects"]


LINE_OFFSET = 0.07
"""Attempts by which one staircase is drawn above the one before, so that it does not cover it."""


class _Outage(NamedTuple):
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
    ax = ax or new_axes(8.0, 3.4)
    delays, jitter = _planned_delays(source)
    outages = _outages(source.connection)
    most = max([1, *(len(outage.attempts) for outage in outages)])
    last = max([0.5, *(max([*outage.attempts, outage.back or 0.0]) for outage in outages)])
    _draw_plan(ax, _planned(delays, most))
    for number, outage in enumerate(outages):
        _draw_outage(ax, outage, number)
    ladder = ", ".join(f"{delay:g}" for delay in delays)
    details = "the connection was not lost yet: bot.cut(3) breaks it"
    if outages:
        back = sum(outage.back is not None for outage in outages)
        attempts = sum(len(outage.attempts) for outage in outages)
        details = (
            f"n = {count(len(outages), 'cut', 'cuts')}, "
            f"{count(attempts, 'attempt', 'attempts')}, {back} back"
        )
    ax.set_xlim(-0.02 * last, last * 1.08)
    ax.set_ylim(0, most + 0.7 + LINE_OFFSET * len(outages))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    return finish(
        ax,
        "The reconnect ladder",
        f"{details}\ndelays set: {ladder}, {delays[-1]:g}, ... s, jitter {jitter:.0%}",
        f"Attempts to connect again, over the time since the cut: {details}; delays set: {ladder} "
        "s.",
        x="time since the cut / s",
        y="attempts begun",
        legend=1 if len(outages) < 4 else 2,
    )


def _draw_outage(ax: Axes, outage: _Outage, number: int) -> None:
    """The staircase of one cut, a little above the one before."""
    raised, series_style = number * LINE_OFFSET, style(number)
    steps = [0, *outage.attempts]
    heights = [raised + step for step in range(len(steps))]
    result = "not back when this was drawn"
    if outage.back is not None:
        result = f"back after {outage.back:.2f} s"
        options: dict[str, Any] = {"color": series_style.color, "markerfacecolor": "none"}
        ax.plot(outage.back, heights[-1], "^", markersize=13, zorder=4.1, **options)
    label = f"{number + 1}: {outage.reason}, {result}"
    ax.plot(steps[1:], heights[1:], **series_style.marks, markersize=6, label=label, zorder=4)
    if outage.back is not None:
        steps, heights = [*steps, outage.back], [*heights, heights[-1]]
    ax.step(steps, heights, where="post", **series_style.pen, linewidth=1.6, zorder=3)


def _outages(connection: pd.DataFrame) -> list[_Outage]:
    outages: list[_Outage] = []
    connected = True
    for row in connection.itertuples():
        change: Any = row
        if change.state == "connected":
            if outages and not connected:
                outages[-1] = outages[-1]._replace(back=change.time_s - outages[-1].at)
            connected = True
        elif change.state == "reconnecting":
            if connected:
                reason = change.reason if isinstance(change.reason, str) else "lost"
                outages.append(_Outage(change.time_s, reason.partition(" (")[0], [], None))
                connected = False
            elif outages and change.next_attempt_in_s != change.next_attempt_in_s:
                outages[-1].attempts.append(change.time_s - outages[-1].at)
    return outages


def _planned_delays(source: Any) -> tuple[tuple[float, ...], float]:
    """The delays between attempts and their jitter, as set; by default the protocol's own."""
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
        middle = ((before + after) / 2, number)
        note(ax, f"{after - before:g} s", middle, (0, 6), ha="center", color=PALE)
