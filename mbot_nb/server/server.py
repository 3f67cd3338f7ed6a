"""The server itself: listening, who comes and goes, what is told to everybody."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from html import escape
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .. import commands as c
from ..address import normal_origin, origin_is_loopback
from ..errors import UsageError
from ..loops.call import call
from ..loops.home import Home
from ..protocol.loss import CloseCode
from ..protocol.server import Hub, ServerConnection
from ..protocol.server.sessions import ServerSession
from ..protocol.server.tap import Tap
from ..protocol.settings import Settings
from ..robot import Robot
from ..transport.websocket import HANDSHAKE_TIMEOUT, ServerWire
from .clients import Clients, RemoteClient
from .event_payload import sayable
from .execution import CommandHandler, Execution, Hook
from .link import Link
from .listen_errors import cannot_listen, network_address
from .robot_reader import Reading

if TYPE_CHECKING:
    import ssl as tls

    from websockets.http11 import Request

__all__ = ["Server"]

_log = logging.getLogger("mbot_nb")

CLOSE_GRACE = 1.0
"""Seconds that clients and handlers are given to end."""


class Server:
    """A WebSocket V2 server around one robot. Made by :func:`mbot_nb.serve`.

    Hooks and handlers are registered with decorators and may be plain or async functions::

        @server.command("dance")
        async def dance(client, steps=4): ...        # what it returns is the answer

        @server.on_connect
        def hello(client): ...
    """

    _call_name = "server"

    def __init__(
        self,
        robot: Robot,
        home: Home,
        *,
        host: str,
        port: int,
        settings: Settings,
        token: str | None = None,
        ssl: tls.SSLContext | None = None,
        allow_origins: frozenset[str] = frozenset(),
        limit_loopback: bool = False,
        version: str = "",
    ) -> None:
        self.robot = robot
        self.home = home
        self.host = host
        self.port = port
        self.settings = settings
        self._ssl = ssl
        self._token = token
        self._origins = allow_origins
        self._limit_loopback = limit_loopback
        self._version = version
        self._now = home.clock
        self._reading = Reading(robot)
        self._told: bytes | None = None
        offset = time.time() - time.monotonic()
        self._hub = Hub(
            settings,
            read_state=self._reading.state,
            wall=lambda now: int((now + offset) * 1000),
            new_id=lambda: secrets.token_hex(16),
            metadata={"robotId": robot.robot_id, "version": version},
            now=self._now(),
            token=token,
            on_takeover=self._taken_over,
        )
        self._clients = Clients(self._hub, self._post_emit, home.loop)
        self._execution = Execution(
            self._hub, robot, self._clients, home, flush=self._flush, look=self._look_now
        )
        self._listener: asyncio.Server | None = None
        self._wires: set[ServerWire] = set()
        self._links: set[Link] = set()
        self._last_wire_gone: asyncio.Future[None] | None = None
        self._ticker: asyncio.TimerHandle | None = None
        self._closed = False
        self._over = asyncio.Event()
        self._on_closed: Callable[[Server], None] | None = None

    # What it looks like.

    def __repr__(self) -> str:
        if self._closed:
            return "<server, closed>"
        count = len(self._hub.subscribers)
        return (
            f"<server at {self.url}: {self.robot.robot_id}, {count} "
            f"client{'' if count == 1 else 's'}>"
        )

    def _repr_html_(self) -> str:
        return f"<div>{escape(repr(self)[1:-1])}</div>"

    @property
    def url(self) -> str:
        """Where clients on this machine connect to."""
        return self._url(
            {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        )

    @property
    def network_url(self) -> str:
        """Where clients on other machines of the network connect to, if it listens to them."""
        return self._url(network_address(self.host))

    def _url(self, host: str) -> str:
        scheme = "wss" if self._ssl is not None else "ws"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def token(self) -> str | None:
        """What clients must show, None if anybody on this machine may connect."""
        return self._token

    @property
    def clients(self) -> list[RemoteClient]:
        """The clients that are connected now."""
        return self._clients.connected

    @property
    def revision(self) -> int:
        """The number of the state's last change."""
        return self._hub.store.revision

    @property
    def uptime(self) -> float:
        """Seconds since it was made."""
        return self._now() - self._hub.started_at

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self._closed

    async def open(self) -> Server:
        """Begin to listen. Called by :func:`mbot_nb.serve`.

        Raises:
            AddressInUseError: the port is taken.
            UsageError: this machine has no such address or port, or the robot is served already.
        """
        self.robot.must_be_free()
        loop = self.home.loop
        asked = self.port
        try:
            self._listener = await loop.create_server(
                self._new_wire,
                self.host,
                asked,
                ssl=self._ssl,
                ssl_handshake_timeout=None if self._ssl is None else HANDSHAKE_TIMEOUT,
            )
        except (OSError, OverflowError, UnicodeError) as error:
            told = await cannot_listen(self.host, asked, error)
            if told is None:
                raise
            raise told from None
        self.port = self._listener.sockets[0].getsockname()[1]
        self.robot.attach(self._report)
        return self

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @call
    async def close(self) -> None:
        """Stop the robot, say goodbye to the clients, free the port. Once more changes nothing."""
        await self._close(keep_robot=False)

    async def _close(self, *, keep_robot: bool) -> None:
        if self._closed:
            await self._over.wait()
            return
        self._closed = True
        try:
            self._let_go("the server was closed")
            for wire in list(self._wires):
                wire.close(CloseCode.GOING_AWAY, "the server was closed", deaf=True)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nobody_left(), CLOSE_GRACE)
            for wire in list(self._wires):
                wire.abort()
            await self._nobody_left()
            await self._execution.end(CLOSE_GRACE)
        finally:
            if self._hub.tap is not None:
                self._hub.tap.closed(self._now())
            self._over.set()
            self._ended(keep_robot=keep_robot)

    def _abandon(self) -> None:
        """End where there is no loop any more to end on: it was closed first. In any thread."""
        if not self._closed:
            self._closed = True
            self._let_go("the event loop of its server was closed")
            for wire in self._wires:
                wire.cut()
            self._ended(keep_robot=False)

    def _let_go(self, reason: str) -> None:
        """Stop the robot, look at it no more, free the port."""
        if self._ticker is not None:
            self._ticker.cancel()
        self._clients.close()
        self._execution.stop_robot(reason)
        self.robot.detach()
        if self._listener is not None:
            self._listener.close()

    def _ended(self, *, keep_robot: bool) -> None:
        try:
            if not keep_robot:
                self.robot.close()
        except Exception as error:
            _log.error(
                "the robot did not close: %s: %s", type(error).__name__, error, exc_info=error
            )
        if self._on_closed is not None:
            self._on_closed(self)

    async def _nobody_left(self) -> None:
        if self._wires:
            self._last_wire_gone = self.home.loop.create_future()
            await self._last_wire_gone

    def _wire_gone(self) -> None:
        waiter = self._last_wire_gone
        if waiter is not None and not self._wires and not waiter.done():
            waiter.set_result(None)

    # For the user of the server.

    def command(self, name: str) -> Callable[[CommandHandler], CommandHandler]:
        """Register a handler for a command: ``handler(client, **params)``, plain or async; what it
        returns is the answer.

        A handler refuses by raising CommandRejectedError. Handlers of one client run one after
        another.
        """
        if not isinstance(name, str):
            raise UsageError('name the command: @server.command("dance")')
        if name in c.URGENT or name in ("void", "sync_state"):
            raise UsageError(
                f"{name!r} cannot be handled by a function: it is the server's own, for safety. "
                "Choose another name."
            )

        def register(handler: CommandHandler) -> CommandHandler:
            self._execution.handlers[name] = handler
            return handler

        return register

    def on_connect(self, hook: Hook) -> Hook:
        """Call ``hook(client)`` when a client has got its snapshot; also when it comes back after a
        disconnect."""
        return self._hook("connect", hook)

    def on_disconnect(self, hook: Hook) -> Hook:
        """Call ``hook(client, reason)`` when a client's connection has ended."""
        return self._hook("disconnect", hook)

    def on_message(self, hook: Hook) -> Hook:
        """Call ``hook(client, command, params)`` for every command, before its handler.

        But for `sync_state` and `void`, which a client sends by itself and the server answers at
        once.
        """
        return self._hook("message", hook)

    def emit(self, event: str, data: Any = None) -> None:
        """Send an event to every client; from any thread.

        Raises:
            UsageError: the name is not 1 to 128 letters, or the data is no plain data, or too much
                for one frame (1 MiB).
        """
        self._post_emit(event, data, None)

    def tap(self, tap: Tap) -> Callable[[], None]:
        """Tell ``tap`` what happens, on the home loop; returns what ends that. For recorders."""
        return self._hub.listen(tap)

    def _hook(self, kind: str, hook: Hook) -> Hook:
        if not callable(hook):
            raise UsageError(
                f"on_{kind} needs a function to call, not {type(hook).__name__}: write "
                f"@server.on_{kind} above it"
            )
        self._execution.add_hook(kind, hook)
        return hook

    def _post_emit(self, event: Any, data: Any, only: ServerSession | None) -> None:
        # At once: what the caller does with its lists and dicts afterwards does not change what is
        # sent.
        payload = sayable(event, data)
        if self.home.is_here:
            self._send(payload, only)
        else:
            self.home.post(self._send, payload, only)

    def _send(self, payload: bytes, only: ServerSession | None) -> None:
        if not self._closed:
            self._hub.send(payload, self._now(), only=only)
            self._flush()

    # Connections (all on the home loop).

    def _new_wire(self) -> ServerWire:
        return ServerWire(Link(self), self._gate, self._wires, self._wire_gone)

    def _gate(self, request: Request) -> tuple[HTTPStatus, str] | None:
        """Answer what is no WebSocket, and refuse web pages from elsewhere."""
        if self._closed:
            return HTTPStatus.SERVICE_UNAVAILABLE, "This server is closing.\n"
        if not request.headers.get_all("Upgrade"):
            return HTTPStatus.OK, (
                f"mbot_nb {self._version}: a WebSocket V2 server with the robot "
                f"{self.robot.robot_id}.\n"
                f"Connect to it with a WebSocket client at {self.url}/ ,\n"
                f'or in a notebook: bot = await mbot_nb.connect("{self.url}")\n'
            )
        for origin in request.headers.get_all("Origin"):
            if normal_origin(origin) not in self._origins and not origin_is_loopback(origin):
                return HTTPStatus.FORBIDDEN, (
                    f"The web page {origin[:200]} may not drive this robot. "
                    f"If it should, start the server with allow_origins=[...] naming it.\n"
                )
        return None

    def _attached(self, link: Link, connection: ServerConnection, session: ServerSession) -> None:
        client = self._clients[session]
        if self._hub.tap is not None:
            self._hub.tap.came(self._now(), session, resumed=session.cuts > 0)
        client.address = link.peer
        client.profile = "extended" if connection.extended else "baseline"
        self._links.add(link)
        before = connection.replaced
        for other in [
            other
            for other in self._links
            if before is not None and other is not link and other.session is before
        ]:
            self._links.discard(other)
            other.replaced()
        if before is not None and before is not session:
            # The same program with a new session: its old one will not come back.
            self._execution.call_hooks(
                "disconnect", self._clients[before], "its session began anew"
            )
            self._clients.forget(before)
        if before is not session:
            self._execution.call_hooks("connect", client)
        if self._ticker is None:
            self._watch()

    def _detached(self, link: Link, reason: str, *, clean: bool) -> None:
        self._links.discard(link)
        connection, session = link.connection, link.session
        if connection is None or not connection.closed(self._now(), clean=clean) or session is None:
            return
        if self._hub.tap is not None:
            self._hub.tap.left(self._now(), session, reason)
        if self._execution.stop_for(session, "its client disconnected"):
            self._look_now()
        self._execution.call_hooks("disconnect", self._clients[session], reason)
        if self._closed:
            self._clients.forget(session)
        else:
            self._clients.left(session)

    def _taken_over(self, session: ServerSession) -> None:
        self._execution.stop_for(session, "its client connected anew")

    # The robot.

    def _report(self, event: str, data: Mapping[str, Any]) -> None:
        """The robot says something, in whatever thread."""
        try:
            if event != "telemetry":
                self._post_emit(event, data, None)
                return
            # As from a robot that is asked: after the state that belongs to it, and only the
            # latest.
            waiting, self._told = self._told, sayable(event, data)
            if waiting is None:
                self.home.post(self._send_told)
        except UsageError as error:
            _log.error("the robot said what cannot be sent: %s", error)

    def _send_told(self) -> None:
        """Send the telemetry that the robot has told by itself."""
        payload, self._told = self._told, None
        if payload is not None and not self._closed:
            now = self._now()
            self._hub.refresh(now)
            self._hub.telemetry(payload, now)
            self._flush()

    def _look_now(self) -> None:
        """Send what has changed in the robot's state."""
        self._execution.moved = False
        if not self._closed:
            self._hub.refresh(self._now())
            self._flush()

    def _watch(self) -> None:
        """Somebody listens from now on."""
        try:
            self.robot.watched()
        except Exception as error:
            _log.error(
                "the robot failed when it was told that a client had come: %s",
                error,
                exc_info=error,
            )
        if not self.robot.tells_telemetry:
            self._reading.telemetry()  # from here on its changes are told
        self._tick()

    def _tick(self) -> None:
        """Look at the robot at its telemetry rate, while somebody listens."""
        self._ticker = None
        if self._closed or not self._hub.subscribers:
            return
        self._ticker = self.home.loop.call_later(self.robot.telemetry_interval, self._tick)
        now = self._now()
        moved = self._hub.refresh(now)
        payload = None if self.robot.tells_telemetry else self._reading.telemetry()
        if payload is not None:
            self._hub.telemetry(payload, now)
        if moved or payload is not None:
            self._flush()

    def _flush(self) -> None:
        for link in tuple(self._links):
            link.flush()
