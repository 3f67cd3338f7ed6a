"""The embedded server: any number of clients, one robot, on the loop of whoever started it."""

from __future__ import annotations

import asyncio
import errno
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from html import escape
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from . import commands as c
from .address import is_loopback, origin_is_loopback
from .errors import AddressInUseError, CommandRejectedError, UsageError
from .home import Home, call
from .protocol import messages as m
from .protocol.backoff import CloseCode, Loss
from .protocol.server import Hub, ServerConnection
from .protocol.sessions import Received, ServerSession, SessionQuery, SessionState
from .protocol.settings import Settings
from .robot import Ended, Motion, Robot
from .transport.websocket import ServerWire, Wire

if TYPE_CHECKING:
    import ssl as tls

    from websockets.http11 import Request

__all__ = ["RemoteClient", "Server"]

_log = logging.getLogger("mbot_nb")

CommandHandler = Callable[..., Any]
Hook = Callable[..., Any]
PROBE_TIMEOUT = 0.5
CLOSE_GRACE = 1.0
"""Seconds that clients and handlers are given to end."""


class RemoteClient:
    """One client as the server's user sees it: stays the same across its reconnects (if it speaks the extended profile)."""

    def __init__(self, server: Server, session: ServerSession, number: int) -> None:
        self.id = number
        """A running number; the session's own id is nobody's affair."""
        self.session = session
        self.address = ""
        self.profile = "baseline"
        self._server = server

    def __repr__(self) -> str:
        return f"<client {self.id} at {self.address}, {self.profile}, {'connected' if self.connected else 'away'}>"

    @property
    def connected(self) -> bool:
        """Whether it has a connection now."""
        return self.session in self._server._hub.connections

    def emit(self, event: str, data: Any = None) -> None:
        """Send an event to this client alone; from any thread."""
        self._server._post_emit(event, data, self.session)


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
        allow_origins: tuple[str, ...] = (),
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
        offset = time.time() - time.monotonic()
        self._hub = Hub(
            settings,
            read_state=lambda: {**robot.state(), "latch": robot.latch},
            wall=lambda now: int((now + offset) * 1000),
            new_id=lambda: secrets.token_hex(16),
            metadata={"robotId": robot.robot_id, "version": version},
            now=time.monotonic(),
            token=token,
            on_takeover=self._taken_over,
        )
        self._listener: asyncio.Server | None = None
        self._wires: set[ServerWire] = set()
        self._links: set[_Link] = set()
        self._clients: dict[ServerSession, RemoteClient] = {}
        self._client_count = 0
        self._handlers: dict[str, CommandHandler] = {}
        self._hooks: dict[str, list[Hook]] = {"connect": [], "disconnect": [], "message": []}
        self._mover: ServerSession | None = None
        self._ticker: asyncio.TimerHandle | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._look = False
        self._closed = False
        self._over = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._last_wire_gone: asyncio.Future[None] | None = None
        self.on_closed: Callable[[Server], None] | None = None

    # What it looks like.

    def __repr__(self) -> str:
        if self._closed:
            return "<server, closed>"
        count = len(self._hub.connections)
        return f"<server at {self.url}: {self.robot.robot_id}, {count} client{'' if count == 1 else 's'}>"

    def _repr_html_(self) -> str:
        return f"<div>{escape(repr(self)[1:-1])}</div>"

    @property
    def url(self) -> str:
        """Where clients connect to."""
        scheme = "wss" if self._ssl is not None else "ws"
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        return f"{scheme}://{host}:{self.port}"

    @property
    def token(self) -> str | None:
        """What clients must show, None if anybody on this machine may connect."""
        return self._token

    @property
    def clients(self) -> list[RemoteClient]:
        """The clients that are connected now."""
        return [self._clients[session] for session in self._hub.connections]

    @property
    def revision(self) -> int:
        """The number of the state's last change."""
        return self._hub.store.revision

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self._closed

    # Opening and closing.

    async def open(self) -> Server:
        """Begin to listen. Called by :func:`mbot_nb.serve`.

        Raises:
            AddressInUseError: the port is taken.
        """
        loop = self.home.loop
        asked = self.port
        try:
            self._listener = await loop.create_server(self._new_wire, self.host, asked, ssl=self._ssl)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES) or "in use" in str(error):
                raise AddressInUseError(await _who_has(self.host, asked, error)) from None
            raise
        self.port = self._listener.sockets[0].getsockname()[1]
        self.robot.attach(self._report)
        return self

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @call
    async def close(self) -> None:
        """Stop the robot, say goodbye to the clients, free the port. Once more changes nothing."""
        if self._closed:
            await self._over.wait()
            return
        self._closed = True
        try:
            for timer in (self._ticker, self._expiry):
                if timer is not None:
                    timer.cancel()
            self._stop_robot("the server was closed")
            self.robot.detach()
            if self._listener is not None:
                self._listener.close()
            for wire in list(self._wires):
                wire.close(CloseCode.GOING_AWAY, "the server was closed", deaf=True)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nobody_left(), CLOSE_GRACE)
            for wire in list(self._wires):
                wire.abort()
            await self._nobody_left()
            await self._end_handlers()
        finally:
            self._over.set()
            self.robot.close()
            if self.on_closed is not None:
                self.on_closed(self)

    async def _nobody_left(self) -> None:
        if self._wires:
            self._last_wire_gone = self.home.loop.create_future()
            await self._last_wire_gone

    def _wire_gone(self, wire: ServerWire) -> None:
        self._wires.discard(wire)
        waiter = self._last_wire_gone
        if waiter is not None and not self._wires and not waiter.done():
            waiter.set_result(None)

    async def _end_handlers(self) -> None:
        """Cancel what handlers and hooks are still at, but for the one that called `close`."""
        tasks = {task for task in self._tasks if not task.done() and task is not asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_GRACE)

    def _work(self, coroutine: Coroutine[Any, Any, Any], what: str) -> None:
        task = self.home.spawn(coroutine, what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _stop_robot(self, reason: str) -> None:
        """Stop it; a robot that fails at that keeps nothing else from being done."""
        try:
            self.robot.stop(reason)
        except Exception as error:
            _log.error("the robot did not stop (%s): %s: %s", reason, type(error).__name__, error, exc_info=error)

    # For the user of the server.

    def command(self, name: str) -> Callable[[CommandHandler], CommandHandler]:
        """Register a handler for a command: ``handler(client, **params)``, plain or async; what it returns is the answer.

        A handler refuses by raising CommandRejectedError. Handlers of one client run one after another.
        """
        if not isinstance(name, str):
            raise UsageError('name the command: @server.command("dance")')
        if name in c.URGENT or name in ("void", "sync_state"):
            raise UsageError(
                f"{name!r} cannot be handled by a function: it is the server's own, for safety. Choose another name."
            )

        def register(handler: CommandHandler) -> CommandHandler:
            self._handlers[name] = handler
            return handler

        return register

    def on_connect(self, hook: Hook) -> Hook:
        """Call ``hook(client)`` when a client has got its snapshot; also when it comes back after a disconnect."""
        return self._hook("connect", hook)

    def on_disconnect(self, hook: Hook) -> Hook:
        """Call ``hook(client, reason)`` when a client's connection has ended."""
        return self._hook("disconnect", hook)

    def on_message(self, hook: Hook) -> Hook:
        """Call ``hook(client, command, params)`` for every command, before its handler."""
        return self._hook("message", hook)

    def emit(self, event: str, data: Any = None) -> None:
        """Send an event to every client; from any thread."""
        self._post_emit(event, data, None)

    def _hook(self, kind: str, hook: Hook) -> Hook:
        from .subscriptions import same_place

        hooks = self._hooks[kind]
        hooks[:] = [old for old in hooks if not same_place(old, hook)]
        hooks.append(hook)
        return hook

    def _post_emit(self, event: str, data: Any, only: ServerSession | None) -> None:
        if self.home.is_here:
            self._emit(event, data, only)
        else:
            self.home.post(self._emit, event, data, only)

    def _emit(self, event: str, data: Any, only: ServerSession | None) -> None:
        if self._closed:
            return
        self._hub.emit(event, data, self._now(), only=only)
        self._flush()

    # Connections (all on the home loop).

    def _new_wire(self) -> ServerWire:
        link = _Link(self)
        wire = ServerWire(link, self._gate, self._wire_gone)
        self._wires.add(wire)
        return wire

    def _gate(self, request: Request) -> tuple[HTTPStatus, str] | None:
        """Answer what is no WebSocket, and refuse web pages from elsewhere."""
        if self._closed:
            return HTTPStatus.SERVICE_UNAVAILABLE, "This server is closing.\n"
        if not request.headers.get_all("Upgrade"):
            return HTTPStatus.OK, (
                f"mbot_nb {self._version}: a WebSocket V2 server with the robot {self.robot.robot_id}.\n"
                f"Connect to it with a WebSocket client at {self.url}/ ,\n"
                f'or in a notebook: bot = await mbot_nb.connect("{self.url}")\n'
            )
        for origin in request.headers.get_all("Origin"):
            if origin not in self._origins and not origin_is_loopback(origin):
                return HTTPStatus.FORBIDDEN, (
                    f"The web page {origin[:200]} may not drive this robot. "
                    f"If it should, start the server with allow_origins=[...] naming it.\n"
                )
        return None

    def _client(self, session: ServerSession) -> RemoteClient:
        client = self._clients.get(session)
        if client is None:
            self._client_count += 1
            client = self._clients[session] = RemoteClient(self, session, self._client_count)
        return client

    def _attached(self, link: _Link) -> None:
        connection = link.connection
        session = connection.session if connection is not None else None
        if connection is None or session is None:
            return
        client = self._client(session)
        client.address = link.peer
        client.profile = "extended" if connection.extended else "baseline"
        self._links.add(link)
        replaced = connection.replaced
        if replaced is not None:
            for other in list(self._links):
                if other.connection is replaced:
                    other.end_replaced()
            if replaced.session is not None and replaced.session is not session:
                # The same program with a new session: its old one will not come back.
                self._call_hooks("disconnect", self._client(replaced.session), "its session began anew")
                self._forget(replaced.session)
        if replaced is None or replaced.session is not session:
            self._call_hooks("connect", client)
        if self._ticker is None:
            self._tick()

    def _detached(self, link: _Link, reason: str, *, clean: bool) -> None:
        self._links.discard(link)
        connection = link.connection
        if connection is None:
            return
        session = connection.session
        gone = connection.closed(self._now(), clean=clean)
        if session is None or not gone or self._closed:
            return
        if self._mover is session:
            self._mover = None
            self._stop_robot("its client disconnected")
            self._look_now()
        client = self._client(session)
        self._call_hooks("disconnect", client, reason)
        if session.state is SessionState.ENDED:
            self._forget(session)
        elif self._expiry is None:
            self._expiry = self.home.loop.call_later(self.settings.session_ttl + 0.01, self._expire)

    def _expire(self) -> None:
        """Forget whom nobody has heard of for too long."""
        self._expiry = None
        now = self._now()
        self._hub.sessions.expire(now)
        for session in list(self._clients):
            self._forget(session)
        following = self._hub.sessions.next_deadline()
        if following is not None and not self._closed:
            self._expiry = self.home.loop.call_later(following - now + 0.01, self._expire)

    def _forget(self, session: ServerSession) -> None:
        """Forget a client whose session has ended and whose last command has been handled."""
        if session.state is SessionState.ENDED and not session.busy and session not in self._hub.connections:
            self._clients.pop(session, None)

    def _taken_over(self, session: ServerSession) -> None:
        if self._mover is session:
            self._mover = None
            self._stop_robot("its client connected anew")

    # Commands.

    def _urgent(self, session: ServerSession, message: m.CommandMessage) -> None:
        """A stop, or its release: now."""
        name = message.payload.command
        now = self._now()
        self._call_hooks("message", self._client(session), name, message.payload.params)
        try:
            command = c.parse(name, message.payload.params)
            result: dict[str, Any] = {}
            if isinstance(command, c.EmergencyStop):
                result["latch"] = self.robot.emergency_stop()
            elif isinstance(command, c.ReleaseStop):
                self.robot.release_stop(command.latch)
            else:
                self.robot.stop()
        except Exception as error:
            self._refuse(session, message, error)
        else:
            self._hub.answer(session, message, now, result=result)
        self._look_now()

    def _run(self, session: ServerSession, commands: list[Received]) -> None:
        """Commands in order, after those of the same client that are still at work."""
        for received in commands:
            if session.busy:
                session.backlog.append(received)
                continue
            pending = self._begin(session, received)
            if pending is not None:
                session.busy = True
                self._work(self._finish(session, received, pending), f"handler of {received.message.payload.command}")

    def _begin(self, session: ServerSession, received: Received) -> Awaitable[Any] | None:
        """Call the handler or the robot; returns what is still to be awaited."""
        message = received.message
        payload = message.payload
        name = payload.command
        if self._hooks["message"]:
            self._call_hooks("message", self._client(session), name, payload.params)
        handler = self._handlers.get(name)
        try:
            if handler is None:
                self._robot_command(session, received)
                return None
            result = handler(self._clients[session], **payload.params)
        except Exception as error:
            self._refuse(session, message, error, handler)
            return None
        if result is not None and isinstance(result, Awaitable):
            return result
        if payload.reply:
            self._answer(session, message, result)
        return None

    async def _finish(self, session: ServerSession, received: Received, pending: Awaitable[Any] | None) -> None:
        """Await one async handler, then run what has come from this client meanwhile."""
        try:
            while True:
                message = received.message
                if pending is not None:
                    try:
                        self._answer(session, message, await pending)
                    except Exception as error:
                        self._refuse(session, message, error, self._handlers.get(message.payload.command))
                self._flush()
                if not session.backlog or self._closed:
                    return
                received = session.backlog.popleft()
                pending = self._begin(session, received)
        finally:
            session.busy = False
            self._forget(session)

    def _robot_command(self, session: ServerSession, received: Received) -> None:
        message = received.message
        payload = message.payload
        objection = self._hub.objection(session, received, self._now())
        if objection is not None:
            raise CommandRejectedError(*objection, command=payload.command)
        command = self._parse(payload.command, payload.params)
        if isinstance(command, c.CustomCommand):
            raise CommandRejectedError(
                "UNSUPPORTED", 'custom: nobody handles it here; the server registers a handler with @server.command("custom")'
            )
        outcome = self.robot.execute(command)
        self._look = True
        if isinstance(outcome, Motion):
            self._mover = session
            outcome.on_end(lambda how: self.home.post(self._motion_ended, session, message, how))
        else:
            self._answer(session, message, outcome)

    def _parse(self, name: str, params: Mapping[str, Any]) -> c.Command:
        if name not in c.ALL:
            names = ", ".join(sorted({*c.ALL, *self._handlers}))
            raise CommandRejectedError("INVALID_COMMAND", f"there is no command {name[:64]!r}; this server knows {names}")
        return c.parse(name, params)

    def _motion_ended(self, session: ServerSession, message: m.CommandMessage, how: Ended) -> None:
        if how != "replaced" and self._mover is session:
            self._mover = None
        if not self._closed:
            self._answer(session, message, {"ended": how})
            self._look_now()

    def _answer(self, session: ServerSession, message: m.CommandMessage, result: Any) -> None:
        try:
            self._hub.answer(session, message, self._now(), result=result)
        except (TypeError, ValueError) as error:
            self._refuse(session, message, error, self._handlers.get(message.payload.command))

    def _refuse(
        self, session: ServerSession, message: m.CommandMessage, error: Exception, handler: CommandHandler | None = None
    ) -> None:
        """Answer what was raised: a refusal as it is, wrong parameters as such, anything else without its inside."""
        name = message.payload.command
        if isinstance(error, CommandRejectedError):
            refusal = error.code, error.message, error.details or None
        elif handler is not None and isinstance(error, TypeError) and not _takes(handler, message.payload.params):
            import inspect

            takes = ", ".join(str(p) for p in list(inspect.signature(handler).parameters.values())[1:])
            given = ", ".join(message.payload.params) or "nothing"
            refusal = "INVALID_PARAMS", f"{name}: it takes ({takes}), and was given {given}", None
        else:
            _log.error("the handler of %r failed: %s: %s", name, type(error).__name__, error, exc_info=error)
            refusal = "INTERNAL_ERROR", f"{name} failed inside the server; the server's log says how", None
        self._hub.answer(session, message, self._now(), refusal=refusal)

    def _call_hooks(self, kind: str, *args: Any) -> None:
        for hook in tuple(self._hooks[kind]):
            try:
                result = hook(*args)
            except Exception as error:
                _log.error("your on_%s hook failed: %s: %s", kind, type(error).__name__, error, exc_info=error)
                continue
            if isinstance(result, Awaitable):
                self._work(_awaited(result), f"on_{kind} hook")

    # The robot.

    def _report(self, event: str, data: Mapping[str, Any]) -> None:
        """The robot says something, in whatever thread."""
        self.home.post(self._emit, event, dict(data), None)

    def _look_now(self) -> None:
        """Send what has changed in the robot's state."""
        self._look = False
        if not self._closed:
            self._hub.refresh(self._now())
            self._flush()

    def _tick(self) -> None:
        """Look at the robot at its telemetry rate, while somebody listens."""
        self._ticker = None
        if self._closed or not self._hub.connections:
            return
        self._ticker = self.home.loop.call_later(self.robot.telemetry_interval, self._tick)
        now = self._now()
        if self._hub.refresh(now):
            self._hub.telemetry(self.robot.telemetry(), now)
            self._flush()

    def _flush(self) -> None:
        for link in tuple(self._links):
            link.flush()

    def _now(self) -> float:
        return self.home.loop.time()


class _Link:
    """One connection: the wire's receiver, and the timer of its protocol object."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.connection: ServerConnection | None = None
        self.wire: Wire | None = None
        self.peer = ""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")
        self._told = False

    def wire_open(self, wire: Wire, extended: bool) -> None:
        server = self.server
        assert isinstance(wire, ServerWire)
        assert wire.request is not None
        self.wire = wire
        self.peer = wire.peer
        query = dict(parse_qsl(wire.request.path.partition("?")[2]))
        local = is_loopback(self.peer.rsplit(":", 1)[0])
        self.connection = ServerConnection(
            server._hub,
            server._now(),
            extended=extended,
            query=SessionQuery.parse(query),
            token=_bearer(wire.request.headers.get_all("Authorization")) or query.get("token"),
            limited=not local or server._limit_loopback,
        )
        self._after()

    def wire_text(self, wire: Wire, text: str) -> None:
        if self.connection is not None:
            self.connection.receive(text, self.server._now())
            self._after()

    def wire_heard(self, wire: Wire) -> None:
        if self.connection is not None:
            self.connection.heard(self.server._now())

    def wire_writable(self, wire: Wire, writable: bool) -> None:
        if self.connection is not None:
            self.connection.set_writable(writable, self.server._now())
            self._after()

    def wire_lost(self, wire: Wire, loss: Loss, clean: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.wire = None
        self.server._detached(self, str(loss), clean=clean)

    def end(self, code: int, reason: str) -> None:
        """Say goodbye."""
        if self.wire is not None:
            self.wire.close(code, reason, deaf=True)

    def end_replaced(self) -> None:
        """The same client has a newer connection: this one is over."""
        self.server._links.discard(self)
        self.end(CloseCode.REPLACED, "replaced by a newer connection of the same client")

    def flush(self) -> None:
        """Send what the connection has to send, and close it if it is to be closed."""
        connection, wire = self.connection, self.wire
        if connection is None or wire is None:
            return
        if connection.frames:
            frames, connection.frames = connection.frames, []
            wire.send(frames)
        # A change may have left a snapshot or an acknowledgement for later.
        self._arm()
        if connection.close is not None:
            wire.close(*connection.close, deaf=True)

    def _after(self) -> None:
        """What a call of the connection has brought: an opening, commands to run, frames, a close."""
        connection, server = self.connection, self.server
        assert connection is not None
        session = connection.session
        if session is not None:
            if not self._told:
                self._told = True
                self.flush()
                server._attached(self)
            while connection.urgent:
                server._urgent(session, connection.urgent.pop(0))
            if connection.commands:
                commands, connection.commands = connection.commands, []
                server._run(session, commands)
            if server._look:
                server._look_now()
        self.flush()
        self._arm()

    def _arm(self) -> None:
        connection = self.connection
        deadline = connection.next_deadline() if connection is not None and self.wire is not None else None
        if deadline is None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer, self._timer_at = None, float("inf")
        elif deadline < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self.server.home.loop.call_at(deadline, self._due)
            self._timer_at = deadline

    def _due(self) -> None:
        self._timer, self._timer_at = None, float("inf")
        if self.connection is not None:
            self.connection.timeout(self.server._now())
            self._after()


def _bearer(values: list[str]) -> str | None:
    for value in values:
        scheme, _, token = value.partition(" ")
        if scheme.lower() == "bearer" and token:
            return token.strip()
    return None


def _takes(handler: CommandHandler, params: Mapping[str, Any]) -> bool:
    """Whether the handler can be called with these parameters."""
    import inspect

    try:
        inspect.signature(handler).bind(None, **params)
    except TypeError:
        return False
    return True


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value


async def _who_has(host: str, port: int, error: OSError) -> str:
    """Why a port cannot be had, by whom it may be taken, and what to do."""
    if error.errno == errno.EACCES:
        return (
            f"Port {port} may not be used by you (ports below 1024 belong to the system). "
            "`await mb.serve(port=0)` takes any free one."
        )
    who = "another program"
    try:
        async with asyncio.timeout(PROBE_TIMEOUT):
            reader, writer = await asyncio.open_connection("127.0.0.1" if host in ("0.0.0.0", "") else host, port)
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = await reader.read(2048)
            writer.close()
        if b"mbot_nb" in answer:
            who = "another mbot_nb server, perhaps of another notebook that is still open"
    except (OSError, TimeoutError) as probe:
        _log.debug("the holder of port %d did not say who it is: %s", port, probe)
    return (
        f"Port {port} is taken by {who}. `await mb.serve(port=0)` takes any free port (see server.url); "
        f"or shut the other one down (in JupyterLab: Running Terminals and Kernels), then run this cell again."
    )
