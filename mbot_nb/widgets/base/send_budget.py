"""A limit on messages: a page drops updates when they come by the hundred."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ...local.runtime import Slot

__all__ = ["SendBudget", "budget"]

RATE = 150.0
"""Messages a second in the long run."""
BURST = 40
"""Messages at once: at most 200 in any second, far below JupyterLab's limit of 1000."""


class SendBudget:
    """A token bucket that all widgets of a process share; from any thread.

    Who may not send now tries again later with what is true then: the latest value wins, and none
    piles up.
    """

    def __init__(
        self, rate: float = RATE, burst: float = BURST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._left = float(burst)
        self._at = clock()
        self._lock = threading.Lock()

    def wait(self) -> float:
        """Take the right to send one message: 0.0, or the seconds after which to ask again."""
        with self._lock:
            self._fill()
            if self._left >= 1.0:
                self._left -= 1.0
                return 0.0
            return (1.0 - self._left) / self._rate

    def take(self) -> None:
        """Send one in any case: an answer, which is never held back. The others wait for it."""
        with self._lock:
            self._fill()
            self._left -= 1.0

    def _fill(self) -> None:
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now


budget: Slot[SendBudget] = Slot(SendBudget)
"""This notebook's."""
