"""Servers that are started for a robot on a cable, and end with their last client."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ..client import Client
from ..errors import UsageError
from ..local.runtime import Slot
from ..server import Server
from . import usb
from .registry import local_servers

__all__ = ["CableServers", "cable_servers"]


class CableServers:
    """The servers of this process that were started for a robot on a cable."""

    def __init__(self) -> None:
        self._clients: dict[Server, set[Client]] = {}
        """Who of this process is connected to each of them."""
        self._pending_close: set[Server] = set()
        """Those whose last client has gone."""
        self._cancelled_openings: set[Future[Any]] = set()
        """Openings of a port that were cancelled, while they still run."""

    async def find_or_start(
        self, port: str, thread: bool, serve: Callable[..., Awaitable[Server]]
    ) -> Server:
        """Find the server of this process that has the robot at this port, or start one.

        Args:
            port: a serial port, or an empty text for the only robot there is.
            thread: whether the server must live on the I/O thread.
            serve: `mbot_nb.serve`, which starts one.

        Raises:
            ConnectError: there is no robot, or there are several.
            UsageError: the robot's server lives on a loop that the caller would block.
        """
        for old in tuple(self._pending_close):
            await old.close()  # its last client has gone; the port is free in a moment
        driven = {
            server.robot.port: server for server in local_servers().running() if server.robot.port
        }
        robot = await self._open(port, tuple(driven))
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
        self._clients[server] = set()
        print(
            f"Started a server at {server.url} with the {robot.kind} at {robot.port}, and "
            "connected to it."
        )
        return server

    async def _open(self, port: str, driven: tuple[str, ...]) -> Any:
        """The robot at the port, or the port of a robot that is driven already."""
        # What was cancelled lets go of its ports first.
        await asyncio.gather(
            *(asyncio.wrap_future(earlier) for earlier in tuple(self._cancelled_openings)),
            return_exceptions=True,
        )
        # Of its own: no thread is left when it is done.
        threads = ThreadPoolExecutor(1, "mbot_nb-cable")
        ended = threading.Event()
        opening = threads.submit(usb.open_cable, port, driven, ended)
        threads.shutdown(wait=False)
        waiting = asyncio.wrap_future(opening)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            ended.set()
            waiting.add_done_callback(_close_opened_robot)
            self._cancelled_openings.add(opening)
            opening.add_done_callback(self._cancelled_openings.discard)
            raise

    def close_with_last_client(self, server: Server | None, client: Client) -> None:
        """Close a server that was started for a cable with its last client of this process."""
        clients = self._clients.get(server) if server is not None else None
        if server is None or clients is None:
            return

        def on_disconnect() -> None:
            clients.discard(client)
            if not clients and not server.closed:
                self._pending_close.add(server)
                server.home.submit(server.close())

        if client.closed:
            on_disconnect()
            return
        clients.add(client)
        client.subscribe(
            "connection",
            lambda event: on_disconnect() if event["state"] == "disconnected" else None,
        )

    def remove(self, server: Server) -> None:
        """Forget a server that was closed. Idempotent."""
        self._clients.pop(server, None)
        self._pending_close.discard(server)


cable_servers: Slot[CableServers] = Slot(CableServers)
"""Those of this process."""


def _close_opened_robot(opening: asyncio.Future[Any]) -> None:
    """Give back the port of a robot whose opening was cancelled."""
    if opening.cancelled() or opening.exception() is not None:
        return
    if not isinstance(robot := opening.result(), str):
        robot.close()
