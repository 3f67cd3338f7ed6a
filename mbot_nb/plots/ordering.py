"""How what came out of order was put in order again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from .figure import INK, MARK, PALE, finish, new_axes
from .series import floats, networks_in_words

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
    ax = ax or new_axes(8.0, 4.2)
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
    at = floats(came.time_s) - start
    kinds = (
        (~again & ~early, "o", INK, "came in its turn"),
        (early, "^", MARK, "came too early, waits"),
        (again, "x", PALE, "came once more, dropped"),
    )
    for chosen, marker, color, words in kinds:
        if chosen.any():
            options: dict[str, Any] = {"color": color, "markersize": 6, "markerfacecolor": "none"}
            label = f"{words} ({int(chosen.sum())})"
            ax.plot(at[chosen], number[chosen], marker, label=label, **options)
    details = "no numbered events yet: telemetry has no numbers, only the latest counts"
    if len(given):
        steps = given.sequence.to_numpy(dtype=np.int64)
        label = f"handed on ({len(given)})"
        ax.step(given.time_s - start, steps, where="post", color=INK, linewidth=1.3, label=label)
        fallen = int((np.diff(steps) < 0).sum())
        details = (
            f"n = {len(given)} events, {int(early.sum())} came too early, {int(again.sum())} "
            f"twice; handed on {f'out of order {fallen} times' if fallen else 'all in order'}\n"
            f"{networks_in_words(rec.metadata.get('networks', ()))}"
        )
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    return finish(
        ax,
        "Out of order, and in order again",
        details,
        f"Numbers of events over time, as they came and as they were handed on: {details}.",
        x="time / s",
        y="number of the event",
        legend=2,
    )


def _awaited(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
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
