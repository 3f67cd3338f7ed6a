"""The home loop of an object, and calls that work from everywhere.

A client or server lives on one event loop, the one it was made on: the kernel's, or that of the I/O thread. A notebook
calls it from cells, widget callbacks (on some kernels in another thread with a loop of its own), handlers and plain
threads. So every public coroutine is a :class:`Call`, which runs on the home loop whoever awaits it.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import logging
import os
import sys
import threading
import time
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import CodeType, TracebackType
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar

from .errors import MbotError, UsageError
from .notebook import lasting_loop

__all__ = ["Call", "Home", "NotAwaitedError", "call", "running_loop"]

T = TypeVar("T")
P = ParamSpec("P")

running_loop = asyncio._get_running_loop
"""The loop that runs in this thread, or None."""
_log = logging.getLogger("mbot_nb")
_GLANCE = 0.2
"""Seconds between two chances for an interrupt, which reaches a kernel's loop only when it is awake."""


class NotAwaitedError(UsageError, AttributeError):
    """Something was asked of a call that nobody awaited."""


class Home:
    """One event loop, and the way to it from any thread."""

    _io: Home | None = None
    _io_lock = threading.Lock()
    _forks_known = False

    def __init__(self, loop: asyncio.AbstractEventLoop, *, is_io_thread: bool = False) -> None:
        self.loop = loop
        self.is_io_thread = is_io_thread
        self._tasks: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return "<Home on the I/O thread>" if self.is_io_thread else "<Home on the caller's loop>"

    @classmethod
    def here(cls) -> Home:
        """The loop that runs this code: in a notebook, that of its cells, also in a callback that runs elsewhere.

        Raises:
            UsageError: no loop runs here.
        """
        try:
            return cls(lasting_loop(asyncio.get_running_loop()))
        except RuntimeError:
            raise UsageError(
                "no event loop runs here. In a notebook cell write `await mb.connect()`; in a plain script use "
                "`asyncio.run(main())`, or thread=True."
            ) from None

    @classmethod
    def io_thread(cls) -> Home:
        """The loop of the I/O thread, which no cell can block; the thread is started when it is first asked for."""
        with cls._io_lock:
            if cls._io is None or cls._io.loop.is_closed():
                cls._survive_forks()
                started = threading.Event()
                loop = asyncio.new_event_loop()

                def run() -> None:
                    asyncio.set_event_loop(loop)
                    loop.call_soon(started.set)
                    loop.run_forever()

                threading.Thread(target=run, name="mbot_nb-io", daemon=True).start()
                started.wait()
                cls._io = cls(loop, is_io_thread=True)
            return cls._io

    @classmethod
    def _survive_forks(cls) -> None:
        """A forked child inherits the loop but not its thread: there the first to ask starts another."""

        def forget() -> None:
            cls._io = None
            cls._io_lock = threading.Lock()

        if not cls._forks_known and hasattr(os, "register_at_fork"):
            cls._forks_known = True
            os.register_at_fork(after_in_child=forget)

    @classmethod
    def is_io_loop(cls, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether this is the I/O thread's loop."""
        return cls._io is not None and cls._io.loop is loop

    @property
    def is_here(self) -> bool:
        """Whether this code runs on the home loop."""
        return running_loop() is self.loop

    @property
    def clock(self) -> Callable[[], float]:
        """The loop's clock, in seconds; asyncio's own loops only pass Python's monotonic one on."""
        return time.monotonic if type(self.loop).time is asyncio.BaseEventLoop.time else self.loop.time

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run a coroutine at home; from any thread, also a button's. What it raises is logged if nobody asks for the result."""
        future: _Submitted[T] = _Submitted(self, getattr(coroutine, "__name__", "a coroutine"))
        try:
            self.loop.call_soon_threadsafe(future.begin, coroutine)
        except RuntimeError:
            coroutine.close()
            raise UsageError("the event loop this object lived on is gone; make a new one") from None
        return future

    def post(self, function: Callable[..., Any], *args: Any) -> bool:
        """Call a function at home soon (at once if this is home); from any thread. False if home is gone."""
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
        """Start a background task at home, hold on to it, and say in the log how it failed."""
        task = self.loop.create_task(coroutine, name=f"mbot_nb {what}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("%s failed", task.get_name(), exc_info=task.exception())


class _Submitted(concurrent.futures.Future[T]):
    """What a coroutine running at home will bring. A failure that nobody asks for is told when this is thrown away."""

    def __init__(self, home: Home, words: str) -> None:
        super().__init__()
        self._home = home
        self._words = words
        self._task: asyncio.Task[T] | None = None
        self._heard = False

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> None:
        """On the home loop."""
        if self.cancelled():
            self.set_running_or_notify_cancel()
            coroutine.close()
            return
        self._task = self._home.loop.create_task(coroutine, name=f"mbot_nb {self._words}")
        self._home._tasks.add(self._task)
        self._task.add_done_callback(self._take)

    def cancel(self) -> bool:
        if not super().cancel():
            return False
        self._home.post(self._stop)
        return True

    def result(self, timeout: float | None = None) -> T:
        self._heard = True
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self._heard = True
        return super().exception(timeout)

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _take(self, task: asyncio.Task[T]) -> None:
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
        if self._heard or not self.done() or self.cancelled():
            return
        error = super().exception()
        if isinstance(error, MbotError):
            _log.error("%s failed: %s", self._words, error)
        elif error is not None:
            _log.error("%s failed: %s: %s", self._words, type(error).__name__, error, exc_info=error)


class Call(Coroutine[Any, Any, T], Generic[T]):
    """A call that begins when it is awaited, on its object's home loop, whichever loop awaits it.

    It is a coroutine, so `asyncio.gather`, `wait_for` and `create_task` take it. Shown or thrown away without `await`, it
    says so.
    """

    def __init__(self, home: Callable[[], Home], start: Callable[[], Coroutine[Any, Any, T]], words: str) -> None:
        self._home = home
        self._start = start
        self._words = words
        self._begun = False
        self._eager = False
        self._running: Generator[Any, Any, T] | None = None
        self.also: concurrent.futures.Future[None] | None = None
        """Another way on which the same is tried, if its home may be blocked."""
        self._where = _where()

    def __repr__(self) -> str:
        if self._begun:
            return f"<{self._words}: under way>"
        if self._eager:
            return f"<{self._words}: given; `await` it for the answer>"
        return f"<{self._words}: nothing has happened yet. {self._place.advice[0].upper()}{self._place.advice[1:]}.>"

    @property
    def _place(self) -> _Place:
        code, line = self._where
        return _Place(code, line)

    @property
    def __name__(self) -> str:
        return self._words

    def __await__(self) -> Generator[Any, Any, T]:
        if self._begun:
            raise UsageError(f"{self._words} was awaited already: call it again")
        self._begun = True
        return _anywhere(self._home(), self._start).__await__()

    def send(self, value: Any) -> Any:
        if self._running is None:
            self._running = self.__await__()
        return self._running.send(value)

    def throw(self, typ: Any, val: Any = None, tb: TracebackType | None = None) -> Any:
        if self._running is None:
            self._running = self.__await__()
        error = typ if val is None else val
        return self._running.throw(error if tb is None else error.with_traceback(tb))

    def close(self) -> None:
        self._begun = True
        if self._running is not None:
            self._running.close()

    @property
    def begun(self) -> bool:
        """Whether somebody awaits it, or has."""
        return self._begun

    def acts_unawaited(self) -> None:
        """What it does was begun when it was made; awaiting it only brings the answer."""
        self._eager = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise NotAwaitedError(f"{self._words} was not awaited, so it has no {name!r}: {self._place.advice}.")

    def __del__(self) -> None:
        if not getattr(self, "_begun", True) and not self._eager:
            place = self._place
            warnings.warn_explicit(f"{self._words} did nothing: {place.advice}.", RuntimeWarning, place.filename, place.line)


class _Place(NamedTuple):
    """Where a call was written."""

    code: CodeType
    line: int

    @property
    def filename(self) -> str:
        """The file, or what stands for it in a notebook."""
        return self.code.co_filename

    @property
    def advice(self) -> str:
        """What is to be written there for it to happen."""
        flags = self.code.co_flags
        if flags & inspect.CO_OPTIMIZED and not flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
            return (
                "this function is not `async`, so it cannot wait; hand it over with bot.home.submit(...), "
                "or queue a command with bot.send(...)"
            )
        return "write `await` in front of it"


def _where() -> tuple[CodeType, int]:
    """The caller's code and line, outside of this package; quick, since every call pays for it."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("mbot_nb."):
        frame = frame.f_back
    return frame.f_code, frame.f_lineno


class OpeningCall(Call[T]):
    """A call whose result is to be closed: `async with mb.connect() as bot:` closes it at the end."""

    _result: Any = None

    async def __aenter__(self) -> T:
        self._result = await self
        return self._result  # type: ignore[no-any-return]

    async def __aexit__(self, *exc_info: object) -> None:
        await self._result.close()


async def _anywhere(home: Home, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run at home, and wait for it here."""
    if home.is_here:
        return await start()
    loop = asyncio.get_running_loop()

    timer: asyncio.TimerHandle | None = None

    def glance() -> None:
        nonlocal timer
        timer = loop.call_later(_GLANCE, glance)

    glance()
    try:
        return await asyncio.wrap_future(home.submit(start()))
    finally:
        if timer is not None:
            timer.cancel()


def call(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Call[T]]:
    """Make a coroutine method of an object with a ``home`` callable from everywhere."""

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Call[T]:
        owner: Any = args[0]
        words = f"{getattr(owner, '_call_name', type(owner).__name__.lower())}.{method.__name__}()"
        return Call(lambda: owner.home, lambda: method(*args, **kwargs), words)

    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(wrapper, name, getattr(method, name))
    wrapper.__wrapped__ = method  # type: ignore[attr-defined]
    return wrapper


async def settle(value: Any) -> Any:
    """The value, awaited if it is to be awaited."""
    return await value if isinstance(value, Awaitable) else value
