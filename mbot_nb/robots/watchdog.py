"""A thread that calls back on time, whatever the notebook's event loop is doing.

A motion must end when its time is over even while a cell blocks the loop, so its end is not left to
asyncio. There is one watchdog per process (:func:`shared`). Its thread starts with the first
timer and ends after the last one.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

from ..local.runtime import Slot
from .timer import Timer

__all__ = ["Watchdog", "shared"]

_log = logging.getLogger("mbot_nb")


class Watchdog:
    """A daemon thread with a heap of deadlines, read on ``time.monotonic``.

    Callbacks run in its thread, one after another: they must be short and must not wait. One that
    raises is logged with its traceback, and the next ones are called all the same.
    """

    def __init__(self, name: str = "mbot-watchdog") -> None:
        self._name = name
        self._wake = threading.Condition()
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._thread: threading.Thread | None = None

    def call_at(self, deadline: float, callback: Callable[[], object]) -> Timer:
        """Call ``callback()`` when ``time.monotonic()`` reaches ``deadline``."""
        timer = Timer(callback, self._notify)
        with self._wake:
            heapq.heappush(self._heap, (deadline, next(self._order), timer))
            # a forked process has the object, not the thread
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            else:
                self._wake.notify()
        return timer

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the thread has ended, as no timer is left; returns whether it has."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    def _notify(self) -> None:
        """A timer was cancelled: the thread may have nothing left to wait for."""
        with self._wake:
            self._wake.notify()

    def _run(self) -> None:
        while True:
            callback = self._next()
            if callback is None:
                return
            try:
                callback()
            except Exception:
                _log.exception("a callback of the watchdog failed; the next ones go on")
            callback = None  # hold no robot alive while waiting

    def _next(self) -> Callable[[], object] | None:
        """Wait for the next callback that is due; None when no timer is left."""
        with self._wake:
            while self._heap:
                deadline, _, timer = self._heap[0]
                wait = deadline - time.monotonic()
                if wait > 0 and timer.pending:
                    self._wake.wait(min(wait, threading.TIMEOUT_MAX))
                    continue
                heapq.heappop(self._heap)
                callback = timer.take()
                if callback is not None:
                    return callback
            self._thread = None
            return None


shared: Slot[Watchdog] = Slot(Watchdog)
"""The watchdog of this process."""
