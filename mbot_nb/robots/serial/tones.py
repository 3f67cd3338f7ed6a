"""The loudspeaker of a robot on a cable: tones are sent in slices, so that a stop need not wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from ...errors import DeliveryUnknownError
from .wire.exchange import error_of

__all__ = ["Tones"]

ECHO = 0.5
"""Seconds after a tone in which the robot may still hear it."""
MIN_SLICE = 0.001
"""Seconds: a rest of a tone that is shorter is not sent."""


class Tones:
    """Plays one tone at a time. All calls come with the robot's lock held.

    Args:
        send: sends one slice: its frequency in Hz and its length in seconds.
        max_slice: seconds.
        on_error: called when a slice after the first one fails.
    """

    def __init__(
        self,
        send: Callable[[float, float], Future[Any]],
        max_slice: float,
        on_error: Callable[[BaseException], object],
    ) -> None:
        self._send = send
        self._max_slice = max_slice
        self._on_error = on_error
        self._frequency: float | None = None
        self._until = 0.0

    @property
    def frequency(self) -> float | None:
        """Of the tone that sounds now, in Hz."""
        return self._frequency if time.monotonic() < self._until else None

    @property
    def echoing(self) -> bool:
        """Whether a tone sounds, or has sounded just now."""
        return time.monotonic() < self._until + ECHO

    @property
    def ended(self) -> bool:
        """Whether the last tone was ended by :meth:`end`."""
        return not self._until

    def end(self) -> None:
        """Send no further slice."""
        self._until = 0.0

    def play(self, frequency: float, duration: float) -> Future[Any]:
        """Send slices until ``duration`` seconds have sounded, or the tone is ended or replaced.

        Returns:
            A future that ends when the robot has confirmed the first slice, or with its error.
        """
        self._frequency, self._until = frequency, (until := time.monotonic() + duration)
        started: Future[Any] = Future()
        started.set_running_or_notify_cancel()  # a cancelled wait does not end the tone

        def wanted() -> bool:
            return self._until == until

        def send_next(left: float) -> None:
            if left >= MIN_SLICE and wanted():
                seconds = min(left, self._max_slice)
                self._send(frequency, seconds).add_done_callback(partial(sent, left - seconds))
            elif not started.done():
                started.set_result(None)

        def sent(left: float, answer: Future[Any]) -> None:
            error = error_of(answer)
            if not wanted() or (started.done() and isinstance(error, DeliveryUnknownError)):
                # The tone has ended; or a stop came while this slice sounded, and nobody needs to
                # know what became of a slice of a long tone.
                error = None
            if error is None:
                if not started.done():
                    started.set_result(None)
                send_next(left)
            elif started.done():
                self._on_error(error)
            else:
                started.set_exception(error)

        send_next(duration)
        return started
