"""Ends a motion in the link's thread, its duration after it was sent, even if the notebook hangs.

What is asked of a robot may have to wait until it can be sent, and in the robot: so the time runs
from the sending, or from the robot's confirmation if that comes later than usual. Until it comes,
it has as much more as a confirmation may take.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ..timer import Timer
from .connection.link import SerialLink

__all__ = ["CONFIRMED_TIMEOUT", "STOPPED_TIMEOUT", "UNSENT_TIMEOUT", "MotionClock"]

CONFIRMED_TIMEOUT = 0.4
"""Seconds in which a robot confirms that it drives, or is asked again."""
STOPPED_TIMEOUT = 0.5
"""Seconds in which a stop is confirmed, or the guard sends it once more."""
UNSENT_TIMEOUT = 3.0
"""Seconds after which a motion that could not be sent is given up."""


class MotionClock:
    """The clock of the motion under way. All calls come with the robot's lock held.

    ``lag`` is how long after its beginning the robot's confirmation is usually here, seconds.
    """

    def __init__(self, link: SerialLink, lag: float) -> None:
        self._link = link
        self._lag = lag
        self._sent_at: float | None = None
        self._end: Timer | None = None

    @property
    def running(self) -> bool:
        """Whether the motion was sent."""
        return self._sent_at is not None

    def wait(self, seconds: float, then: Callable[[], object]) -> None:
        """Nothing is sent yet."""
        self.cancel()
        self._end = self._link.call_at(time.monotonic() + seconds, then)

    def sent(self, duration: float, over: Callable[[], object]) -> None:
        """It is being sent; not a byte of it has left. Once more, if it was not confirmed."""
        now = time.monotonic()
        self._run_until(now + CONFIRMED_TIMEOUT + duration, over)
        self._link.arm(duration)  # a program that is held up is not there to read the confirmation
        self._sent_at = now

    def confirmed(self, duration: float, over: Callable[[], object]) -> None:
        """The robot drives."""
        now = time.monotonic()
        sent_at = now if self._sent_at is None else self._sent_at
        end = max(sent_at, now - self._lag) + duration
        self._run_until(end, over)
        self._link.arm(end - now)
        self._sent_at = sent_at

    def cancel(self) -> None:
        """It is over, or replaced."""
        if self._end is not None:
            self._end.cancel()
        self._end = self._sent_at = None

    def _run_until(self, end: float, over: Callable[[], object]) -> None:
        self.cancel()
        self._end = self._link.call_at(end, over)
