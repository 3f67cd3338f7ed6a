"""One connection of one client: what arrives on it, in order, each once; and when it is to end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...commands import URGENT
from ...errors import ProtocolError
from .. import messages as m
from ..codec import ClientFrames, encode
from ..heartbeat import Silence
from ..loss import CloseCode
from ..ordering import Gap
from .handshake import Opening
from .outgoing import Close, ConnectionState
from .sessions import Received, SessionQuery
from .throttle import Throttle

if TYPE_CHECKING:
    from .hub import Hub

__all__ = ["ServerConnection"]

_OWN = frozenset({"sync_state", "void"})
_NOT_PLAIN = URGENT | _OWN


class ServerConnection(Opening):
    """One connection of one client.

    A shell feeds it what arrives, calls :meth:`timeout` at :meth:`next_deadline`, and after each
    call takes ``frames`` (what to send) and ``commands`` (what to run, in order; those in
    ``urgent`` first), and looks at ``close``.
    """

    def __init__(
        self,
        hub: Hub,
        now: float,
        *,
        extended: bool,
        query: SessionQuery | None,
        token: str | None,
        limited: bool,
    ) -> None:
        settings = hub.settings
        self.commands: list[Received] = []
        self.urgent: list[m.CommandMessage] = []
        self.gaps = 0
        self._silence = Silence(settings.idle_timeout, settings.stall, settings.pong_timeout, now)
        rate = settings.frame_rate if limited else None
        self._throttle = Throttle(rate, settings, now) if rate is not None else None
        super().__init__(hub, now, extended=extended, query=query, token=token)

    def receive(self, text: str, now: float) -> None:
        """One frame has come."""
        if self.close is not None:
            return
        self.heard(now)
        messages = ClientFrames.decode(text, max_batch=self.hub.settings.max_batch_received)
        if self.hub.tap is not None:
            self.hub.tap.frame(now, self.session, text, messages)
        if self.state is ConnectionState.AUTHENTICATING:
            messages = self._authenticate(messages, now)
            if not messages:
                return
        elif self._told and not (messages and type(messages[0]) is m.AuthMessage):
            self._proven()
        if self._throttle is not None and not self._throttle.passes(now):
            self._hold(self._throttle, messages, len(text), now)
        else:
            self._messages(messages, len(text), now)

    def heard(self, now: float) -> None:
        """Anything at all has come: the client lives."""
        self._silence.heard(now)

    def closed(self, now: float, *, clean: bool) -> bool:
        """The connection is gone; whether its client is too (and not merely replaced by its own
        newer connection)."""
        was_open = self.state is ConnectionState.OPEN
        self.state = ConnectionState.CLOSED
        self.frames.clear()
        session = self.session
        if not was_open or session is None:
            return False
        del self.hub.connections[session]
        session.cuts += 1
        session.orderer.forget()
        if session.id is None or clean:
            self.hub.sessions.end(session)
        else:
            session.go("detach")
            session.detached_at = now
            self.hub.sessions.expire(now)
        return True

    def timeout(self, now: float) -> None:
        """Do what is due by now."""
        if self.close is not None or self.state is ConnectionState.CLOSED:
            return
        if self._no_token is not None:
            if self._no_token.is_dead(now):
                self.close = Close(CloseCode.UNAUTHORISED, "no token came in time")
            elif not self._asked and now >= self._hint_at:
                self._token_wanted(now)
            return
        while self._throttle is not None and (released := self._throttle.release(now)) is not None:
            items, size = released
            share = size // len(items)
            for item in items:
                self._one(item, share, now)
        self._deliver(self._session.orderer.expire(now), now)
        self._send_what_is_due(now)
        if self._silence.is_dead(now):
            limit = self.hub.settings.idle_timeout
            self.close = Close(CloseCode.GOING_AWAY, f"nothing was heard for {limit:g} s")

    def next_deadline(self) -> float | None:
        """When :meth:`timeout` must be called, unless something else happens before."""
        if self.state is ConnectionState.CLOSED or self.close is not None:
            return None
        if self._no_token is not None:
            return (
                self._no_token.deadline
                if self._asked
                else min(self._no_token.deadline, self._hint_at)
            )
        deadline = self._silence.deadline
        for time in (
            self._ack_due,
            self._snapshot_due,
            self._session.orderer.next_deadline(),
            self._throttle.next_deadline() if self._throttle is not None else None,
        ):
            if time is not None and time < deadline:
                deadline = time
        return deadline

    # What arrives.

    def _messages(self, messages: list[Any], size: int, now: float) -> None:
        """The messages of one frame. The common case, a plain command in its turn, goes
        straight."""
        session = self._session
        orderer = session.orderer
        commands = self.commands
        before = cursor = orderer.cursor
        stamp = (self.hub.stops, session.cuts)
        straight = cursor >= 0 and not len(orderer)
        for message in messages:
            if (
                straight
                and type(message) is m.CommandMessage
                and message.sequence == cursor + 1
                and message.payload.command not in _NOT_PLAIN
            ):
                cursor += 1
                commands.append(Received(message, now, stamp))
            else:
                orderer.cursor = cursor
                self._one(self._received(message, now), size // len(messages), now)
                stamp = (self.hub.stops, session.cuts)
                cursor = orderer.cursor
                straight = cursor >= 0 and not len(orderer)
        if cursor != before:
            orderer.cursor = cursor
            self._owe_ack(now)

    def _received(self, message: Any, now: float) -> Any:
        """A command with what must be known of its arrival when it is its turn."""
        return (
            Received(message, now, (self.hub.stops, self._session.cuts))
            if type(message) is m.CommandMessage
            else message
        )

    def _one(self, item: Any, share: int, now: float) -> None:
        """One thing that arrived, when it is its turn. A bare number was consumed by what ran
        before its turn."""
        orderer = self._session.orderer
        if type(item) is Received:
            sequence = item.message.sequence
            if item.message.payload.command in URGENT:
                if sequence is not None:
                    self._deliver(orderer.receive(sequence, None, 0, now), now)
                self._overtake(item.message, now)
            elif sequence is None:
                self._run(item, now)
            else:
                self._deliver(orderer.receive(sequence, item, share, now), now)
        elif type(item) is ProtocolError:
            if item.sequence is None:
                self._malformed(item, now)
            else:
                self._deliver(orderer.receive(item.sequence, item, share, now), now)
        elif type(item) is m.PingMessage:
            self._pong(item.payload, now)
        elif type(item) is int:
            self._deliver(orderer.receive(item, None, 0, now), now)

    def _deliver(self, items: list[Any], now: float) -> None:
        for item in items:
            if type(item) is Received:
                self._run(item, now)
            elif type(item) is Gap:
                self._gap(item, now)
            elif item is not None:
                self._malformed(item, now)
        if items:
            self._owe_ack(now)

    def _run(self, received: Received, now: float) -> None:
        name = received.message.payload.command
        if name not in _OWN:
            self.commands.append(received)
            return
        if name == "sync_state":
            self.hub.refresh(now)
            self._send_snapshot(now)
        self.hub.answer(self._session, received.message, now)

    def _overtake(self, message: m.CommandMessage, now: float) -> None:
        """An urgent command runs on arrival; one that is sent again is answered again."""
        command = message.payload
        session = self._session
        if command.id is not None and self.hub.again(session, command.id, now):
            return
        if command.command != "release_stop":
            self.hub.stops += 1
            session.stopped_through = max(session.stopped_through, command.after or 0)
        self.urgent.append(message)

    def _gap(self, gap: Gap, now: float) -> None:
        self.gaps += 1
        self._session.skipped.append((gap.expected, gap.got - 1))
        text = f"messages {gap.expected} to {gap.got - 1} never came; going on with {gap.got}"
        details = {"expected": gap.expected, "got": gap.got}
        self.send_error({"code": "SEQUENCE_GAP", "message": text, "details": details}, now)

    def _malformed(self, error: ProtocolError, now: float) -> None:
        labels: dict[str, Any] = {}
        if error.sequence is not None:
            labels["sequence"] = error.sequence
        if error.id is not None:
            labels["id"] = error.id
        self.hub.refuse(self._session, labels, {"code": error.code, "message": error.message}, now)

    def _pong(self, payload: dict[str, Any], now: float) -> None:
        if payload:
            payload["server_time"] = self.hub.wall(now)
            payload["server_clock"] = round(now * 1000, 3)
        self._append(b"pong", encode(payload), now)

    def _hold(self, throttle: Throttle, messages: list[Any], size: int, now: float) -> None:
        """Too fast: what is urgent runs, the rest waits in order."""
        items: list[Any] = []
        for message in messages:
            if type(message) is not m.CommandMessage or message.payload.command not in URGENT:
                items.append(self._received(message, now))
                continue
            if message.sequence is not None:
                items.append(message.sequence)
            self._overtake(message, now)
        if not items:
            return
        throttle.hold(items, size)
        if throttle.overflows:
            self.close = Close(
                CloseCode.TOO_FAST, f"more than {throttle.rate:g} frames a second: send batches"
            )
        elif (text := throttle.notice(now)) is not None:
            self.send_error({"code": "RATE_LIMIT", "message": text}, now)
