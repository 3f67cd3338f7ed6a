"""Numbered messages, each once and in order, whatever order they come in."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

__all__ = ["Gap", "Orderer"]

Item = TypeVar("Item")


class Gap(NamedTuple):
    """A hole that was given up: ``expected`` up to ``got - 1`` will not be delivered."""

    expected: int
    got: int


class _Waiting(NamedTuple, Generic[Item]):
    item: Item
    size: int
    arrived: float


class Orderer(Generic[Item]):
    """The receiving end of one direction of one session.

    ``cursor`` is the number of the last message delivered (or given up). A message from the future
    waits for the missing one, at most ``wait`` seconds from its own arrival and within the buffer's
    limits; then the hole is skipped and told as a :class:`Gap` in front of what follows it.

    A peer that need not begin at 1 (``start=None``, baseline) sets the cursor with its first
    number; a lower number that was not delivered yet is then delivered on arrival.
    """

    BELOW = 4096
    """Numbers remembered below such a start; a further one counts as a duplicate."""

    def __init__(
        self, *, start: int | None = 0, messages: int = 1024, nbytes: int = 2**20, wait: float = 5.0
    ) -> None:
        self.cursor = start if start is not None else -1
        self.duplicates = 0
        self._open_start = start is None
        self._first: int | None = None
        self._below: set[int] = set()
        self._waiting: dict[int, _Waiting[Item]] = {}
        self._bytes = 0
        self._limits = (messages, nbytes, wait)

    def __len__(self) -> int:
        return len(self._waiting)

    def receive(self, sequence: int, item: Item, size: int, now: float) -> list[Item | Gap]:
        """Take one message; returns what can be delivered now, in order."""
        if self._open_start:
            self._open_start = False
            self._first = sequence
            self.cursor = sequence - 1
        if sequence == self.cursor + 1:
            self.cursor = sequence
            return [item, *self._ready()] if self._waiting else [item]
        if sequence <= self.cursor:
            return self._late(sequence, item)
        if sequence in self._waiting:
            self.duplicates += 1
            return []
        self._waiting[sequence] = _Waiting(item, size, now)
        self._bytes += size
        messages, nbytes, _ = self._limits
        delivered: list[Item | Gap] = []
        while len(self._waiting) > messages or self._bytes > nbytes:
            delivered += self._skip()
        return delivered

    def next_deadline(self) -> float | None:
        """When the message that has waited longest is let through."""
        for waiting in self._waiting.values():
            return waiting.arrived + self._limits[2]
        return None

    def expire(self, now: float) -> list[Item | Gap]:
        """Give up the holes in front of every message that has waited its time."""
        delivered: list[Item | Gap] = []
        while (deadline := self.next_deadline()) is not None and now >= deadline:
            delivered += self._skip()
        return delivered

    def forget(self) -> None:
        """Empty the buffer: the connection was cut, and the sender will send again what is above
        the cursor."""
        self._waiting.clear()
        self._bytes = 0

    def _late(self, sequence: int, item: Item) -> list[Item | Gap]:
        """At or below the cursor: a duplicate, unless it is below the start of a peer that began
        higher."""
        below = self._below
        if (
            self._first is not None
            and sequence < self._first
            and sequence not in below
            and len(below) < self.BELOW
        ):
            below.add(sequence)
            return [item]
        self.duplicates += 1
        return []

    def _ready(self) -> list[Item | Gap]:
        """What follows the cursor without a hole."""
        ready: list[Item | Gap] = []
        while (waiting := self._waiting.pop(self.cursor + 1, None)) is not None:
            self.cursor += 1
            self._bytes -= waiting.size
            ready.append(waiting.item)
        return ready

    def _skip(self) -> list[Item | Gap]:
        """Give up the first hole."""
        got = min(self._waiting)
        gap = Gap(self.cursor + 1, got)
        self.cursor = got - 1
        return [gap, *self._ready()]
