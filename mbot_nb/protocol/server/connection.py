"""One connection of one client: its token and session, and what arrives on it, in order, each
once."""

from __future__ import annotations

from typing import Any

from ...commands import URGENT
from ...errors import ProtocolError
from .. import messages as m
from ..codec import ClientFrames, Envelope, encode
from ..heartbeat import PeerTimeout
from ..loss import CloseCode
from ..ordering import Gap
from .authentication import Authentication
from .events import AcknowledgementSent, FrameReceived
from .hub import Hub
from .outgoing import Close, SendingHalf
from .sessions import ReceivedCommand, ServerSession, SessionQuery
from .throttle import Throttle

__all__ = ["SERVER_COMMANDS", "ServerConnection"]

SERVER_COMMANDS = frozenset({"sync_state", "void"})
"""Commands that the server answers itself, at once."""
_SLOW_PATH = URGENT | SERVER_COMMANDS


class ServerConnection:
    """One connection of one client.

    A shell feeds it what arrives, calls :meth:`timeout` at :meth:`next_deadline`, and after each
    call takes ``commands`` (what to run, in order; those in ``urgent`` first) and what is
    ``outgoing``: its ``frames`` (what to send) and its ``close``.
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
        self.hub = hub
        self.extended = extended
        self.outgoing = SendingHalf(hub, extended=extended)
        self.session: ServerSession | None = None
        """None until the token is accepted."""
        self.resumed = False
        self.replaced: ServerSession | None = None
        """The session whose connection this one took over."""
        self.commands: list[ReceivedCommand] = []
        self.urgent: list[m.CommandMessage] = []
        self._peer_timeout = PeerTimeout(
            settings.idle_timeout, settings.stall, settings.pong_timeout, now
        )
        rate = settings.frame_rate if limited else None
        self._throttle = Throttle(rate, settings, now) if rate is not None else None
        self._query = query if extended else None
        self._skipped_sent: tuple[tuple[int, int], ...] = ()
        """The ranges of skipped numbers in the snapshot, until the client is known to have read
        it."""
        self._authentication: Authentication | None = None
        if hub.token is None:
            self._open(now)
        elif token is None:
            self._authentication = Authentication(settings, now)
        elif hub.accepts(token):
            self._open(now)
        else:
            self._refuse_token()

    def receive(self, text: str, now: float) -> None:
        """Take one frame."""
        if self.outgoing.close is not None:
            return
        self.note_activity(now)
        messages = ClientFrames.decode(text, max_batch=self.hub.settings.max_batch_received)
        if self.hub.tap is not None:
            self.hub.tap(FrameReceived(now, self.session, text, messages))
        if self.session is None:
            messages = self._authenticate(messages, now)
            if not messages:
                return
        elif self._skipped_sent and not (messages and type(messages[0]) is m.AuthMessage):
            self._snapshot_read(self.session)
        if self._throttle is not None and not self._throttle.passes(now):
            self._hold(self._throttle, messages, len(text), now)
        else:
            self._messages(messages, len(text), now)

    def note_activity(self, now: float) -> None:
        """Note that anything at all has come: the client is alive."""
        self._peer_timeout.note_activity(now)

    def on_closed(self, now: float, *, clean: bool) -> bool:
        """End: the connection has closed.

        Returns:
            Whether its client is gone too, and not merely on a newer connection.
        """
        stopped = self.outgoing.stopped
        self.outgoing.stop()
        session = self.session
        if stopped or session is None:
            return False
        del self.hub.subscribers[session]
        session.cuts += 1
        session.orderer.forget()
        if session.id is None or clean:
            self.hub.sessions.end(session)
        else:
            session.transition("detach")
            session.detached_at = now
            self.hub.sessions.expire(now)
        return True

    def timeout(self, now: float) -> None:
        """Do what is due by now."""
        outgoing = self.outgoing
        if outgoing.close is not None or outgoing.stopped:
            return
        if self._authentication is not None:
            if self._authentication.has_timed_out(now):
                outgoing.close = Close(CloseCode.UNAUTHORISED, "no token came in time")
            elif self._authentication.hint_due(now):
                self._ask_for_token(self._authentication, now)
            return
        while self._throttle is not None and (released := self._throttle.release(now)) is not None:
            items, size = released
            share = size // len(items)
            for item in items:
                self._process(item, share, now)
        self._deliver(self._session.orderer.expire(now), now)
        outgoing.send_due(now)
        if self._peer_timeout.has_expired(now):
            limit = self.hub.settings.idle_timeout
            outgoing.close = Close(CloseCode.GOING_AWAY, f"nothing was heard for {limit:g} s")

    def next_deadline(self) -> float | None:
        """When :meth:`timeout` must be called, unless something else happens before."""
        outgoing = self.outgoing
        if outgoing.close is not None or outgoing.stopped:
            return None
        if self._authentication is not None:
            return self._authentication.next_deadline()
        deadline = self._peer_timeout.deadline
        for time in (
            outgoing.ack_due,
            outgoing.snapshot_due,
            self._session.orderer.next_deadline(),
            self._throttle.next_deadline() if self._throttle is not None else None,
        ):
            if time is not None and time < deadline:
                deadline = time
        return deadline

    # The token and the session.

    def _authenticate(self, messages: list[Any], now: float) -> list[Any]:
        """Look for the token; returns what may be carried out: what came behind the right one."""
        authentication = self._authentication
        assert authentication is not None
        for index, message in enumerate(messages):
            if type(message) is not m.AuthMessage:
                continue
            if index:
                self._ask_for_token(authentication, now)
            if not self.hub.accepts(message.payload.token):
                self._refuse_token()
                return []
            self._open(now)
            return messages[index + 1 :]
        self._ask_for_token(authentication, now)
        return []

    def _ask_for_token(self, authentication: Authentication, now: float) -> None:
        outgoing = self.outgoing
        error = authentication.hint(now) if outgoing.writable else None
        if error is None:
            return
        kind, payload = (
            ("error", error) if self.extended else ("event", {"event": "error", "data": error})
        )
        outgoing.frames.append(encode(Envelope(kind, payload, self.hub.wall(now))))

    def _refuse_token(self) -> None:
        self.outgoing.close = Close(CloseCode.UNAUTHORISED, "this token is not the server's")

    def _open(self, now: float) -> None:
        """Attach to the client's session, known or new, and greet it."""
        hub, query = self.hub, self._query
        known = hub.sessions.get(query.id) if query is not None else None
        if known is not None and query is not None and query.attempt <= known.attempt:
            self.outgoing.close = Close(
                CloseCode.REPLACED, "a newer connection of this client has been here"
            )
            return
        if known is not None:
            self._take_over(known)
        self._authentication = None
        session, self.resumed = hub.sessions.open(query, baseline=not self.extended, now=now)
        self.session = session
        if known is not None and known is not session:
            known.transition("end")
        session.transition("attach")
        if self.resumed and query is not None:
            session.rewind(query.last)
        self.outgoing.attach(session, missed_bytes=session.unsent_bytes if self.resumed else 0)
        hub.refresh(now)
        hub.subscribers[session] = self.outgoing
        self._greet(session, now)
        self.outgoing.pump(now)

    def _take_over(self, session: ServerSession) -> None:
        """Fence the session's old connection: nothing that it still reads is carried out."""
        old = self.hub.subscribers.pop(session, None)
        if old is None:
            return
        self.replaced = session
        old.fence()
        session.cuts += 1
        session.orderer.forget()
        self.hub.on_takeover(session)

    def _greet(self, session: ServerSession, now: float) -> None:
        hub = self.hub
        uptime = int((now - hub.started_at) * 1000)
        payload = {**hub.store.snapshot(), "metadata": {**hub.metadata, "uptime": uptime}}
        if self.extended:
            self._skipped_sent = tuple(session.skipped)
            payload |= {
                "epoch": session.epoch,
                "reconnected": self.resumed,
                "lastSequence": session.orderer.cursor,
                "firstSequence": session.first_event,
                "skipped": self._skipped_sent,
            }
            if self.resumed and hub.tap is not None:
                hub.tap(AcknowledgementSent(now, session, session.orderer.cursor))
        self.outgoing.greet(payload, now)

    def _snapshot_read(self, session: ServerSession) -> None:
        """Forget the skipped ranges that the client has read of in its snapshot."""
        skipped = session.skipped
        while skipped and skipped[0] in self._skipped_sent:
            skipped.popleft()
        self._skipped_sent = ()

    # What arrives.

    @property
    def _session(self) -> ServerSession:
        assert self.session is not None
        return self.session

    def _messages(self, messages: list[Any], size: int, now: float) -> None:
        """The messages of one frame. The common case, a plain command in its turn, takes
        the fast path."""
        session = self._session
        orderer = session.orderer
        commands = self.commands
        before = cursor = orderer.cursor
        stamp = (self.hub.stops, session.cuts)
        fast_path = cursor >= 0 and not len(orderer)
        for message in messages:
            if (
                fast_path
                and type(message) is m.CommandMessage
                and message.sequence == cursor + 1
                and message.payload.command not in _SLOW_PATH
            ):
                cursor += 1
                commands.append(ReceivedCommand(message, now, stamp))
            else:
                orderer.cursor = cursor
                self._process(self._stamp(message, now), size // len(messages), now)
                stamp = (self.hub.stops, session.cuts)
                cursor = orderer.cursor
                fast_path = cursor >= 0 and not len(orderer)
        if cursor != before:
            orderer.cursor = cursor
            self.outgoing.owe_ack(now)

    def _stamp(self, message: Any, now: float) -> Any:
        """A command with what must be known of its arrival when it is its turn."""
        return (
            ReceivedCommand(message, now, (self.hub.stops, self._session.cuts))
            if type(message) is m.CommandMessage
            else message
        )

    def _process(self, item: Any, share: int, now: float) -> None:
        """One thing that arrived, when it is its turn. A bare number was consumed by what ran
        before its turn."""
        orderer = self._session.orderer
        if type(item) is ReceivedCommand:
            sequence = item.message.sequence
            if item.message.payload.command in URGENT:
                if sequence is not None:
                    self._deliver(orderer.receive(sequence, None, 0, now), now)
                self._run_urgent(item.message, now)
            elif sequence is None:
                self._run(item, now)
            else:
                self._deliver(orderer.receive(sequence, item, share, now), now)
        elif type(item) is ProtocolError:
            if item.sequence is None:
                self._refuse_malformed(item, now)
            else:
                self._deliver(orderer.receive(item.sequence, item, share, now), now)
        elif type(item) is m.PingMessage:
            self._pong(item.payload, now)
        elif type(item) is int:
            self._deliver(orderer.receive(item, None, 0, now), now)

    def _deliver(self, items: list[Any], now: float) -> None:
        for item in items:
            if type(item) is ReceivedCommand:
                self._run(item, now)
            elif type(item) is Gap:
                self._gap(item, now)
            elif item is not None:
                self._refuse_malformed(item, now)
        if items:
            self.outgoing.owe_ack(now)

    def _run(self, received: ReceivedCommand, now: float) -> None:
        name = received.message.payload.command
        if name not in SERVER_COMMANDS:
            self.commands.append(received)
            return
        if name == "sync_state":
            self.hub.refresh(now)
            self.outgoing.send_snapshot(now)
        self.hub.answer(self._session, received.message, now)

    def _run_urgent(self, message: m.CommandMessage, now: float) -> None:
        """An urgent command runs on arrival; one that is sent again is answered again."""
        command = message.payload
        session = self._session
        if command.id is not None and self.hub.answer_again(session, command.id, now):
            return
        if command.command != "release_stop":
            self.hub.stops += 1
            session.stopped_through = max(session.stopped_through, command.after or 0)
        self.urgent.append(message)

    def _gap(self, gap: Gap, now: float) -> None:
        self._session.skipped.append((gap.expected, gap.got - 1))
        text = f"messages {gap.expected} to {gap.got - 1} never came; going on with {gap.got}"
        details = {"expected": gap.expected, "got": gap.got}
        self.outgoing.send_error({"code": "SEQUENCE_GAP", "message": text, "details": details}, now)

    def _refuse_malformed(self, error: ProtocolError, now: float) -> None:
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
        self.outgoing.send("pong", encode(payload), now)

    def _hold(self, throttle: Throttle, messages: list[Any], size: int, now: float) -> None:
        """Too fast: what is urgent runs, the rest waits in order."""
        items: list[Any] = []
        for message in messages:
            if type(message) is not m.CommandMessage or message.payload.command not in URGENT:
                items.append(self._stamp(message, now))
                continue
            if message.sequence is not None:
                items.append(message.sequence)
            self._run_urgent(message, now)
        if not items:
            return
        throttle.hold(items, size)
        if throttle.overflows:
            self.outgoing.close = Close(
                CloseCode.TOO_FAST, f"more than {throttle.rate:g} frames a second: send batches"
            )
        elif (text := throttle.notice(now)) is not None:
            self.outgoing.send_error({"code": "RATE_LIMIT", "message": text}, now)
