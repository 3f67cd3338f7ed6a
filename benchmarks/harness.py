"""Taking turns: every contender gives one sample a round, in an order that rotates, and the median
of the rounds counts.

What disturbs the machine for a second then falls on both sides, and no side always runs first or
last.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

__all__ = ["Contender", "Samples", "take_turns"]


@dataclass(frozen=True)
class Contender:
    """One side of a comparison. ``sample`` sets itself up, warms up, measures once, takes itself
    down, returns the value."""

    name: str
    sample: Callable[[], Awaitable[float]]


@dataclass
class Samples:
    """What one contender gave, one value a round."""

    values: list[float] = field(default_factory=list)
    error: Exception | None = None
    """What ended its turns."""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The smallest and the largest value."""
        return min(self.values), max(self.values)


async def take_turns(
    contenders: Sequence[Contender],
    rounds: int,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Samples]:
    """Sample every contender ``rounds`` times, one after another.

    A contender that fails has no further turn; the others go on.

    Returns:
        The samples by contender's name.

    Raises:
        ValueError: without a round, or with two contenders of one name.
        RuntimeError: when garbage collection is off, which would flatter both sides.
    """
    if rounds < 1:
        raise ValueError(f"{rounds} rounds measure nothing: ask for at least 1")
    results = {contender.name: Samples() for contender in contenders}
    if len(results) != len(contenders):
        raise ValueError("two contenders have the same name: their samples could not be told apart")
    for turn in range(rounds):
        first = turn % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            if not gc.isenabled():
                raise RuntimeError(
                    "garbage collection is off: a program that runs for hours needs it, so switch "
                    "it on"
                )
            samples = results[contender.name]
            if samples.error is not None:
                continue
            progress(f"round {turn + 1} of {rounds}: {contender.name}")
            gc.collect()  # what the one before left behind is not this one's to clear
            try:
                samples.values.append(await contender.sample())
            except Exception as error:
                samples.error = error
    return results
