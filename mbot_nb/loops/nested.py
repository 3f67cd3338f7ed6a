"""A coroutine run to its end inside a loop that runs already, with `nest-asyncio2`, applied at the
first use."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ..errors import UsageError
from .call import await_if_needed

__all__ = ["run_inside"]

T = TypeVar("T")
END_GRACE = 1.0
"""Seconds that what was interrupted is given to end, and to send the stop of its motion."""
_CANCELLING_MODULES = ("ipykernel.ipkernel", "asyncio.runners")
"""Whose handlers of interrupts cancel the task around."""


def run_inside(loop: asyncio.BaseEventLoop, coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on this running loop, from plain code on it. An interrupt cancels it.

    Raises:
        UsageError: the older nest_asyncio was applied before.
    """
    if hasattr(asyncio, "_nest_patched") and not hasattr(asyncio, "_nest_asyncio2"):
        coroutine.close()
        raise UsageError(
            "mb.run() cannot nest where nest_asyncio was applied: that one is maintained no more, "
            "and in a notebook loses clicks and cells. Take `nest_asyncio.apply()` out and restart "
            "the kernel: mb.run() brings what it needs by itself."
        )
    import nest_asyncio2

    nest_asyncio2.apply(loop)
    task: asyncio.Task[T] = loop.create_task(await_if_needed(coroutine))
    with _interrupts_raised():
        try:
            return loop.run_until_complete(task)
        except BaseException:
            if not task.done():
                task.cancel()
                loop.run_until_complete(asyncio.wait({task}, timeout=END_GRACE))
            if task.done() and not task.cancelled():
                task.exception()  # it was interrupted; nobody asks how that ended
            raise


@contextmanager
def _interrupts_raised() -> Iterator[None]:
    """Let an interrupt raise here: in a cell that awaits it would cancel the cell, which hears
    nothing of that meanwhile."""
    handler = signal.getsignal(signal.SIGINT)
    function = getattr(handler, "func", handler)
    if (
        threading.current_thread() is not threading.main_thread()
        or getattr(function, "__module__", "") not in _CANCELLING_MODULES
    ):
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
