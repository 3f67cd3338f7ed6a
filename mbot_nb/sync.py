"""The same without `await`: for plain cells, scripts and the interactive prompt.

    import mbot_nb as mb

    with mb.sync.connect() as bot:
        bot.drive(40, 40, duration=1)

Clients and servers of this module live on the I/O thread, so that a call may block its cell and
nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from .address import DEFAULT_HOST, default_port
from .client.sync import SyncClient
from .embedded import api
from .embedded.registry import local_servers
from .errors import UsageError
from .loops.blocking import wait
from .loops.call import await_if_needed
from .loops.home import Home, running_loop
from .loops.nested import run_inside
from .robot import Robot
from .server import Server
from .server.sync import SyncServer

__all__ = ["SyncClient", "SyncServer", "connect", "run", "serve"]

T = TypeVar("T")


def connect(address: str | Server | SyncServer | None = None, **options: Any) -> SyncClient:
    """Connect to a robot and return when its whole state is here; takes what
    :func:`mbot_nb.connect` takes.

    Raises:
        ConnectError: within 2 s, with the reason and what to do.
        UsageError: the server lives on this cell's own loop, which a plain call would block.
    """
    target = address.server if isinstance(address, SyncServer) else address
    local_servers().refuse_own_loop(target)
    client = wait(api.connect(target, **{**options, "thread": True}), Home.on_io_thread())
    return SyncClient(client)


def serve(robot: Robot | None = None, **options: Any) -> SyncServer:
    """Start a server on the I/O thread; takes what :func:`mbot_nb.serve` takes.

    Raises:
        UsageError: the server that this one would replace lives on this cell's own loop, which a
            plain call would block.
    """
    port = options.get("port")
    if port is None:
        port = default_port(options.get("ssl") is not None)
    local_servers().refuse_replacing_here(options.get("host", DEFAULT_HOST), port)
    return SyncServer(wait(api.serve(robot, **{**options, "thread": True}), Home.on_io_thread()))


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine from plain code, also where a loop is running already, as in a notebook's
    cell, and return its result.

    In a notebook this nests loops (with `nest-asyncio2`, applied at the first use); where you can
    write `await`, prefer it. An interrupt cancels it: a motion that it waits for is stopped.

    Raises:
        UsageError: called on the I/O thread, or on a loop that cannot be nested, or after
            `nest_asyncio.apply()`.
    """
    loop = running_loop()
    if loop is None:
        result: T = asyncio.run(await_if_needed(coroutine))
        return result
    if Home.is_io_loop(loop):
        coroutine.close()
        raise UsageError(
            "mb.run() on the I/O thread would wait for itself for ever; make the handler `async "
            "def` and use await"
        )
    if not isinstance(loop, asyncio.BaseEventLoop):
        # Looked at first: applied to such a loop, nest-asyncio2 changes asyncio all over before it
        # finds out.
        coroutine.close()
        raise UsageError(
            "mb.run() cannot nest this event loop "
            f"({type(loop).__module__}.{type(loop).__name__}, not one of asyncio's own). "
            "Write `await` instead, or use mb.sync.connect(), which needs no nesting."
        )
    return run_inside(loop, coroutine)
