"""Several values of one measurement as contenders of their own, such as a median and a 99th
percentile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from .harness import Contender

__all__ = ["Together"]


class Together:
    """Measures once a round: the first part to be sampled measures for all, and each value is
    given away once. If measuring fails, all parts fail with it.

    Args:
        name: of the measurement; a contender is called ``name: part``.
        measure: measures once and returns the values by part.
    """

    def __init__(self, name: str, measure: Callable[[], Awaitable[Mapping[str, float]]]) -> None:
        self._name = name
        self._measure = measure
        self._parts: list[str] = []
        self._left: dict[str, float | Exception] = {}

    def part(self, part: str) -> Contender:
        """The contender for one of the values."""
        self._parts.append(part)
        return Contender(f"{self._name}: {part}", partial(self._take, part))

    async def _take(self, part: str) -> float:
        if part not in self._left:
            try:
                self._left = dict(await self._measure())
            except Exception as error:
                self._left = dict.fromkeys(self._parts, error)
        value = self._left.pop(part)
        if isinstance(value, Exception):
            raise value
        return value
