"""``fan_out``: CPU time of the server's process for one event to 200 clients, beside that of
python-socketio."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

import mbot_nb as mb

from . import socketio_rival
from .figures import Comparison, Goal
from .harness import Contender

__all__ = ["comparisons"]

_CLIENTS = 200
_EVENT = "benchmark"
_WARM_UP = 20
_EVENTS = 100
_PAUSE = 0.02  # s from one event to the next: each is a write of its own to each client, as in use
_IDLE = 1.0  # s
_PATIENCE = 60.0  # s
_ROOT = Path(__file__).resolve().parent.parent

Emit = Callable[[dict[str, int]], Awaitable[None]]
Serving = Callable[[], AbstractAsyncContextManager[tuple[str, Emit]]]


def comparisons() -> list[Comparison]:
    """What this module measures."""
    return [
        Comparison(
            name="fan_out",
            ours=Contender("ours: emit", partial(_cost, "mbot", _ours)),
            theirs=Contender(
                "python-socketio: emit",
                partial(_cost, "socketio", partial(socketio_rival.broadcasting, _EVENT)),
            ),
            unit="ms CPU/event",
            goal=Goal(ratio_at_most=0.5),
            how=(
                f"CPU time of the server's process for each of {_EVENTS} events, one every "
                f"{_PAUSE * 1000:g} ms, to {_CLIENTS} "
                "clients in another process until all have all, less what the same server with the "
                "same clients takes idle; "
                "`server.emit` (clients of mbot.v2) against python-socketio's `emit` (on aiohttp, "
                "WebSocket alone)"
            ),
        )
    ]


@asynccontextmanager
async def _ours() -> AsyncIterator[tuple[str, Emit]]:
    server = await mb.serve(port=0)

    async def emit(data: dict[str, int]) -> None:
        server.emit(_EVENT, data)

    try:
        yield server.url.removeprefix("ws://").rstrip("/"), emit
    finally:
        await server.close()


async def _cost(kind: str, serving: Serving) -> float:
    """Milliseconds of CPU time an event."""
    async with (
        asyncio.timeout(_PATIENCE),
        serving() as (address, emit),
        _listeners(kind, address) as listeners,
    ):
        await _expect(listeners, "ready")

        async def emit_all(start: int, stop: int) -> None:
            for n in range(start, stop):
                await emit({"n": n})
                await asyncio.sleep(_PAUSE)
            await _expect(listeners, f"received {stop}")

        await emit_all(0, _WARM_UP)
        idle = await _cpu_share(asyncio.sleep(_IDLE))
        started, cpu_before = perf_counter(), process_time()
        await emit_all(_WARM_UP, _WARM_UP + _EVENTS)
        cpu = process_time() - cpu_before - idle * (perf_counter() - started)
    return cpu / _EVENTS * 1000


async def _cpu_share(doing: Awaitable[None]) -> float:
    """CPU seconds of this process a second of wall time, meanwhile."""
    started, cpu_before = perf_counter(), process_time()
    await doing
    return (process_time() - cpu_before) / (perf_counter() - started)


@asynccontextmanager
async def _listeners(kind: str, address: str) -> AsyncIterator[Process]:
    """The process of the clients; it has ended when the block is left."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.listeners", kind, address),
        *("--clients", str(_CLIENTS), "--event", _EVENT),
        *("--targets", str(_WARM_UP), str(_WARM_UP + _EVENTS)),
        stdout=PIPE,
        cwd=_ROOT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _expect(listeners: Process, line: str) -> None:
    """Wait until the clients have printed ``line``."""
    if listeners.stdout is None:
        raise RuntimeError("the clients' process was started without a pipe for its output")
    printed = (await listeners.stdout.readline()).decode().strip()
    if printed != line:
        raise RuntimeError(
            f"the clients printed {printed!r} instead of {line!r}: see their output above"
        )
