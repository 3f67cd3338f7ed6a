"""The server itself: listening and closing, what its user registers, and what its robot reports."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from .. import commands as c
from ..address import local_host
from ..errors import UsageError
from ..loops.call import ClosedAtEnd, call
from ..loops.home import Home, log_failure
from ..protocol.server import SERVER_COMMANDS, Hub
from ..protocol.server.events import ServerClosed, Tap
from ..protocol.server.sessions import ServerSession
from ..protocol.settings import Settings
from ..robot import Robot
from ..transport.websocket import HANDSHAKE_TIMEOUT
from .access import Access
from .clients import Clients, RemoteClient
from .connections import Connections
from .event_payload import event_payload
from .execution import CommandHandler, Execution, Hook
from .listen_errors import listen_error, network_address
from .robot_reader import RobotReader

if TYPE_CHECKING:
    import ssl as tls

__all__ = ["Server", "abandon"]

_log = logging.getLogger("mbot_nb")

CLOSE_GRACE = 1.0
"""Seconds that clients and handlers are given to end."""


class Server(ClosedAtEnd):
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
        on_closed: Callable[[Server], None] | None = None,
    ) -> None:
        self.robot = robot
        self.home = home
        self.host = host
        self.port = port
        self.settings = settings
        self._ssl = ssl
        self._token = token
        self.version = version
        """That of the library, as clients read it in the metadata."""
        self._now = home.clock
        self._reader = RobotReader(robot)
        self._telemetry: bytes | None = None
        """What the robot has reported by itself and nobody has been sent yet."""
        offset = time.time() - time.monotonic()
        self._hub = Hub(
            settings,
            read_state=self._reader.state,
            wall=lambda now: int((now + offset) * 1000),
            new_id=lambda: secrets.token_hex(16),
            metadata={"robotId": robot.robot_id, "version": version},
            now=self._now(),
            token=token,
            on_takeover=self._stop_for_takeover,
        )
        self._clients = Clients(self._hub, self._post_emit, home.loop)
        self._execution = Execution(
            self._hub, robot, self._clients, home, flush=self._flush, refresh=self._refresh
        )
        self._access = Access(allow_origins, self._page)
        self._connections = Connections(
            self._hub,
            self._clients,
            self._execution,
            home,
            self._access,
            limit_loopback=limit_loopback,
            on_client_ready=self._watch,
            refresh=self._refresh,
        )
        self._listener: asyncio.Server | None = None
        self._ticker: asyncio.TimerHandle | None = None
        self._closed = False
        self._close_finished = asyncio.Event()
        self._on_closed = on_closed

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
        return self._url(local_host(self.host))

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
    def state(self) -> dict[str, Any]:
        """The robot's state as the clients know it."""
        return dict(self._hub.store.state)

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
        """Whether it has been closed."""
        return self._closed

    async def open(self) -> Server:
        """Start to listen. Called by :func:`mbot_nb.serve`.

        Raises:
            AddressInUseError: the port is taken.
            UsageError: this machine has no such address or port, or the robot is served already.
        """
        self.robot.must_be_free()
        loop = self.home.loop
        asked = self.port
        try:
            self._listener = await loop.create_server(
                self._connections.accept,
                self.host,
                asked,
                ssl=self._ssl,
                ssl_handshake_timeout=None if self._ssl is None else HANDSHAKE_TIMEOUT,
            )
        except (OSError, OverflowError, UnicodeError) as error:
            explained = await listen_error(self.host, asked, error)
            if explained is None:
                raise
            raise explained from None
        self.port = self._listener.sockets[0].getsockname()[1]
        self.robot.attach(self._on_robot_event)
        return self

    @call
    async def close(self, *, keep_robot: bool = False) -> None:
        """Stop the robot, say goodbye to the clients, free the port. Idempotent.

        Args:
            keep_robot: leave the robot open, for another server.
        """
        if self._closed:
            await self._close_finished.wait()
            return
        self._closed = True
        try:
            self._release_robot("the server was closed")
            await self._connections.close(CLOSE_GRACE)
            await self._execution.end(CLOSE_GRACE)
        finally:
            if self._hub.tap is not None:
                self._hub.tap(ServerClosed(self._now()))
            self._close_finished.set()
            self._finish_close(keep_robot=keep_robot)

    def _release_robot(self, reason: str) -> None:
        """Stop the robot, read it no more, free the port."""
        self._access.closed = True
        if self._ticker is not None:
            self._ticker.cancel()
        self._clients.close()
        self._execution.stop_robot(reason)
        self.robot.detach()
        if self._listener is not None:
            self._listener.close()

    def _finish_close(self, *, keep_robot: bool) -> None:
        """Close the robot, unless it is kept, and call ``on_closed``."""
        try:
            if not keep_robot:
                self.robot.close()
        except Exception as error:
            log_failure("the robot did not close", error)
        if self._on_closed is not None:
            self._on_closed(self)

    # For the user of the server.

    def command(self, name: str) -> Callable[[CommandHandler], CommandHandler]:
        """Register a handler for a command: ``handler(client, **params)``, plain or async; what it
        returns is the answer.

        A handler refuses by raising CommandRejectedError. Handlers of one client run one after
        another.
        """
        if not isinstance(name, str):
            raise UsageError('name the command: @server.command("dance")')
        if name in c.URGENT or name in SERVER_COMMANDS:
            raise UsageError(
                f"{name!r} cannot be handled by a function: it is the server's own, for safety. "
                "Choose another name."
            )

        def register(handler: CommandHandler) -> CommandHandler:
            self._execution.handlers[name] = handler
            return handler

        return register

    def remove_command(self, name: str) -> None:
        """Remove the handler of a command, if there is one; the robot's own method, if it has one,
        does not come back."""
        self._execution.handlers.pop(name, None)

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
        """Call ``tap`` with all that happens, on the home loop: for recorders and experiments.

        Args:
            tap: gets one object for each event, of the classes in
                `mbot_nb.protocol.server.events`: clients that connect and disconnect, frames,
                commands that start and end, events, the state's changes.

        Returns:
            A function that ends it.
        """
        return self._hub.add_tap(tap)

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
        payload = event_payload(event, data)
        if self.home.is_here:
            self._send(payload, only)
        else:
            self.home.post(self._send, payload, only)

    def _send(self, payload: bytes, only: ServerSession | None) -> None:
        if not self._closed:
            self._hub.send(payload, self._now(), only=only)
            self._flush()

    def _page(self) -> str:
        """What a browser shows that opens the server's address."""
        return (
            f"mbot_nb {self.version}: a WebSocket V2 server with the robot "
            f"{self.robot.robot_id}.\n"
            f"Connect to it with a WebSocket client at {self.url}/ ,\n"
            f'or in a notebook: bot = await mbot_nb.connect("{self.url}")\n'
        )

    # The robot.

    def _stop_for_takeover(self, session: ServerSession) -> None:
        self._execution.stop_for(session, "its client connected anew")

    def _on_robot_event(self, event: str, data: Mapping[str, Any]) -> None:
        """The robot reports an event, in whatever thread."""
        try:
            if event != "telemetry":
                self._post_emit(event, data, None)
                return
            # As from a robot that is asked: after the state that belongs to it, and only the
            # latest.
            waiting, self._telemetry = self._telemetry, event_payload(event, data)
            if waiting is None:
                self.home.post(self._send_telemetry)
        except UsageError as error:
            _log.error("the robot said what cannot be sent: %s", error)

    def _send_telemetry(self) -> None:
        """Send the telemetry that the robot has reported by itself."""
        payload, self._telemetry = self._telemetry, None
        if payload is not None and not self._closed:
            now = self._now()
            self._hub.refresh(now)
            self._hub.telemetry(payload, now)
            self._flush()

    def _flush(self) -> None:
        self._connections.flush()

    def _refresh(self) -> None:
        """Send what has changed in the robot's state."""
        self._execution.moved = False
        if not self._closed:
            self._hub.refresh(self._now())
            self._flush()

    def _watch(self) -> None:
        """Read the robot at its telemetry rate, from the first client on."""
        if self._ticker is not None:
            return
        try:
            self.robot.watched()
        except Exception as error:
            _log.error(
                "the robot failed when it was told that a client had come: %s",
                error,
                exc_info=error,
            )
        if not self.robot.pushes_telemetry:
            self._reader.telemetry()  # its changes are sent from here on
        self._tick()

    def _tick(self) -> None:
        """Read the robot at its telemetry rate, while there is a client."""
        self._ticker = None
        if self._closed or not self._hub.subscribers:
            return
        self._ticker = self.home.loop.call_later(self.robot.telemetry_interval, self._tick)
        now = self._now()
        moved = self._hub.refresh(now)
        payload = None if self.robot.pushes_telemetry else self._reader.telemetry()
        if payload is not None:
            self._hub.telemetry(payload, now)
        if moved or payload is not None:
            self._flush()


def abandon(server: Server) -> None:
    """End a server whose event loop was closed under it; in any thread."""
    if not server._closed:
        server._closed = True
        server._release_robot("the event loop of its server was closed")
        server._connections.cut()
        server._finish_close(keep_robot=False)
