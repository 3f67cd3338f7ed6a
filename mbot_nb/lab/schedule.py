"""Sending on a fixed schedule, whatever happens to what was sent before: an open loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

__all__ = ["pace"]

START_DELAY = 0.02
"""Seconds from the call to the first one, so that the thread is there in time."""


async def pace(rate: float, count: int, act: Callable[[int], None]) -> float:
    """Call ``act(0)``, ``act(1)``, ... on this loop, ``rate`` times a second; returns when the
    first was due (monotonic seconds).

    Number k is due at the start plus k / rate, and never later because another one was late. A
    thread keeps the time, since the loop's own timers are late by up to 1 ms (epoll counts in
    milliseconds) and wait for whatever else the loop does. While the loop is blocked, what falls
    due waits and is done at once afterwards.

    Raises:
        What ``act`` raises; that ends it.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    end = threading.Event()
    start = time.monotonic() + START_DELAY

    def step(k: int) -> None:
        if done.done():
            return
        try:
            act(k)
        except Exception as error:
            done.set_exception(error)
        else:
            if k == count - 1:
                done.set_result(None)

    def keep_time() -> None:
        for k in range(count):
            left = start + k / rate - time.monotonic()
            if end.wait(left) if left > 0 else end.is_set():
                return
            try:
                loop.call_soon_threadsafe(step, k)
            except RuntimeError:
                return  # the loop was closed: nobody waits any more

    threading.Thread(target=keep_time, name="mbot_nb-lab", daemon=True).start()
    try:
        await done
    finally:
        end.set()
    return start
