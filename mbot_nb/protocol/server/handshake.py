"""How a connection begins: the token, the session it belongs to, and the first snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import messages as m
from ..codec import encode, envelope
from ..heartbeat import Silence
from ..loss import CloseCode
from .outgoing import Close, ConnectionState, Outflow
from .sessions import ServerSession, SessionQuery

if TYPE_CHECKING:
    from .hub import Hub

__all__ = ["Opening"]


class Opening(Outflow):
    """A connection until it stands. Before its token is accepted nothing is looked up, made or
    taken over for it."""

    def __init__(
        self, hub: Hub, now: float, *, extended: bool, query: SessionQuery | None, token: str | None
    ) -> None:
        super().__init__(hub, extended=extended)
        self.resumed = False
        self.replaced: Outflow | None = None
        """The connection of the same client that this one took over."""
        self._query = query if extended else None
        self._told: tuple[tuple[int, int], ...] = ()
        """The ranges of skipped numbers in the snapshot, until the client is known to have read
        it."""
        self._no_token: Silence | None = None
        self._asked = False
        self._hint_at = now + hub.settings.auth_hint
        """When a client that says nothing is told that a token is wanted; or may be told again."""
        if hub.token is None:
            self._open(now)
        elif token is None:
            settings = hub.settings
            self._no_token = Silence(
                settings.auth_timeout, settings.stall, settings.pong_timeout, now
            )
        elif hub.accepts(token):
            self._open(now)
        else:
            self._wrong_token()

    def _authenticate(self, messages: list[Any], now: float) -> list[Any]:
        """Look for the token; returns what may be carried out: what came behind the right one."""
        for index, message in enumerate(messages):
            if type(message) is not m.AuthMessage:
                continue
            if index:
                self._token_wanted(now)
            if not self.hub.accepts(message.payload.token):
                self._wrong_token()
                return []
            self._open(now)
            return messages[index + 1 :]
        self._token_wanted(now)
        return []

    def _token_wanted(self, now: float) -> None:
        """Say so: at once, and then not to each and every message."""
        if not self.writable or (self._asked and now < self._hint_at):
            return
        self._asked = True
        self._hint_at = now + self.hub.settings.auth_hint
        error = {
            "code": "AUTH_REQUIRED",
            "message": (
                'this server wants a token: send {"version": 2, "type": "auth", "payload": '
                '{"token": ...}} first'
            ),
        }
        if self.extended:
            self.frames.append(envelope(b"error", encode(error), self.hub.wall(now)))
        else:
            self.frames.append(
                envelope(b"event", encode({"event": "error", "data": error}), self.hub.wall(now))
            )

    def _wrong_token(self) -> None:
        self.close = Close(CloseCode.UNAUTHORISED, "this token is not the server's")

    def _open(self, now: float) -> None:
        hub = self.hub
        query = self._query
        known = hub.sessions.get(query.id) if query is not None else None
        if known is not None and query is not None and query.attempt <= known.attempt:
            self.close = Close(
                CloseCode.REPLACED, "a newer connection of this client has been here"
            )
            return
        if known is not None:
            self._take_over(known)
        self._no_token = None
        self.session, self.resumed = hub.sessions.open(query, baseline=not self.extended, now=now)
        if known is not None and known is not self.session:
            known.go("end")
        session = self.session
        session.go("attach")
        if self.resumed and query is not None:
            session.rewind(query.last)
            self._behind = session.unsent_bytes
        self._acknowledged = session.orderer.cursor
        hub.refresh(now)
        self.state = ConnectionState.OPEN
        hub.connections[session] = self
        self._greet(now)
        self.pump(now)

    def _take_over(self, session: ServerSession) -> None:
        """Fence the session's old connection: nothing that it still reads is carried out."""
        old = self.hub.connections.pop(session, None)
        if old is None:
            return
        self.replaced = old
        old.state = ConnectionState.CLOSED
        old.frames.clear()
        old.close = Close(CloseCode.REPLACED, "replaced by a newer connection of the same client")
        session.cuts += 1
        session.orderer.forget()
        self.hub.on_takeover(session)

    def _greet(self, now: float) -> None:
        """The first message: the whole state, and where the session stands."""
        hub, session = self.hub, self._session
        uptime = int((now - hub.started_at) * 1000)
        payload = {**hub.store.snapshot(), "metadata": {**hub.metadata, "uptime": uptime}}
        if self.extended:
            self._told = tuple(session.skipped)
            payload |= {
                "epoch": session.epoch,
                "reconnected": self.resumed,
                "lastSequence": session.orderer.cursor,
                "firstSequence": session.first_event,
                "skipped": self._told,
            }
            if self.resumed and hub.tap is not None:
                hub.tap.acknowledged(now, session, session.orderer.cursor)
        self._snapshot_at = now
        self.frames.append(envelope(b"state", encode(payload), hub.wall(now)))

    def _proven(self) -> None:
        """The client has read the snapshot, and the skipped ranges in it."""
        skipped = self._session.skipped
        while skipped and skipped[0] in self._told:
            skipped.popleft()
        self._told = ()
