"""Waiting for what a session brings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Conditions", "wake"]


class Conditions:
    """Waits for conditions that are looked at whenever something has happened."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when the condition holds, or when :meth:`give_up` says that it never will."""
        if condition():
            return
        waiter = self._loop.create_future()
        self._waiting.append((condition, waiter))
        await waiter

    def look(self) -> None:
        """Wake whose condition holds now."""
        still = []
        for condition, waiter in self._waiting:
            if condition():
                wake(waiter)
            elif not waiter.done():
                still.append((condition, waiter))
        self._waiting = still

    def give_up(self) -> None:
        """Wake everybody: there is no hope."""
        waiting, self._waiting = self._waiting, []
        for _, waiter in waiting:
            wake(waiter)


def wake(waiter: asyncio.Future[None]) -> None:
    """Let whoever awaits it go on; once more changes nothing."""
    if not waiter.done():
        waiter.set_result(None)
