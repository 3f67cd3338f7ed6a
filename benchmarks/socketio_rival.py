"""The rival: python-socketio, over its WebSocket transport alone, set up the way it was found to be
fastest.

That is aiohttp under it (uvicorn with either of its WebSocket implementations was slower) and
``async_handlers=False``, which calls handlers in the reading task instead of starting a task for
each event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import perf_counter

import socketio
from aiohttp import web

from .tally import Tally

__all__ = ["broadcasting", "send_rate"]


@asynccontextmanager
async def _serving(sio: socketio.AsyncServer) -> AsyncIterator[str]:
    """Serve ``sio`` on a free port; gives ``127.0.0.1:PORT``."""
    app = web.Application()
    sio.attach(app)
    runner = web.AppRunner(app, access_log=None)
    tasks_before = asyncio.all_tasks()
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await sio.shutdown()
        await runner.cleanup()
        # Each connection leaves a task that sleeps until its next ping is due, and would do so
        # while the others are measured.
        left = asyncio.all_tasks() - tasks_before - {asyncio.current_task()}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)


@asynccontextmanager
async def broadcasting(
    event: str,
) -> AsyncIterator[tuple[str, Callable[[dict[str, int]], Awaitable[None]]]]:
    """A server on a free port; gives ``127.0.0.1:PORT`` and what emits ``event`` with its data to
    all clients."""
    sio = socketio.AsyncServer(async_mode="aiohttp", async_handlers=False)

    async def emit(data: dict[str, int]) -> None:
        await sio.emit(event, data)

    async with _serving(sio) as address:
        yield address, emit


async def send_rate(messages: int, warm_up: int) -> float:
    """Messages per second from the first ``emit`` to the acknowledgement of the last."""
    tally = Tally()
    sio = socketio.AsyncServer(async_mode="aiohttp", async_handlers=False)

    def count(sid: str, data: dict[str, int]) -> int:
        tally.add(**data)
        return tally.count

    sio.on("count", count)
    client = socketio.AsyncClient()

    async def send(start: int, stop: int) -> None:
        for n in range(start, stop - 1):
            await client.emit("count", {"n": n})
        handled = await client.call("count", {"n": stop - 1})
        if handled != stop:
            raise RuntimeError(f"the last of {stop} messages was answered {handled!r}")

    async with _serving(sio) as address:
        await client.connect(f"http://{address}", transports=["websocket"])
        try:
            await send(0, warm_up)
            started = perf_counter()
            await send(warm_up, warm_up + messages)
            rate = messages / (perf_counter() - started)
        finally:
            await client.disconnect()
    tally.check(warm_up + messages)
    return rate
