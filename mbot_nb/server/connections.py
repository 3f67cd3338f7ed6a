"""The connections of a server: who comes, who goes, and what is sent to all of them."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

from ..address import is_loopback
from ..loops.deadline import DeadlineTimer
from ..loops.home import Home
from ..protocol.loss import CloseCode, Loss
from ..protocol.server import Close, Hub, ServerConnection
from ..protocol.server.events import ClientConnected, ClientDisconnected, FramesSent
from ..protocol.server.sessions import ServerSession, SessionQuery
from ..transport.websocket import ServerWebSocket, WebSocket, wait_closed
from .access import Access
from .clients import Clients
from .execution import Execution

__all__ = ["Connections"]


class Connections:
    """All connections of a server, each with its link.

    Args:
        limit_loopback: whether the limit of frames a second holds for this machine's clients too.
        on_client_ready: called when a client has got its snapshot.
        refresh: sends what has changed in the robot's state.
    """

    def __init__(
        self,
        hub: Hub,
        clients: Clients,
        execution: Execution,
        home: Home,
        access: Access,
        *,
        limit_loopback: bool,
        on_client_ready: Callable[[], None],
        refresh: Callable[[], None],
    ) -> None:
        self.hub = hub
        self.execution = execution
        self.home = home
        self._clients = clients
        self._access = access
        self._limit_loopback = limit_loopback
        self._on_client_ready = on_client_ready
        self.refresh = refresh
        self._websockets: set[ServerWebSocket] = set()
        self._links: set[ServerLink] = set()

    def __len__(self) -> int:
        """How many sockets are open, those without a client yet included."""
        return len(self._websockets)

    def accept(self) -> ServerWebSocket:
        """The protocol of a new socket."""
        return ServerWebSocket(ServerLink(self), self._access.check, self._websockets)

    def flush(self) -> None:
        """Send what the connections have to send."""
        for link in tuple(self._links):
            link.flush()

    async def close(self, grace: float) -> None:
        """Say goodbye, and cut those that have not gone after ``grace`` seconds."""
        for websocket in list(self._websockets):
            websocket.close(CloseCode.GOING_AWAY, "the server was closed", discard_input=True)
        await wait_closed(self._websockets, grace)

    def cut(self) -> None:
        """Cut all connections without their loop; in any thread."""
        for websocket in self._websockets:
            websocket.cut()

    # For the links.

    def is_limited(self, peer: str) -> bool:
        """Whether a client at this address may send so many frames a second only."""
        return self._limit_loopback or not is_loopback(peer.rsplit(":", 1)[0])

    def on_attached(
        self, link: ServerLink, connection: ServerConnection, session: ServerSession
    ) -> None:
        """A client has got its snapshot."""
        client = self._clients[session]
        if self.hub.tap is not None:
            self.hub.tap(ClientConnected(self.home.clock(), session, session.cuts > 0))
        client.address = link.peer
        client.profile = "extended" if connection.extended else "baseline"
        self._links.add(link)
        before = connection.replaced
        for other in tuple(self._links) if before is not None else ():
            if other is not link and other.session is before:
                self._links.discard(other)
                other.close_replaced()
        if before is not None and before is not session:
            # The same program with a new session: its old one will not come back.
            self.execution.call_hooks("disconnect", self._clients[before], "its session began anew")
            self._clients.forget(before)
        if before is not session:
            self.execution.call_hooks("connect", client)
        self._on_client_ready()

    def on_detached(self, link: ServerLink, reason: str, *, clean: bool) -> None:
        """A connection has ended, or never got so far as to have a client."""
        self._links.discard(link)
        connection, session = link.connection, link.session
        now = self.home.clock()
        if connection is None or not connection.on_closed(now, clean=clean) or session is None:
            return
        if self.hub.tap is not None:
            self.hub.tap(ClientDisconnected(now, session, reason))
        if self.execution.stop_for(session, "its client disconnected"):
            self.refresh()
        self.execution.call_hooks("disconnect", self._clients[session], reason)
        self._clients.on_disconnected(session)


class ServerLink:
    """Feeds a :class:`ServerConnection` what its WebSocket brings, and does what it says."""

    def __init__(self, owner: Connections) -> None:
        self.connection: ServerConnection | None = None
        self.peer = ""
        self._owner = owner
        self._now = owner.home.clock
        self._websocket: WebSocket | None = None
        self._timer = DeadlineTimer(owner.home.loop, self._on_due)
        self._attached = False

    @property
    def session(self) -> ServerSession | None:
        """The session of its client; None before its token is accepted."""
        return None if self.connection is None else self.connection.session

    # Called by the WebSocket.

    def on_open(self, websocket: WebSocket, extended: bool) -> None:
        assert isinstance(websocket, ServerWebSocket)
        assert websocket.request is not None
        self._websocket = websocket
        self.peer = websocket.peer
        query = dict(parse_qsl(websocket.request.path.partition("?")[2]))
        self.connection = ServerConnection(
            self._owner.hub,
            self._now(),
            extended=extended,
            query=SessionQuery.parse(query),
            token=_bearer(websocket.request.headers.get_all("Authorization")) or query.get("token"),
            limited=self._owner.is_limited(self.peer),
        )
        self._dispatch()

    def on_text(self, websocket: WebSocket, text: str) -> None:
        if self.connection is not None:
            self.connection.receive(text, self._now())
            self._dispatch()

    def on_activity(self, websocket: WebSocket) -> None:
        if self.connection is not None:
            self.connection.note_activity(self._now())

    def on_writable(self, websocket: WebSocket, writable: bool) -> None:
        if self.connection is not None:
            self.connection.outgoing.set_writable(writable, self._now())
            self._dispatch()

    def on_closed(self, websocket: WebSocket, loss: Loss, clean: bool) -> None:
        self._detach(str(loss), clean=clean)

    # From the server.

    def close_replaced(self) -> None:
        """Close it: the same client has a newer connection."""
        if self._websocket is not None:
            self._websocket.close(
                CloseCode.REPLACED,
                "replaced by a newer connection of the same client",
                discard_input=True,
            )

    def flush(self) -> None:
        """Send what the connection has to send, and close it if it is to be closed."""
        connection, websocket = self.connection, self._websocket
        if connection is None or websocket is None:
            return
        outgoing = connection.outgoing
        while outgoing.frames:
            frames, outgoing.frames = outgoing.frames, []
            websocket.send(frames)
            if connection.hub.tap is not None:
                connection.hub.tap(FramesSent(self._now(), connection.session, frames))
            if outgoing.waiting and outgoing.writable and outgoing.close is None:
                outgoing.pump(self._now())
        # A change may have left a snapshot or an acknowledgement for later.
        self._arm()
        if outgoing.close is not None:
            code, reason = outgoing.close
            websocket.close(code, reason, discard_input=True)
            # Whoever is sent away is gone: the goodbye may wait long behind what it does not read.
            self._detach(f"closed from here ({code} {reason})", clean=False)

    # Inside.

    def _detach(self, reason: str, *, clean: bool) -> None:
        self._websocket = None
        self._arm()
        self._owner.on_detached(self, reason, clean=clean)

    def _dispatch(self) -> None:
        """Carry out what a call of the connection has brought: an opening, commands, frames, a
        close."""
        connection, owner = self.connection, self._owner
        assert connection is not None
        session = connection.session
        if session is not None:
            if not self._attached:
                self._attached = True
                self.flush()
                owner.on_attached(self, connection, session)
            execution = owner.execution
            while connection.urgent:
                execution.run_urgent(session, connection.urgent.pop(0))
            if connection.commands:
                commands, connection.commands = connection.commands, []
                execution.run(session, commands)
                if len(session.backlog) > owner.hub.settings.backlog:
                    words = (
                        f"{len(session.backlog)} commands wait for the handlers of those "
                        "ahead: send more slowly"
                    )
                    connection.outgoing.close = Close(CloseCode.TOO_FAST, words)
            if execution.moved:
                owner.refresh()
        self.flush()

    def _arm(self) -> None:
        connection = self.connection
        if connection is None or self._websocket is None:
            self._timer.cancel()
        else:
            self._timer.set(connection.next_deadline())

    def _on_due(self) -> None:
        if self.connection is not None:
            self.connection.timeout(self._now())
            self._dispatch()


def _bearer(values: list[str]) -> str | None:
    for value in values:
        scheme, _, token = value.partition(" ")
        if scheme.lower() == "bearer" and token:
            return token.strip()
    return None
