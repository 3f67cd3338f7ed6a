"""Several values of one measurement, as contenders of their own: a median and a 99th percentile,
say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from .harness import Contender

__all__ = ["Together"]


class Together:
    """Measures once a round: whoever has the first turn measures for all, and each value is given
    away once.

    Args:
        name: of the measurement; a contender is called ``name: part``.
        measure: measures once and returns the values by part.
    """

    def __init__(self, name: str, measure: Callable[[], Awaitable[Mapping[str, float]]]) -> None:
        self._name = name
        self._measure = measure
        self._left: dict[str, float] = {}

    def part(self, part: str) -> Contender:
        """The contender for one of the values."""
        return Contender(f"{self._name}: {part}", partial(self._take, part))

    async def _take(self, part: str) -> float:
        if part not in self._left:
            self._left = dict(await self._measure())
        return self._left.pop(part)
