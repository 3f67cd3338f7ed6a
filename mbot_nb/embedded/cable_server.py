"""Servers that are started for a robot on a cable, and end with their last client."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ..client import Client
from ..errors import UsageError
from ..server import Server
from . import usb
from .registry import servers

__all__ = ["close_with_last_client", "find_or_start", "forget"]

_on_cable: dict[Server, set[Client]] = {}
"""Servers that were started for a robot on a cable, and who of this process is connected to
them."""
_going: set[Server] = set()
"""Those whose last client has gone."""
_cancelled: set[Future[Any]] = set()
"""Robots on a cable that nobody waits for any more, while they are still being asked for."""


async def find_or_start(port: str, thread: bool, serve: Callable[..., Awaitable[Server]]) -> Server:
    """Find the server of this process that has the robot at this port, or start one.

    Args:
        port: a serial port, or an empty text for the only robot there is.
        thread: whether the server must live on the I/O thread.
        serve: `mbot_nb.serve`, which starts one.

    Raises:
        ConnectError: there is no robot, or there are several.
        UsageError: the robot's server lives on a loop that the caller would block.
    """
    for old in tuple(_going):
        await old.close()  # its last client has gone; the port is free in a moment
    driven = {server.robot.port: server for server in servers() if server.robot.port}
    # What was cancelled lets go of its ports first.
    await asyncio.gather(
        *(asyncio.wrap_future(earlier) for earlier in tuple(_cancelled)), return_exceptions=True
    )
    threads = ThreadPoolExecutor(
        1, "mbot_nb-cable"
    )  # of its own: no thread is left when it is done
    ended = threading.Event()
    opening = threads.submit(usb.open_cable, port, tuple(driven), ended)
    threads.shutdown(wait=False)
    waiting = asyncio.wrap_future(opening)
    try:
        robot = await asyncio.shield(waiting)
    except asyncio.CancelledError:
        ended.set()
        waiting.add_done_callback(_give_back)
        _cancelled.add(opening)
        opening.add_done_callback(_cancelled.discard)
        raise
    if isinstance(robot, str):
        server = driven[robot]
        if thread and not server.home.is_io_thread:
            raise UsageError(
                f"the robot at {robot} is driven from this notebook's own loop, which a plain "
                "call blocks. Close that client "
                'first (`await bot.close()`), or use `await mb.connect("usb")`.'
            )
        print(
            f"Connected to this notebook's server at {server.url} ({server.robot.robot_id} at "
            f"{robot})."
        )
        return server
    try:
        server = await serve(robot, port=0, thread=thread)
    except BaseException:
        robot.close()
        raise
    _on_cable[server] = set()
    print(
        f"Started a server at {server.url} with the {robot.kind} at {robot.port}, and connected "
        "to it."
    )
    return server


def close_with_last_client(server: Server | None, client: Client) -> None:
    """Close a server that was started for a cable when its last client of this process has gone."""
    clients = _on_cable.get(server) if server is not None else None
    if server is None or clients is None:
        return

    def left() -> None:
        clients.discard(client)
        if not clients and not server.closed:
            _going.add(server)
            server.home.submit(_close(server))

    if client.closed:
        left()
        return
    clients.add(client)
    client.subscribe(
        "connection", lambda event: left() if event["state"] == "disconnected" else None
    )


async def _close(server: Server) -> None:
    await server.close()


def _give_back(opening: asyncio.Future[Any]) -> None:
    """Nobody waits for this robot any more."""
    if (
        not opening.cancelled()
        and opening.exception() is None
        and not isinstance(opening.result(), str)
    ):
        opening.result().close()


def forget(server: Server) -> None:
    """Forget a server that was closed."""
    _on_cable.pop(server, None)
    _going.discard(server)
