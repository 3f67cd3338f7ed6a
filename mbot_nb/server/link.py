"""One connection of the server: the wire's receiver, and the timer of its protocol object."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from ..address import is_loopback
from ..protocol.loss import CloseCode, Loss
from ..protocol.server import Close, ServerConnection
from ..protocol.server.sessions import ServerSession, SessionQuery
from ..transport.websocket import ServerWire, Wire

if TYPE_CHECKING:
    from .server import Server

__all__ = ["Link"]


class Link:
    """Feeds a :class:`ServerConnection` what its wire brings, and does what it says."""

    def __init__(self, server: Server) -> None:
        self.connection: ServerConnection | None = None
        self.peer = ""
        self._server = server
        self._loop = server.home.loop
        self._now = server.home.clock
        self._wire: Wire | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")
        self._told = False

    @property
    def session(self) -> ServerSession | None:
        """The session of its client; None before its token is accepted."""
        return None if self.connection is None else self.connection.session

    # From the wire.

    def wire_open(self, wire: Wire, extended: bool) -> None:
        assert isinstance(wire, ServerWire)
        assert wire.request is not None
        server = self._server
        self._wire = wire
        self.peer = wire.peer
        query = dict(parse_qsl(wire.request.path.partition("?")[2]))
        self.connection = ServerConnection(
            server._hub,
            self._now(),
            extended=extended,
            query=SessionQuery.parse(query),
            token=_bearer(wire.request.headers.get_all("Authorization")) or query.get("token"),
            limited=server._limit_loopback or not is_loopback(self.peer.rsplit(":", 1)[0]),
        )
        self._after()

    def wire_text(self, wire: Wire, text: str) -> None:
        if self.connection is not None:
            self.connection.receive(text, self._now())
            self._after()

    def wire_heard(self, wire: Wire) -> None:
        if self.connection is not None:
            self.connection.heard(self._now())

    def wire_writable(self, wire: Wire, writable: bool) -> None:
        if self.connection is not None:
            self.connection.outgoing.set_writable(writable, self._now())
            self._after()

    def wire_lost(self, wire: Wire, loss: Loss, clean: bool) -> None:
        self._gone(str(loss), clean=clean)

    # From the server.

    def replaced(self) -> None:
        """The same client has a newer connection: this one is over."""
        if self._wire is not None:
            self._wire.close(
                CloseCode.REPLACED, "replaced by a newer connection of the same client", deaf=True
            )

    def flush(self) -> None:
        """Send what the connection has to send, and close it if it is to be closed."""
        connection, wire = self.connection, self._wire
        if connection is None or wire is None:
            return
        outgoing = connection.outgoing
        while outgoing.frames:
            frames, outgoing.frames = outgoing.frames, []
            wire.send(frames)
            if connection.hub.tap is not None:
                connection.hub.tap.frames(self._now(), connection.session, frames)
            if outgoing.waiting and outgoing.writable and outgoing.close is None:
                outgoing.pump(self._now())
        # A change may have left a snapshot or an acknowledgement for later.
        self._arm()
        if outgoing.close is not None:
            code, reason = outgoing.close
            wire.close(code, reason, deaf=True)
            # Whoever is sent away is gone: the goodbye may wait long behind what it does not read.
            self._gone(f"closed from here ({code} {reason})", clean=False)

    # Inside.

    def _gone(self, reason: str, *, clean: bool) -> None:
        self._wire = None
        self._arm()
        self._server._detached(self, reason, clean=clean)

    def _after(self) -> None:
        """What a call of the connection has brought: an opening, commands to run, frames, a
        close."""
        connection, server = self.connection, self._server
        assert connection is not None
        session = connection.session
        if session is not None:
            if not self._told:
                self._told = True
                self.flush()
                server._attached(self, connection, session)
            execution = server._execution
            while connection.urgent:
                execution.urgent(session, connection.urgent.pop(0))
            if connection.commands:
                commands, connection.commands = connection.commands, []
                execution.run(session, commands)
                if len(session.backlog) > server.settings.backlog:
                    words = (
                        f"{len(session.backlog)} commands wait for the handlers of those "
                        "ahead: send more slowly"
                    )
                    connection.outgoing.close = Close(CloseCode.TOO_FAST, words)
            if execution.moved:
                server._look_now()
        self.flush()

    def _arm(self) -> None:
        connection = self.connection
        deadline = (
            connection.next_deadline()
            if connection is not None and self._wire is not None
            else None
        )
        if deadline is None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer, self._timer_at = None, float("inf")
        elif deadline < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(deadline, self._due)
            self._timer_at = deadline

    def _due(self) -> None:
        self._timer, self._timer_at = None, float("inf")
        if self.connection is not None:
            self.connection.timeout(self._now())
            self._after()


def _bearer(values: list[str]) -> str | None:
    for value in values:
        scheme, _, token = value.partition(" ")
        if scheme.lower() == "bearer" and token:
            return token.strip()
    return None
