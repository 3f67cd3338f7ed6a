"""Waiting for conditions on a client's session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..errors import MbotError

__all__ = ["Connecting", "Waiters", "wake"]


class Waiters:
    """The tasks that wait for conditions, which are checked after every event."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when the condition holds, or when :meth:`wake_all` says that it never will."""
        if condition():
            return
        waiter = self._loop.create_future()
        self._waiting.append((condition, waiter))
        await waiter

    def check(self) -> None:
        """Wake the tasks whose condition holds now."""
        still = []
        for condition, waiter in self._waiting:
            if condition():
                wake(waiter)
            elif not waiter.done():
                still.append((condition, waiter))
        self._waiting = still

    def wake_all(self) -> None:
        """Wake all tasks: their conditions will never hold."""
        waiting, self._waiting = self._waiting, []
        for _, waiter in waiting:
            wake(waiter)


class Connecting:
    """What all tasks await that want a connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._future: asyncio.Future[None] | None = None

    def future(self) -> asyncio.Future[None]:
        """The future that :meth:`resolve` resolves next; shield it."""
        if self._future is None or self._future.done():
            self._future = self._loop.create_future()
        return self._future

    def resolve(self, error: MbotError | None) -> bool:
        """Resolve it, or fail it with an error; returns whether there was one."""
        future, self._future = self._future, None
        if future is None or future.done():
            return False
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
            future.exception()  # it may be that nobody awaits it any more
        return True


def wake(waiter: asyncio.Future[None]) -> None:
    """Let the task that awaits it go on. Idempotent."""
    if not waiter.done():
        waiter.set_result(None)
