"""The home loop of an object: the one event loop that a client or server lives on.

It is the loop the object was made on: the kernel's, or that of the I/O thread.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ..errors import MbotError, UsageError
from ..local.runtime import Slot
from .kernel import lasting_loop

__all__ = ["POLL_INTERVAL", "Home", "IoThread", "io_thread", "log_failure", "running_loop"]

T = TypeVar("T")

running_loop = asyncio._get_running_loop
"""The loop that runs in this thread, or None."""
_log = logging.getLogger("mbot_nb")
POLL_INTERVAL = 0.2
"""Seconds between two chances for an interrupt: it reaches a loop or a waiting thread only when
that is awake."""

CLOSE_GRACE = 2.0
"""Seconds that tasks of the I/O thread are given to end when it is closed, and again once they are
cancelled."""


class Home:
    """One event loop, and the way to it from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, is_io_thread: bool = False) -> None:
        self.loop = loop
        self.is_io_thread = is_io_thread
        self._tasks: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return "<Home on the I/O thread>" if self.is_io_thread else "<Home on the caller's loop>"

    @classmethod
    def here(cls) -> Home:
        """The loop that runs this code: in a notebook, that of its cells, also in a callback that
        runs elsewhere.

        Raises:
            UsageError: no loop runs here.
        """
        try:
            return cls(lasting_loop(asyncio.get_running_loop()))
        except RuntimeError:
            raise UsageError(
                "no event loop runs here. In a notebook cell write `await mb.connect()`; in a "
                "plain script use `asyncio.run(main())`, or thread=True."
            ) from None

    @classmethod
    def on_io_thread(cls) -> Home:
        """The loop of the I/O thread, which no cell can block; the thread is started when it is
        first asked for."""
        return io_thread().start()

    @classmethod
    def lazily(cls, thread: bool) -> Callable[[], Home]:
        """The home of a new object, found once: where it is made, or the I/O thread.

        Where no loop runs yet, and for the I/O thread, it is found at the first call.
        """
        found: list[Home] = []

        def home() -> Home:
            if not found:
                found.append(cls.on_io_thread() if thread else cls.here())
            return found[0]

        if not thread and running_loop() is not None:
            home()
        return home

    @classmethod
    def is_io_loop(cls, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether this is the I/O thread's loop."""
        home = io_thread().home
        return home is not None and home.loop is loop

    @property
    def is_here(self) -> bool:
        """Whether this code runs on the home loop."""
        return running_loop() is self.loop

    @property
    def clock(self) -> Callable[[], float]:
        """The loop's clock, in seconds; asyncio's own loops only pass Python's monotonic one on."""
        return (
            time.monotonic if type(self.loop).time is asyncio.BaseEventLoop.time else self.loop.time
        )

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run a coroutine at home; from any thread, also a button's. What it raises is logged if
        nobody asks for the result."""
        future: _Submitted[T] = _Submitted(self, getattr(coroutine, "__name__", "a coroutine"))
        try:
            self.loop.call_soon_threadsafe(future.start, coroutine)
        except RuntimeError:
            coroutine.close()
            raise UsageError(
                "the event loop this object lived on is gone; make a new one"
            ) from None
        return future

    def post(self, function: Callable[..., Any], *args: Any) -> bool:
        """Call a function at home soon (at once if this is home); from any thread. False if home is
        gone."""
        if self.is_here:
            function(*args)
            return True
        try:
            self.loop.call_soon_threadsafe(function, *args)
        except RuntimeError:
            _log.debug("the home loop is closed; %r was not called", function)
            return False
        return True

    def spawn(self, coroutine: Coroutine[Any, Any, Any], what: str) -> asyncio.Task[Any]:
        """Start a background task at home, keep a reference to it, and log its failure."""
        task = self.loop.create_task(coroutine, name=f"mbot_nb {what}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("%s failed", task.get_name(), exc_info=task.exception())


class IoThread:
    """The thread whose loop no cell can block, started when it is first asked for."""

    def __init__(self) -> None:
        self.home: Home | None = None
        """Its loop; None until it is started."""
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._survives_forks = False

    def start(self) -> Home:
        """Start the thread, unless it runs; returns its home."""
        with self._lock:
            if self.home is None or self.home.loop.is_closed():
                self._survive_forks()
                started = threading.Event()
                loop = asyncio.new_event_loop()

                def run() -> None:
                    asyncio.set_event_loop(loop)
                    loop.call_soon(started.set)
                    loop.run_forever()

                self._thread = threading.Thread(target=run, name="mbot_nb-io", daemon=True)
                self._thread.start()
                started.wait()
                self.home = Home(loop, is_io_thread=True)
            return self.home

    def close(self) -> None:
        """Stop the thread and close its loop, once what runs there has ended or was cancelled.
        Idempotent."""
        home, self.home = self.home, None
        if home is not None and self._thread is not None and not home.loop.is_closed():
            asyncio.run_coroutine_threadsafe(_end_tasks(), home.loop).result()
            home.loop.call_soon_threadsafe(home.loop.stop)
            self._thread.join()
            home.loop.close()

    def _survive_forks(self) -> None:
        """A forked child inherits the loop but not its thread: the first to ask there starts
        another."""
        if self._survives_forks or not hasattr(os, "register_at_fork"):
            return
        self._survives_forks = True
        this = weakref.ref(self)

        def forget() -> None:
            inherited = this()
            if inherited is not None:
                inherited.home = None
                inherited._lock = threading.Lock()

        os.register_at_fork(after_in_child=forget)


async def _end_tasks() -> None:
    """Let the tasks of this loop end, and cancel those that do not."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=CLOSE_GRACE)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=CLOSE_GRACE)


io_thread: Slot[IoThread] = Slot(IoThread, close=IoThread.close)
"""The process's one."""


class _Submitted(concurrent.futures.Future[T]):
    """The result of a coroutine that runs at home. A failure that nobody retrieves is logged when
    this is collected."""

    def __init__(self, home: Home, name: str) -> None:
        super().__init__()
        self._home = home
        self._name = name
        self._task: asyncio.Task[T] | None = None
        self._retrieved = False

    def start(self, coroutine: Coroutine[Any, Any, T]) -> None:
        """On the home loop."""
        if self.cancelled():
            self.set_running_or_notify_cancel()
            coroutine.close()
            return
        self._task = self._home.loop.create_task(coroutine, name=f"mbot_nb {self._name}")
        self._home._tasks.add(self._task)
        self._task.add_done_callback(self._on_done)

    def cancel(self) -> bool:
        if not super().cancel():
            return False
        self._home.post(self._stop)
        return True

    def result(self, timeout: float | None = None) -> T:
        self._retrieved = True
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self._retrieved = True
        return super().exception(timeout)

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _on_done(self, task: asyncio.Task[T]) -> None:
        self._home._tasks.discard(task)
        if task.cancelled():
            super().cancel()
        error = None if task.cancelled() else task.exception()
        if not self.set_running_or_notify_cancel():
            return
        if error is not None:
            self.set_exception(error)
        else:
            self.set_result(task.result())

    def __del__(self) -> None:
        if self._retrieved or not self.done() or self.cancelled():
            return
        error = super().exception()
        if isinstance(error, MbotError):
            _log.error("%s failed: %s", self._name, error)
        elif error is not None:
            log_failure(f"{self._name} failed", error)


def log_failure(what: str, error: BaseException) -> None:
    """Log ``what`` failed, with the error's type and words, and where it was raised."""
    _log.error("%s: %s: %s", what, type(error).__name__, error, exc_info=error)
