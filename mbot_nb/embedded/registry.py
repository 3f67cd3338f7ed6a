"""The servers that run in this process: which one is behind an address, and which of them a start
cell run again means."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..address import DEFAULT_HOST, DEFAULT_PORT, is_loopback, normalise, same_server
from ..errors import UsageError
from ..jupyter import cells
from ..local import instances
from ..loops.call import Call
from ..server import Server
from . import usb

if TYPE_CHECKING:
    from ..client import Client

__all__ = [
    "add",
    "at_usual_place",
    "earlier_selves",
    "forget",
    "give_way",
    "local",
    "refuse_own_loop",
    "refuse_replacing_here",
    "server_of",
    "servers",
    "shortcut",
]

_log = logging.getLogger("mbot_nb")

_servers: dict[tuple[str, int], Server] = {}
"""By host and the port they listen on, so that a start cell run again finds its earlier self."""
_entries: dict[Server, Path] = {}
"""How other programs find them."""
_cells: dict[Server, cells.Cell] = {}
"""The notebook cells that started them, for those on any free port."""
REPLACED_WITHIN = 6.0
"""Seconds that a server which another one replaces is given to end."""
_EVERYWHERE = frozenset(("", "0.0.0.0", "::"))


def add(server: Server, place: cells.Cell | None) -> None:
    """It listens from now on, and was started by this cell. Other programs of this user find it
    too."""
    _servers[server.host, server.port] = server
    if place is not None:
        _cells[server] = place
    try:
        _entries[server] = instances.register(
            "server", server.robot.robot_id, server.url, port=server.robot.port
        )
    except UsageError as error:
        _log.info("%s is not listed for mb.discover(): %s", server.url, error)


def forget(server: Server) -> None:
    """It has ended."""
    _servers.pop((server.host, server.port), None)
    _cells.pop(server, None)
    entry = _entries.pop(server, None)
    if entry is not None:
        instances.forget(entry)


def servers() -> list[Server]:
    """Those of this process that run, oldest first; in any thread. Lets go of those whose loop was
    closed under them."""
    for server in list(_servers.values()):
        if server.home.loop.is_closed():
            _log.warning(
                "the server at %s ended: the event loop that it lived on was closed", server.url
            )
            server._abandon()
    return list(_servers.values())


def local(url: str) -> Server | None:
    """The server of this process behind an address, if it is one."""
    for server in servers():
        if same_server(server.url, url):
            return server
    return None


def server_of(client: Client) -> Server | None:
    """The server behind a client, if it lives in this process."""
    return local(client.url)


def shortcut(url: str) -> Callable[[str], bool]:
    """A stop that goes straight to a robot of this process, whatever its server's loop is doing."""

    def stop(command: str) -> bool:
        server = local(url)
        if server is None:
            return False
        if command == "emergency_stop":
            server.robot.emergency_stop()
        else:
            server.robot.stop()
        return True

    return stop


# Starting again.


def earlier_selves(host: str, port: int, place: cells.Cell | None) -> list[Server]:
    """The servers that are meant when this cell starts one there."""
    return [old for old in servers() if _is_earlier_self(old, host, port, place)]


def _is_earlier_self(old: Server, host: str, port: int, place: cells.Cell | None) -> bool:
    if port != 0:
        return old.port == port and _overlap(old.host, host)
    earlier = _cells.get(old)
    return place is not None and earlier is not None and place.is_again(earlier)


def _overlap(one: str, other: str) -> bool:
    """Whether two hosts to listen on have an address in common, as far as their names tell."""
    return (
        one == other
        or not {one, other}.isdisjoint(_EVERYWHERE)
        or (is_loopback(one) and is_loopback(other))
    )


def at_usual_place() -> bool:
    """Whether one listens where a server does of which nothing is said."""
    return any(old.port == DEFAULT_PORT and _overlap(old.host, DEFAULT_HOST) for old in servers())


async def give_way(old: Server, *, keep_robot: bool) -> None:
    """Close a server that another one replaces, on the loop that it lives on.

    Raises:
        UsageError: its loop does not come to it.
    """
    closing = Call(lambda: old.home, lambda: old._close(keep_robot=keep_robot), "server.close()")
    try:
        await asyncio.wait_for(closing, REPLACED_WITHIN)
    except TimeoutError:
        raise UsageError(
            f"the server at {old.url} was to be replaced, and did not end within "
            f"{REPLACED_WITHIN:g} s: its loop is blocked, "
            "perhaps by the very cell or function that waits for this. Close it with `await "
            "server.close()` first."
        ) from None


# What a call that blocks its loop cannot have.


def refuse_own_loop(address: str | Server | None) -> None:
    """For synchronous calls: a server on the loop that the call blocks would never answer it.

    Raises:
        UsageError: it is such a server.
    """
    if isinstance(address, Server) or address is None:
        server = address
    elif (port := usb.port_of(address)) is not None:
        server = next(
            (one for one in servers() if one.robot.port and port in ("", one.robot.port)), None
        )
    else:
        server = local(normalise(address))
    if server is not None and _is_blocked_here(server):
        raise UsageError(
            f"the server at {server.url} lives on this notebook's own loop, which a plain call "
            "blocks, so it could not answer. "
            "Start it with `await mb.serve(thread=True)` or `mb.sync.serve()`; or use `await "
            "mb.connect()`."
        )


def refuse_replacing_here(host: str, port: int) -> None:
    """For synchronous calls: an earlier self on the loop that the call blocks would never end.

    Raises:
        UsageError: there is one.
    """
    for old in earlier_selves(host, port, cells.current()):
        if _is_blocked_here(old):
            raise UsageError(
                f"the server at {old.url} lives on this notebook's own loop, which a plain call "
                "blocks, so it could not end to "
                "be replaced. Write `await mb.serve(thread=True)`, which replaces it; or `await "
                "server.close()` first."
            )


def _is_blocked_here(server: Server) -> bool:
    return server.home.is_here and not server.home.is_io_thread
