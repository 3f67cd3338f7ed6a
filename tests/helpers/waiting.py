"""Waiting for what a test wants to see."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

PATIENCE = 10.0
"""Seconds after which a condition that did not come true is a failure."""

Measured = TypeVar("Measured")


async def until(
    condition: Callable[[], Any], what: str = "it", *, seconds: float = PATIENCE
) -> Any:
    """Wait until a condition is true, and return what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:g} s"
        await asyncio.sleep(0.002)
    return found


def eventually(condition: Callable[[], Any], what: str = "it", *, seconds: float = PATIENCE) -> Any:
    """The same without a loop."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.002)
    return found


async def undisturbed(
    measure: Callable[[], Awaitable[Measured]], disturbed: Callable[[Measured], bool]
) -> Measured:
    """The first of five measurements that a busy machine has not ``disturbed``, else the last: what
    is so each time is ours."""
    for _ in range(4):
        measured = await measure()
        if not disturbed(measured):
            return measured
    return await measure()
