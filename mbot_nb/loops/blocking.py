"""Objects without `await`: they live on the I/O thread, and their calls wait."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar

from ..errors import UsageError
from .home import POLL_INTERVAL, Home

__all__ = ["Blocking", "Delegated", "wait", "waiting"]

T = TypeVar("T")
P = ParamSpec("P")


class Awaited(Protocol):
    """What an object without `await` is made of."""

    @property
    def home(self) -> Home:
        """The loop that it lives on."""

    def close(self) -> Coroutine[Any, Any, None]:
        """Close the object."""

    def _repr_html_(self) -> str:
        """How a notebook shows it."""


A = TypeVar("A", bound=Awaited)


class Blocking(Generic[A]):
    """The object ``awaited`` without `await`; `with` closes it at its end."""

    def __init__(self, awaited: A) -> None:
        self._awaited = awaited

    def __repr__(self) -> str:
        return repr(self._awaited)

    def _repr_html_(self) -> str:
        return self._awaited._repr_html_()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        wait(self._awaited.close(), self._awaited.home)


class Delegated(property, Generic[A, T]):
    """A member of the awaited object, which is a ``kind``, that needs no `await`: the same here."""

    def __init__(self, kind: type[A], read: Callable[[A], T]) -> None:
        super().__init__(lambda blocking: read(blocking._awaited))
        self._kind = kind

    def __set_name__(self, owner: type, name: str) -> None:
        self.__doc__ = getattr(self._kind, name).__doc__

    def __get__(self, instance: Any, owner: type | None = None, /) -> T:  # type: ignore[override]
        member: T = super().__get__(instance, owner)
        return member


def waiting(
    method: Callable[Concatenate[A, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Blocking[A], P], T]:
    """The method that waits for what this one of the awaited object gives."""

    @wraps(method)
    def waits(self: Blocking[A], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return wait(method(self._awaited, *args, **kwargs), self._awaited.home)

    return waits


def wait(coroutine: Coroutine[Any, Any, T], home: Home) -> T:
    """Run a coroutine on another thread's loop and wait for it here; an interrupt cancels it.

    Raises:
        UsageError: this is that loop's own thread, which would wait for itself.
    """
    if home.is_here:
        coroutine.close()
        raise UsageError(
            "a synchronous call from the I/O thread would wait for itself for ever. In a handler "
            "of an event use the async client: `async def handler(event): await bot.drive(...)` "
            "with `bot = await mb.connect()`."
        )
    future = home.submit(coroutine)
    try:
        while True:
            try:
                return future.result(POLL_INTERVAL)
            except TimeoutError:
                if future.done():
                    raise
    except BaseException:
        future.cancel()
        raise
