"""The servers of this process, by address, and which of them a start cell replaces."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakSet

from ..address import DEFAULT_HOST, DEFAULT_PORT, is_loopback, is_wildcard, normalise, same_server
from ..errors import UsageError
from ..jupyter import cells
from ..local import instances
from ..local.runtime import Slot
from ..server import Server
from ..server.server import abandon
from . import usb

if TYPE_CHECKING:
    from ..client import Client

__all__ = ["LocalServers", "close_for_successor", "local_servers"]

_log = logging.getLogger("mbot_nb")

REPLACED_WITHIN = 6.0
"""Seconds that a server which another one replaces is given to end."""


class LocalServers:
    """The servers of this process that listen, and where each of them came from."""

    def __init__(self) -> None:
        self._servers: dict[tuple[str, int], Server] = {}
        """By host and port, so that a start cell run again finds the server it replaces."""
        self._files: dict[Server, Path] = {}
        """How other programs find them."""
        self._cells: dict[Server, cells.Cell] = {}
        """The notebook cells that started them, for those on any free port."""
        self._with_made_token: WeakSet[Server] = WeakSet()
        """Those whose token was made for them, since none was given."""
        self.start_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
            WeakKeyDictionary()
        )
        """One a loop, held while this notebook's server is looked for and started."""

    def add(self, server: Server, cell: cells.Cell | None, *, made_token: bool = False) -> None:
        """Register a server that listens from now on, and let other programs of this user find it.

        Args:
            server: the one that listens.
            cell: the notebook cell that started it.
            made_token: whether its token was made for it, since none was given.
        """
        self._servers[server.host, server.port] = server
        if cell is not None:
            self._cells[server] = cell
        if made_token:
            self._with_made_token.add(server)
        try:
            self._files[server] = instances.register(
                "server", server.robot.robot_id, server.url, port=server.robot.port
            )
        except UsageError as error:
            _log.info("%s is not listed for mb.discover(): %s", server.url, error)

    def remove(self, server: Server) -> None:
        """Forget a server that has ended. Idempotent."""
        self._servers.pop((server.host, server.port), None)
        self._cells.pop(server, None)
        file = self._files.pop(server, None)
        if file is not None:
            instances.forget(file)

    def running(self) -> list[Server]:
        """The running servers, oldest first, but for those of a closed loop. From any thread."""
        for server in list(self._servers.values()):
            if server.home.loop.is_closed():
                _log.warning(
                    "the server at %s ended: the event loop that it lived on was closed", server.url
                )
                abandon(server)
        return list(self._servers.values())

    def at(self, url: str) -> Server | None:
        """The server behind an address, if it is one of this process."""
        for server in self.running():
            if same_server(server.url, url):
                return server
        return None

    def of(self, client: Client) -> Server | None:
        """The server behind a client, if it lives in this process."""
        return self.at(client.url)

    def on_port(self, port: str) -> Server | None:
        """The server whose robot is driven by this serial port; by any, if that is empty."""
        driving = (server for server in self.running() if server.robot.port)
        return next((server for server in driving if port in ("", server.robot.port)), None)

    def in_process_stop(self, url: str) -> Callable[[str], bool]:
        """A stop that goes straight to a robot of this process, whatever its server's loop is
        doing; it returns whether there is one."""

        def stop(command: str) -> bool:
            server = self.at(url)
            if server is None:
                return False
            if command == "emergency_stop":
                server.robot.emergency_stop()
            else:
                server.robot.stop()
            return True

        return stop

    def has_made_token(self, server: Server) -> bool:
        """Whether its token was made for it, since none was given."""
        return server in self._with_made_token

    # Starting again.

    def servers_to_replace(self, host: str, port: int, cell: cells.Cell | None) -> list[Server]:
        """Return the servers that a new one of this cell, at this address, replaces."""
        return [old for old in self.running() if self._is_to_replace(old, host, port, cell)]

    def _is_to_replace(self, old: Server, host: str, port: int, cell: cells.Cell | None) -> bool:
        if port != 0:
            return old.port == port and _overlap(old.host, host)
        earlier = self._cells.get(old)
        return cell is not None and earlier is not None and cell.is_rerun_of(earlier)

    def has_default_address(self) -> bool:
        """Whether one listens at the default host and port."""
        return any(
            old.port == DEFAULT_PORT and _overlap(old.host, DEFAULT_HOST) for old in self.running()
        )

    # What a call that blocks its loop cannot have.

    def refuse_own_loop(self, address: str | Server | None) -> None:
        """Refuse, for synchronous calls, a server on the loop that the call blocks: it would never
        answer.

        Raises:
            UsageError: it is such a server.
        """
        if isinstance(address, Server) or address is None:
            server = address
        elif (port := usb.port_of(address)) is not None:
            server = self.on_port(port)
        else:
            server = self.at(normalise(address))
        if server is not None and _is_blocked_here(server):
            raise UsageError(
                f"the server at {server.url} lives on this notebook's own loop, which a plain call "
                "blocks, so it could not answer. Start it with `await mb.serve(thread=True)` or "
                "`mb.sync.serve()`; or use `await mb.connect()`."
            )

    def refuse_replacing_here(self, host: str, port: int) -> None:
        """Refuse, for synchronous calls, to replace a server on the loop that the call blocks: it
        would never end.

        Raises:
            UsageError: there is one.
        """
        for old in self.servers_to_replace(host, port, cells.current()):
            if _is_blocked_here(old):
                raise UsageError(
                    f"the server at {old.url} lives on this notebook's own loop, which a plain "
                    "call blocks, so it could not end to be replaced. Write `await "
                    "mb.serve(thread=True)`, which replaces it; or `await server.close()` first."
                )


local_servers: Slot[LocalServers] = Slot(LocalServers)
"""Those of this process."""


async def close_for_successor(old: Server, *, keep_robot: bool) -> None:
    """Close a server that another one replaces, on the loop that it lives on.

    Args:
        old: the one to close.
        keep_robot: leave its robot open, which is handed on.

    Raises:
        UsageError: its loop does not come to it.
    """
    try:
        await asyncio.wait_for(old.close(keep_robot=keep_robot), REPLACED_WITHIN)
    except TimeoutError:
        raise UsageError(
            f"the server at {old.url} was to be replaced, and did not end within "
            f"{REPLACED_WITHIN:g} s: its loop is blocked, perhaps by the very cell or function "
            "that waits for this. Close it with `await server.close()` first."
        ) from None


def _overlap(one: str, other: str) -> bool:
    """Whether two hosts to listen on have an address in common, judged by their names."""
    return (
        one == other
        or is_wildcard(one)
        or is_wildcard(other)
        or (is_loopback(one) and is_loopback(other))
    )


def _is_blocked_here(server: Server) -> bool:
    return server.home.is_here and not server.home.is_io_thread
