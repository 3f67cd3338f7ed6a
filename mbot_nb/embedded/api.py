"""`mb.serve` and `mb.connect`.

The one module that knows all layers: a server needs a robot, a client may need a server.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..address import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    allowed_origins,
    default_port,
    is_loopback,
    normalise,
)
from ..client import Client
from ..errors import AddressInUseError, ConnectError
from ..jupyter import cells, hints, ipykernel_fixes
from ..loops.call import OpeningCall
from ..loops.home import Home
from ..protocol.settings import BatchPolicy, settings_from
from ..server import Server
from ..version import __version__
from . import stall_warnings, usb
from .cable_server import cable_servers
from .registry import close_for_successor, local_servers

if TYPE_CHECKING:
    import ssl as tls

    from ..robot import Robot

__all__ = ["connect", "serve"]


def serve(
    robot: Robot | None = None,
    *,
    host: str = DEFAULT_HOST,
    port: int | None = None,
    token: str | None = None,
    ssl: tls.SSLContext | None = None,
    allow_origins: str | Iterable[str] = (),
    thread: bool = False,
    limit_loopback: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> OpeningCall[Server]:
    """Start a server for ``robot`` (a simulated mBot2 if none is given); await it, or use it with
    ``async with``.

    Args:
        host, port: where to listen; without a port it is 4000, and 4443 with `ssl`. Port 0 takes
            any free one; see ``server.url``. Running the cell again replaces the server. Anything
            but this machine's own loopback needs a token; one is made and printed if none is given.
        token: what clients must show: ``connect(url, token=...)``.
        ssl: a server context with a certificate, for `wss`; TLS 1.3 at least.
        allow_origins: web pages, as ``"https://example.org"``, that may connect besides those of
            this machine.
        thread: live on the I/O thread, which no cell can block, instead of the caller's loop.
        limit_loopback: apply the limit of frames per second also to clients of this machine.
        settings: numbers of the wire contract that shall differ from the defaults (see `Settings`).

    Raises:
        AddressInUseError: the port is taken by another program.
        UsageError: a setting is out of its range, or an allowed origin is invalid.
    """
    chosen = settings_from(settings)
    origins = allowed_origins(allow_origins)
    chosen_port = default_port(ssl is not None) if port is None else port
    home = Home.lazily(thread)
    cell = cells.current()
    hints.install()
    ipykernel_fixes.apply()

    async def start() -> Server:
        if ssl is not None:
            from ssl import TLSVersion

            ssl.minimum_version = max(ssl.minimum_version, TLSVersion.TLSv1_3)
        earlier_token = await _replace_servers(host, chosen_port, cell, robot)
        makes_token = not token and not is_loopback(host)
        made_token = earlier_token or secrets.token_urlsafe(12) if makes_token else None
        server = Server(
            robot if robot is not None else _simulated(),
            home(),
            host=host,
            port=chosen_port,
            settings=chosen,
            token=token or made_token,
            ssl=ssl,
            allow_origins=origins,
            limit_loopback=limit_loopback,
            version=__version__,
            on_closed=_remove,
        )
        await server.open()
        local_servers().add(server, cell, made_token=makes_token)
        stall_warnings.watch_server(server)
        if makes_token:
            print(
                "Others in your network can reach this robot: await "
                f'mb.connect("{server.network_url}", token="{made_token}")'
            )
        return server

    return OpeningCall(home, start, "mb.serve()")


def connect(
    address: str | Server | None = None,
    *,
    token: str | None = None,
    ssl: tls.SSLContext | None = None,
    retry: bool = False,
    thread: bool = False,
    batch_window: float = 0.1,
    max_batch_size: int = 10,
    batch_policy: BatchPolicy = "window",
    settings: Mapping[str, Any] | None = None,
) -> OpeningCall[Client]:
    """Connect to a robot; await it, or use it with ``async with``. Returns when its whole state is
    here.

    Args:
        address: as ``"ws://192.168.1.20:4000"`` or ``"localhost:4000"``, or a server of this
            notebook. Without one it is this notebook's server; if there is none, one with a
            simulated robot is started. ``"usb"`` is the robot on a cable, as ``"usb:/dev/ttyUSB0"``
            if there are several: a server with it is started, and ends with its last client.
        token: what the server asks for.
        ssl: a client context, for `wss` with a certificate that is not publicly known.
        retry: keep trying if nothing answers yet, instead of raising.
        thread: live on the I/O thread instead of the caller's loop.
        batch_window: seconds that a queued command may wait for company; 0 sends each at once.
        max_batch_size: commands that share a frame at most.
        batch_policy: ``"window"``, or ``"adaptive"``, which sends at once while the link is idle.
        settings: further numbers of the wire contract that shall differ from the defaults (see
            `Settings`).

    Raises:
        ConnectError: within 2 s (of a robot on a cable, 10 s), with the reason and what to do.
    """
    chosen = settings_from(
        {
            "batch_window": batch_window,
            "max_batch_size": max_batch_size,
            "batch_policy": batch_policy,
            **(settings or {}),
        }
    )
    home = Home.lazily(thread)
    cell = cells.current()
    hints.install()
    ipykernel_fixes.apply()

    async def start() -> Client:
        url, own_token = await _resolve_address(address, thread)
        client = Client(
            url,
            home(),
            settings=chosen,
            token=own_token if token is None else token,
            ssl=ssl,
            retry=retry,
            in_process_stop=local_servers().in_process_stop(url),
        )
        try:
            await client.open()
        finally:
            cable_servers().close_with_last_client(local_servers().at(url), client)
        cells.close_when_unreachable(client, cell)
        stall_warnings.watch_client(client)
        return client

    return OpeningCall(home, start, "mb.connect()")


async def _replace_servers(
    host: str, port: int, cell: cells.Cell | None, robot: Robot | None
) -> str | None:
    """Close the servers that a new one replaces; returns the token that was made for one of them,
    with which its clients come back."""
    servers = local_servers()
    token = None
    for old in servers.servers_to_replace(host, port, cell):
        if servers.has_made_token(old):
            token = old.token
        # A robot that is handed on stays open.
        await close_for_successor(old, keep_robot=robot is not None and old.robot is robot)
        print(f"The server that ran at {old.url} was replaced by this one.")
    return token


async def _resolve_address(address: str | Server | None, thread: bool) -> tuple[str, str | None]:
    """Return the URL to connect to, and the token if a server of this process is there."""
    address = getattr(address, "server", address)  # one of `mb.sync.serve`
    if isinstance(address, Server):
        if address.closed:
            raise ConnectError(
                "this server was closed; start one with `server = await mb.serve()`",
                retryable=False,
            )
        return address.url, address.token
    port = usb.port_of(address)
    if port is not None:
        on_cable = await cable_servers().find_or_start(port, thread, serve)
        return on_cable.url, on_cable.token
    if address is not None:
        url = normalise(address)
        server = local_servers().at(url)
        return url, server.token if server is not None else None
    locks = local_servers().start_locks
    async with locks.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        server = await _own_server(thread)
    return server.url, server.token


async def _own_server(thread: bool) -> Server:
    """Return this notebook's server, started if there is none."""
    blocked = []
    for server in reversed(local_servers().running()):
        if thread and not server.home.is_io_thread:
            # A plain call that blocks its cell would block this server too.
            blocked.append(server)
            continue
        print(f"Connected to this notebook's server at {server.url} ({server.robot.robot_id}).")
        return server
    try:
        # One that plain calls cannot use stays where it is.
        server = await serve(
            port=0 if local_servers().has_default_address() else DEFAULT_PORT, thread=thread
        )
    except AddressInUseError:
        # Somebody else's server has the usual port; this notebook asked for its own.
        server = await serve(port=0, thread=thread)
    print(f"Started a server at {server.url} with a simulated robot, and connected to it.")
    if blocked:
        print(
            f"(The robot at {blocked[0].url} is another one: its server lives in this notebook's "
            "own loop, which a plain call blocks. Started with thread=True, it would be found.)"
        )
    return server


def _simulated() -> Robot:
    from ..robots.simulator import SimulatedRobot

    return SimulatedRobot()


def _remove(server: Server) -> None:
    local_servers().remove(server)
    cable_servers().remove(server)
