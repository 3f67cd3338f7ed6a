"""How what came out of order was put in order again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from .figure import INK, MARK, PALE, SHADE, describe, headline, legend_below, new_axes

if TYPE_CHECKING:
    from ..recording.tables.run_tables import RunTables

__all__ = ["order"]


def order(rec: RunTables, ax: Axes | None = None) -> Axes:
    """Every numbered event, by its number, over the time: when it was read from the wire, and when
    it was handed on.

    A hollow circle came when it was its turn, a triangle came too early and waited for those below
    it, a cross came once more and was dropped. The staircase is what subscribers got: it only ever
    rises, one step at a time.
    """
    if ax is None:
        ax = new_axes(8.0, 4.2)
    frames, events = rec.frames, rec.events
    came = frames[(frames.direction == "in") & (frames.type == "event") & frames.sequence.notna()]
    given = events[events.sequence.notna()]
    start = min(
        (float(times.min()) for times in (came.time_s, given.time_s) if len(times)), default=0.0
    )
    number = came.sequence.to_numpy(dtype=np.int64)
    again = came.sequence.duplicated().to_numpy(dtype=bool)
    # Whatever is below the highest number so far comes late; what skips one comes early.
    early = ~again & (number > _awaited(number))
    at = came.time_s.to_numpy(dtype=np.float64) - start
    kinds = (
        (~again & ~early, "o", INK, "came in its turn"),
        (early, "^", MARK, "came too early, waits"),
        (again, "x", PALE, "came once more, dropped"),
    )
    for chosen, marker, colour, words in kinds:
        if chosen.any():
            label = f"{words} ({int(chosen.sum())})"
            ax.plot(
                at[chosen],
                number[chosen],
                marker,
                color=colour,
                markersize=6,
                markerfacecolor="none",
                label=label,
            )
    if len(given):
        steps = given.sequence.to_numpy(dtype=np.int64)
        ax.step(
            given.time_s - start,
            steps,
            where="post",
            color=INK,
            linewidth=1.3,
            label=f"handed on ({len(given)})",
        )
        fallen = int((np.diff(steps) < 0).sum())
        details = (
            f"n = {len(given)} events, {int(early.sum())} came too early, {int(again.sum())} "
            "twice; "
            f"handed on {'all in order' if not fallen else f'out of order {fallen} times'}"
        )
        networks = " and ".join(
            f'"{one["name"] or "own"}", seed {one["seed"]}'
            for one in rec.metadata.get("networks", ())
        )
        details += f"\nnetwork {networks}" if networks else "\nno relay between"
    else:
        details = "no numbered events yet: telemetry has no numbers, only the latest counts"
    headline(ax, "Out of order, and in order again", details)
    ax.set_xlabel("time / s")
    ax.set_ylabel("number of the event")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(axis="y", color=SHADE, linewidth=0.8)
    ax.set_axisbelow(True)
    legend_below(ax, 2)
    flat = details.replace("\n", "; ")
    describe(ax, f"Numbers of events over time, as they came and as they were handed on: {flat}.")
    return ax


def _awaited(
    numbers: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """At each arrival the number whose turn it was: the lowest of all that had not come. What never
    comes has no turn."""
    turns = iter(sorted(set(numbers.tolist())))
    turn = next(turns, 0)
    came: set[int] = set()
    awaited = []
    for number in numbers.tolist():
        awaited.append(turn)
        came.add(number)
        while turn in came:
            turn = next(turns, turn + 1)
    return np.array(awaited, dtype=np.int64)
