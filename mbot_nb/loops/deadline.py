"""The one timer of an object that has many deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["DeadlineTimer"]

_NEVER = float("inf")


class DeadlineTimer:
    """Calls ``on_due`` at the deadline that was set, on the loop's own clock.

    A deadline that moves to a later time leaves the timer as it is: one that fires early finds
    nothing to do and is set again.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, on_due: Callable[[], None]) -> None:
        self._loop = loop
        self._on_due = on_due
        self._timer: asyncio.TimerHandle | None = None
        self._at = _NEVER

    def set(self, deadline: float | None) -> None:
        """Fire by this deadline, if not earlier; None cancels."""
        if deadline is None:
            self.cancel()
        elif deadline < self._at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(deadline, self._fire)
            self._at = deadline

    def cancel(self) -> None:
        """Cancel the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._at = None, _NEVER

    def _fire(self) -> None:
        self._timer, self._at = None, _NEVER
        self._on_due()
