"""Long tones in slices, so that what comes behind one, a stop above all, need not wait for its end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

__all__ = ["sliced"]


def sliced(sound: Callable[[float], Future[Any]], duration: float, longest: float, wanted: Callable[[], bool]) -> Future[Any]:
    """Call ``sound(seconds)`` for one slice after another, until ``duration`` has sounded or it is not wanted any more.

    The future ends then, or with the error of a slice.
    """
    done: Future[Any] = Future()
    done.set_running_or_notify_cancel()  # who waits for it may go, the tone does not

    def begin(left: float) -> None:
        if left < 0.001 or not wanted():
            done.set_result(None)
        else:
            piece = min(left, longest)
            sound(piece).add_done_callback(partial(over, left - piece))

    def over(left: float, slice_: Future[Any]) -> None:
        error = None if slice_.cancelled() else slice_.exception()
        if error is not None:
            done.set_exception(error)
        else:
            begin(left)

    begin(duration)
    return done
