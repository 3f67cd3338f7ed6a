"""Long tones in slices, so that what comes behind one, a stop above all, need not wait for its
end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from ...errors import DeliveryUnknownError

__all__ = ["sliced"]


def sliced(
    sound: Callable[[float], Future[Any]],
    duration: float,
    longest: float,
    *,
    wanted: Callable[[], bool],
    failed: Callable[[BaseException], object],
) -> Future[Any]:
    """Call ``sound(seconds)`` for one slice after another, until ``duration`` has sounded or it is
    not wanted any more.

    The future ends when the robot has confirmed the first slice, or with its error; that of a later
    one is for ``failed``.
    """
    sounds: Future[Any] = Future()
    sounds.set_running_or_notify_cancel()  # who waits for it may go, the tone does not

    def begin(left: float) -> None:
        if left >= 0.001 and wanted():
            piece = min(left, longest)
            sound(piece).add_done_callback(partial(over, left - piece))
        elif not sounds.done():
            sounds.set_result(None)

    def over(left: float, slice_: Future[Any]) -> None:
        error = None if slice_.cancelled() else slice_.exception()
        if not wanted() or (sounds.done() and isinstance(error, DeliveryUnknownError)):
            # it is over; or a stop came while this slice sounded, and what it is of a long tone is
            # nothing to tell
            error = None
        if error is None:
            if not sounds.done():
                sounds.set_result(None)
            begin(left)
        elif sounds.done():
            failed(error)
        else:
            sounds.set_exception(error)

    begin(duration)
    return sounds
