"""One connection of the server: the wire's receiver, and the timer of its protocol object."""

from __future__ import annotations

import asyncio
from typing import Protocol
from urllib.parse import parse_qsl

from ..loops.home import Home
from ..protocol.loss import CloseCode, Loss
from ..protocol.server import Close, Hub, ServerConnection
from ..protocol.server.sessions import ServerSession, SessionQuery
from ..protocol.server.tap import FramesSent
from ..transport.websocket import ServerWire, Wire
from .execution import Execution

__all__ = ["Host", "Link"]


class Host(Protocol):
    """What a link needs of the server that it belongs to."""

    hub: Hub
    home: Home
    execution: Execution

    def is_limited(self, peer: str) -> bool:
        """Whether a client at this address may send so many frames a second only."""

    def attached(self, link: Link, connection: ServerConnection, session: ServerSession) -> None:
        """A client has got its snapshot."""

    def detached(self, link: Link, reason: str, *, clean: bool) -> None:
        """A connection has ended, or never got so far as to have a client."""

    def refresh(self) -> None:
        """Send what has changed in the robot's state."""


class Link:
    """Feeds a :class:`ServerConnection` what its wire brings, and does what it says."""

    def __init__(self, host: Host) -> None:
        self.connection: ServerConnection | None = None
        self.peer = ""
        self._host = host
        self._loop = host.home.loop
        self._now = host.home.clock
        self._wire: Wire | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")
        self._attached = False

    @property
    def session(self) -> ServerSession | None:
        """The session of its client; None before its token is accepted."""
        return None if self.connection is None else self.connection.session

    # From the wire.

    def wire_open(self, wire: Wire, extended: bool) -> None:
        assert isinstance(wire, ServerWire)
        assert wire.request is not None
        self._wire = wire
        self.peer = wire.peer
        query = dict(parse_qsl(wire.request.path.partition("?")[2]))
        self.connection = ServerConnection(
            self._host.hub,
            self._now(),
            extended=extended,
            query=SessionQuery.parse(query),
            token=_bearer(wire.request.headers.get_all("Authorization")) or query.get("token"),
            limited=self._host.is_limited(self.peer),
        )
        self._after()

    def wire_text(self, wire: Wire, text: str) -> None:
        if self.connection is not None:
            self.connection.receive(text, self._now())
            self._after()

    def wire_activity(self, wire: Wire) -> None:
        if self.connection is not None:
            self.connection.note_activity(self._now())

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
                CloseCode.REPLACED,
                "replaced by a newer connection of the same client",
                discard_input=True,
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
                connection.hub.tap(FramesSent(self._now(), connection.session, frames))
            if outgoing.waiting and outgoing.writable and outgoing.close is None:
                outgoing.pump(self._now())
        # A change may have left a snapshot or an acknowledgement for later.
        self._arm()
        if outgoing.close is not None:
            code, reason = outgoing.close
            wire.close(code, reason, discard_input=True)
            # Whoever is sent away is gone: the goodbye may wait long behind what it does not read.
            self._gone(f"closed from here ({code} {reason})", clean=False)

    # Inside.

    def _gone(self, reason: str, *, clean: bool) -> None:
        self._wire = None
        self._arm()
        self._host.detached(self, reason, clean=clean)

    def _after(self) -> None:
        """What a call of the connection has brought: an opening, commands to run, frames, a
        close."""
        connection, host = self.connection, self._host
        assert connection is not None
        session = connection.session
        if session is not None:
            if not self._attached:
                self._attached = True
                self.flush()
                host.attached(self, connection, session)
            execution = host.execution
            while connection.urgent:
                execution.urgent(session, connection.urgent.pop(0))
            if connection.commands:
                commands, connection.commands = connection.commands, []
                execution.run(session, commands)
                if len(session.backlog) > host.hub.settings.backlog:
                    words = (
                        f"{len(session.backlog)} commands wait for the handlers of those "
                        "ahead: send more slowly"
                    )
                    connection.outgoing.close = Close(CloseCode.TOO_FAST, words)
            if execution.moved:
                host.refresh()
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
