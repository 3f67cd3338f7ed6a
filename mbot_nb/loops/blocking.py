"""Wait for a coroutine of another thread's loop from synchronous code."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from ..errors import UsageError
from .home import POLL_INTERVAL, Home

__all__ = ["wait"]

T = TypeVar("T")


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
