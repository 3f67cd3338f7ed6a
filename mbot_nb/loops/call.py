"""Calls that run on their object's home loop, whichever loop or thread awaits them.

A notebook calls a client from cells, widget callbacks (on some kernels in another thread with a
loop of its own), handlers and plain threads. So every public coroutine is a :class:`Call`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import sys
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import CodeType, TracebackType
from typing import Any, Generic, NamedTuple, ParamSpec, Self, TypeVar

from ..errors import UsageError
from .home import POLL_INTERVAL, Home

__all__ = ["Call", "ClosedAtEnd", "NotAwaitedError", "OpeningCall", "await_if_needed", "call"]

T = TypeVar("T")
P = ParamSpec("P")


class NotAwaitedError(UsageError, AttributeError):
    """An attribute of a call was used that was not awaited."""


class Call(Coroutine[Any, Any, T], Generic[T]):
    """A call that starts when it is awaited, on its object's home loop, whichever loop awaits it.

    It is a coroutine, so `asyncio.gather`, `wait_for` and `create_task` take it. Shown or thrown
    away without `await`, it says so.
    """

    def __init__(
        self, home: Callable[[], Home], start: Callable[[], Coroutine[Any, Any, T]], name: str
    ) -> None:
        self._home = home
        self._start = start
        self._name = name
        self._started = False
        self._eager = False
        self._running: Generator[Any, Any, T] | None = None
        self.fallback: concurrent.futures.Future[None] | None = None
        """The same on another way, which is tried if its home may be blocked."""
        self._call_site = _call_site()

    def __repr__(self) -> str:
        if self._started:
            return f"<{self._name}: under way>"
        if self._eager:
            return f"<{self._name}: given; `await` it for the answer>"
        return (
            f"<{self._name}: nothing has happened yet. "
            f"{self._site.advice[0].upper()}{self._site.advice[1:]}.>"
        )

    @property
    def _site(self) -> _CallSite:
        code, line = self._call_site
        return _CallSite(code, line)

    @property
    def __name__(self) -> str:
        return self._name

    def __await__(self) -> Generator[Any, Any, T]:
        if self._started:
            raise UsageError(f"{self._name} was awaited already: call it again")
        self._started = True
        return _run_at_home(self._home(), self._start).__await__()

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
        self._started = True
        if self._running is not None:
            self._running.close()

    @property
    def is_started(self) -> bool:
        """Whether somebody awaits it, or has."""
        return self._started

    def acts_unawaited(self) -> None:
        """Note that it has acted already when it was made; awaiting it only brings the answer."""
        self._eager = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise NotAwaitedError(
            f"{self._name} was not awaited, so it has no {name!r}: {self._site.advice}."
        )

    def __del__(self) -> None:
        if not getattr(self, "_started", True) and not self._eager:
            site = self._site
            warnings.warn_explicit(
                f"{self._name} did nothing: {site.advice}.",
                RuntimeWarning,
                site.filename,
                site.line,
            )


class _CallSite(NamedTuple):
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
        if flags & inspect.CO_OPTIMIZED and not flags & (
            inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
        ):
            return (
                "this function is not `async`, so it cannot wait; hand it over with "
                "bot.home.submit(...), or queue a command with bot.send(...)"
            )
        return "write `await` in front of it"


def _call_site() -> tuple[CodeType, int]:
    """The caller's code and line, outside of this package; quick, since every call pays for it."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("mbot_nb."):
        frame = frame.f_back
    return frame.f_code, frame.f_lineno


class OpeningCall(Call[T]):
    """A call whose result is to be closed: `async with mb.connect() as bot:` closes it at the
    end."""

    _result: Any = None

    async def __aenter__(self) -> T:
        self._result = await self
        return self._result  # type: ignore[no-any-return]

    async def __aexit__(self, *exc_info: object) -> None:
        await self._result.close()


class ClosedAtEnd:
    """An object that `async with` closes at its end."""

    def close(self) -> Call[None]:
        """Close the object. Idempotent."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()


async def _run_at_home(home: Home, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run at home, and wait for it here."""
    if home.is_here:
        return await start()
    loop = asyncio.get_running_loop()

    timer: asyncio.TimerHandle | None = None

    def wake_up() -> None:
        nonlocal timer
        timer = loop.call_later(POLL_INTERVAL, wake_up)

    wake_up()
    try:
        return await asyncio.wrap_future(home.submit(start()))
    finally:
        if timer is not None:
            timer.cancel()


def call(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Call[T]]:
    """Make a coroutine method of an object with a ``home`` callable from everywhere."""

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Call[T]:
        owner: Any = args[0]
        name = f"{getattr(owner, '_call_name', type(owner).__name__.lower())}.{method.__name__}()"
        return Call(lambda: owner.home, lambda: method(*args, **kwargs), name)

    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(wrapper, name, getattr(method, name))
    wrapper.__wrapped__ = method  # type: ignore[attr-defined]
    return wrapper


async def await_if_needed(value: Any) -> Any:
    """Return the value, or its result if it can be awaited."""
    return await value if isinstance(value, Awaitable) else value
