"""What this process has running, in one object: servers, clients of cells, the I/O thread, relays.

Each module names a typed :class:`Slot` for what it registers, and the current :class:`Runtime`
holds the values. A test makes a runtime of its own and throws it away::

    with Runtime.fresh():
        ...  # no server, no stand-in robot, no I/O thread yet
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Generic, TypeVar

__all__ = ["Runtime", "Slot"]

T = TypeVar("T")


class Slot(Generic[T]):
    """A typed place in the runtime. Called, it returns what the current runtime holds there.

    Args:
        make: makes the value when it is first asked for. Two threads may both call it; one of the
            values is kept, so it must start nothing.
        close: ends the value when its runtime is thrown away.
    """

    def __init__(
        self, make: Callable[[], T], *, close: Callable[[T], object] | None = None
    ) -> None:
        self.make = make
        self.close = close

    def __call__(self) -> T:
        return Runtime.current().get(self)

    def set(self, value: T) -> None:
        """Put another value into the current runtime."""
        Runtime.current().set(self, value)


class Runtime:
    """What one process has running: a value for each slot.

    It has no lock, so that a forked child never inherits one that is held: single operations of a
    dict are atomic.
    """

    _current: ClassVar[Runtime]

    def __init__(self) -> None:
        self._values: dict[Slot[Any], Any] = {}

    @classmethod
    def current(cls) -> Runtime:
        """The runtime that counts now, in every thread."""
        return cls._current

    @classmethod
    @contextmanager
    def fresh(cls) -> Iterator[Runtime]:
        """Use an empty runtime in place of the current one, and close it at the end."""
        before, fresh = cls._current, cls()
        cls._current = fresh
        try:
            yield fresh
        finally:
            try:
                fresh.close()
            finally:
                cls._current = before

    def get(self, slot: Slot[T]) -> T:
        """The value of a slot, made if there is none yet."""
        try:
            value: T = self._values[slot]
        except KeyError:
            value = self._values.setdefault(slot, slot.make())
        return value

    def set(self, slot: Slot[T], value: T) -> None:
        """Replace the value of a slot."""
        self._values[slot] = value

    def close(self) -> None:
        """End what it holds, the latest first. Idempotent."""
        while self._values:
            slot, value = self._values.popitem()
            if slot.close is not None:
                slot.close(value)


Runtime._current = Runtime()
