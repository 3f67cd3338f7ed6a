"""The server's side of the wire, without a wire: one hub, and one connection object for each connection.

A shell feeds a :class:`ServerConnection` what arrives, calls :meth:`~ServerConnection.timeout` at its next deadline, and
after each call takes its frames, runs its commands, and closes it when it says so. The :class:`Hub` holds what the
connections share: the state and its revisions, the sessions, the events for everybody.
"""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, NamedTuple

from ..commands import MOTIONS, URGENT
from ..errors import ProtocolError
from . import messages as m
from .backoff import CloseCode
from .codec import ClientFrames, batch, clean, encode, envelope
from .heartbeat import Silence
from .limits import TokenBucket
from .mirror import StateStore
from .ordering import Gap
from .sessions import Received, ServerSession, SessionQuery, Sessions, SessionState
from .settings import MAX_INTEGER, Settings

__all__ = ["Close", "ConnectionState", "Hub", "ServerConnection"]


class ConnectionState(Enum):
    """Where a connection stands."""

    AUTHENTICATING = "authenticating"
    OPEN = "open"
    CLOSED = "closed"


class Close(NamedTuple):
    """The shell is to close the connection with this code."""

    code: int
    reason: str


class Hub:
    """What all connections of a server share.

    Args:
        settings: the numbers of the wire contract.
        read_state: the robot's state now.
        wall: Unix milliseconds for a monotonic time.
        new_id: a fresh random text, for epochs.
        metadata: `robotId` and `version` for the snapshot's metadata.
        token: what a client must show, None if anybody may connect.
        on_takeover: called before a client's new connection replaces its old one.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        read_state: Callable[[], dict[str, Any]],
        wall: Callable[[float], int],
        new_id: Callable[[], str],
        metadata: dict[str, Any],
        now: float,
        token: str | None = None,
        on_takeover: Callable[[ServerSession], None] = lambda session: None,
    ) -> None:
        self.settings = settings
        self.wall = wall
        self.token = token
        self.on_takeover = on_takeover
        self.metadata = metadata
        self.started_at = now
        self.sessions = Sessions(settings, new_id)
        self.connections: dict[ServerSession, ServerConnection] = {}
        self.stops = 0
        """Counts the stops: motion that arrived before the last one is not performed after it."""
        self._read_state = read_state
        self.store = StateStore(read_state())
        self._snapshot: tuple[int, bytes] | None = None

    def accepts(self, token: str) -> bool:
        """Whether this is the token, in constant time."""
        return self.token is not None and hmac.compare_digest(token.encode(), self.token.encode())

    def refresh(self, now: float) -> bool:
        """Look at the robot's state, and tell everybody what changed; whether anything did."""
        delta = self.store.update(self._read_state())
        if delta is None:
            return False
        payload = encode(delta)
        for connection in list(self.connections.values()):
            connection.state_changed(payload, now)
        return True

    def snapshot(self) -> bytes:
        """The snapshot's payload as JSON, made once for each revision."""
        if self._snapshot is None or self._snapshot[0] != self.store.revision:
            self._snapshot = self.store.revision, encode(self.store.snapshot())
        return self._snapshot[1]

    def emit(self, event: str, data: Any, now: float, *, only: ServerSession | None = None) -> None:
        """Send an event to everybody, or to one session; its payload is encoded once."""
        payload = encode({"event": event, "data": clean(data)})
        timestamp = self.wall(now)
        if only is not None:
            self._give(only, payload, timestamp, now)
            return
        for session in self.sessions.detached():
            session.record(payload, timestamp)
        for session, connection in list(self.connections.items()):
            session.record(payload, timestamp)
            connection.pump(now)

    def telemetry(self, data: dict[str, Any], now: float) -> None:
        """Send the telemetry event to everybody; a slow reader gets the latest only."""
        payload = encode({"event": "telemetry", "data": clean(data)})
        for connection in list(self.connections.values()):
            connection.telemetry(payload, now)

    def answer(
        self,
        session: ServerSession,
        message: m.CommandMessage,
        now: float,
        *,
        result: Any = None,
        refusal: tuple[str, str, dict[str, Any] | None] | None = None,
    ) -> None:
        """Say how a command ended, to whom wants or must know."""
        command = message.payload
        urgent = command.command in URGENT
        labels: dict[str, Any] = {}
        if message.sequence is not None:
            labels["sequence"] = message.sequence
        if command.id is not None:
            labels["id"] = command.id
        if refusal is None:
            if command.reply or (urgent and command.id is not None):
                data = {**labels, "ok": True, "result": clean(result)}
                self._result(session, data, command.id if urgent else None, now)
            return
        code, text, details = refusal
        error = {"code": code, "message": text}
        if details:
            error["details"] = clean(details)
        self.refuse(session, labels, error, now, wanted=command.reply or urgent, urgent_id=command.id if urgent else None)

    def refuse(
        self,
        session: ServerSession,
        labels: dict[str, Any],
        error: dict[str, Any],
        now: float,
        *,
        wanted: bool = False,
        urgent_id: Any = None,
    ) -> None:
        """Tell one client what was refused: as the answer to its command, or as an error."""
        connection = self.connections.get(session)
        extended = session.id is not None if connection is None else connection.extended
        if (wanted and labels) or (extended and "sequence" in labels):
            self._result(session, {**labels, "ok": False, "error": error}, urgent_id, now)
        elif connection is not None:
            connection.send_error({**labels, **error}, now)

    def _result(self, session: ServerSession, data: dict[str, Any], urgent_id: Any, now: float) -> None:
        payload = encode({"event": "command_result", "data": data})
        if urgent_id is not None:
            session.remember_answer(urgent_id, payload)
        self._give(session, payload, self.wall(now), now)

    def _give(self, session: ServerSession, payload: bytes, timestamp: int, now: float) -> None:
        if session.state is SessionState.ENDED:
            return
        session.record(payload, timestamp)
        connection = self.connections.get(session)
        if connection is not None:
            connection.pump(now)

    def objection(self, session: ServerSession, received: Received, now: float) -> tuple[str, str] | None:
        """Why a motion must not begin any more: code and words; None if it may."""
        message = received.message
        command = message.payload
        if command.command not in MOTIONS:
            return None
        stops, cuts = received.stamp
        if stops != self.stops or (message.sequence or MAX_INTEGER) <= session.stopped_through:
            return "STOPPED", f"{command.command}: a stop came after it was sent; send it again if it is still wanted"
        if cuts != session.cuts:
            return "STOPPED", f"{command.command}: the connection that sent it ended before it could begin"
        age = now - received.arrived
        if age > self.settings.motion_max_age or (command.expires is not None and now * 1000 > command.expires):
            return "EXPIRED", f"{command.command}: it came too late to begin; send it again if it is still wanted"
        return None

    def again(self, session: ServerSession, id: Any, now: float) -> bool:
        """Answer an urgent command that was run before; False if it was not."""
        payload = session.answered.get(id)
        if payload is None:
            return False
        self._give(session, payload, self.wall(now), now)
        return True


class ServerConnection:
    """One connection of one client.

    After each call the shell takes ``frames`` (what to send), ``commands`` (what to run, in order; urgent ones are in
    ``urgent`` and run first), and looks at ``close``.
    """

    def __init__(
        self, hub: Hub, now: float, *, extended: bool, query: SessionQuery | None, token: str | None, limited: bool
    ) -> None:
        settings = hub.settings
        self.hub = hub
        self.extended = extended
        self.state = ConnectionState.AUTHENTICATING
        self.session: ServerSession | None = None
        self.resumed = False
        self.replaced: ServerConnection | None = None
        """The connection of the same client that this one took over."""
        self.close: Close | None = None
        self.frames: list[bytes] = []
        self.commands: list[Received] = []
        self.urgent: list[m.CommandMessage] = []
        self.writable = True
        self.gaps = 0
        self._query = query
        self._queued = 0
        self._acknowledged = 0
        self._ack_due: float | None = None
        self._stale = False
        self._snapshot_due: float | None = None
        self._snapshot_at = float("-inf")
        self._telemetry: bytes | None = None
        self._unproven = 0
        self._silence = Silence(settings.idle_timeout, settings.stall, settings.pong_timeout, now)
        rate = settings.frame_rate if limited else None
        self._bucket = TokenBucket(rate, settings.frame_burst, now) if rate else None
        self._held: deque[tuple[list[Any], int]] = deque()
        self._held_bytes = 0
        self._notice_at = float("-inf")
        self._authenticate_by: float | None = None
        self._hint_at: float | None = None
        if hub.token is None:
            self._open(now)
        elif token is None:
            self._authenticate_by = now + settings.auth_timeout
            self._hint_at = now + settings.auth_hint
        elif hub.accepts(token):
            self._open(now)
        else:
            self._wrong_token()

    # From the shell.

    def receive(self, text: str, now: float) -> None:
        """One frame has come."""
        if self.close is not None:
            return
        self.heard(now)
        messages = ClientFrames.decode(text, max_batch=self.hub.settings.max_batch_received)
        if self.state is ConnectionState.AUTHENTICATING:
            self._authenticate(messages, now)
            return
        if self._unproven:
            # A frame after the snapshot proves that the snapshot, and the skipped ranges in it, were read.
            for _ in range(self._unproven):
                self._session.skipped.popleft()
            self._unproven = 0
        if self._bucket is not None and (self._held or not self._bucket.take(now)):
            self._hold(messages, len(text), now)
            return
        self._messages(messages, len(text), now)

    def heard(self, now: float) -> None:
        """Anything at all has come: the client lives."""
        self._silence.heard(now)

    def pump(self, now: float) -> None:
        """Hand over the session's events, as far as the client reads them."""
        session = self._session
        if not self.writable:
            if session.unsent_bytes + self._queued > self.hub.settings.out_queue:
                self._too_slow()
            return
        pending = session.last_event - session.sent
        if pending == 1 or not self.extended:
            while (event := session.next_unsent()) is not None:
                number, payload, timestamp = event
                self.frames.append(envelope(b"event", payload, timestamp, number, self._ack()))
            return
        size = self.hub.settings.max_batch_size
        messages: list[bytes] = []
        nbytes = 0
        while (event := session.next_unsent()) is not None:
            number, payload, timestamp = event
            if messages and (len(messages) >= size or nbytes + len(payload) > self.hub.settings.out_queue - 2048 * size):
                self.frames.append(batch(messages, self.hub.wall(now)))
                messages, nbytes = [], 0
            messages.append(envelope(b"event", payload, timestamp, number, self._ack()))
            nbytes += len(payload)
        if messages:
            self.frames.append(batch(messages, self.hub.wall(now)))

    def set_writable(self, writable: bool, now: float) -> None:
        """The transport has room again, or has not."""
        self.writable = writable
        if not writable or self.state is not ConnectionState.OPEN:
            return
        self._queued = 0
        if self._stale:
            self._send_snapshot(now)
        if self._telemetry is not None:
            payload, self._telemetry = self._telemetry, None
            self.telemetry(payload, now)
        self.pump(now)

    def closed(self, now: float, *, clean: bool) -> bool:
        """The connection is gone; whether its client is too (and not merely replaced by its own newer connection)."""
        was_open = self.state is ConnectionState.OPEN
        self.state = ConnectionState.CLOSED
        self.frames.clear()
        session = self.session
        if not was_open or session is None or self.hub.connections.get(session) is not self:
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
        if self._hint_at is not None and now >= self._hint_at:
            self._hint_at = None
            self._token_wanted(now)
        if self._authenticate_by is not None and now >= self._authenticate_by:
            self.close = Close(CloseCode.UNAUTHORISED, "no token came in time")
            return
        if self.state is not ConnectionState.OPEN:
            return
        while self._held and self._bucket is not None and self._bucket.take(now):
            messages, size = self._held.popleft()
            self._held_bytes -= size
            self._messages(messages, size, now)
        self._deliver(self._session.orderer.expire(now), now)
        if self._snapshot_due is not None and now >= self._snapshot_due:
            self._send_snapshot(now)
        if self._ack_due is not None and now >= self._ack_due:
            self._append(b"pong", b"{}", now)
        if self._silence.is_dead(now):
            limit = self.hub.settings.idle_timeout
            self.close = Close(CloseCode.GOING_AWAY, f"nothing was heard for {limit:g} s")

    def next_deadline(self) -> float | None:
        """When :meth:`timeout` must be called, unless something else happens before."""
        if self.state is ConnectionState.CLOSED or self.close is not None:
            return None
        deadline = self._silence.deadline
        for time in (
            self._ack_due,
            self._snapshot_due,
            self._authenticate_by,
            self._hint_at,
            self.session.orderer.next_deadline() if self.session is not None else None,
            self._bucket.next_token() if self._held and self._bucket is not None else None,
        ):
            if time is not None and time < deadline:
                deadline = time
        return deadline

    # From the hub.

    def state_changed(self, delta: bytes, now: float) -> None:
        """The robot's state has a new revision."""
        if not self.writable:
            self._stale = True
        elif self.extended:
            self._append(b"state", delta, now)
        elif now >= self._snapshot_at + self.hub.settings.snapshot_interval:
            self._send_snapshot(now)
        elif self._snapshot_due is None:
            self._snapshot_due = self._snapshot_at + self.hub.settings.snapshot_interval

    def telemetry(self, payload: bytes, now: float) -> None:
        """The newest telemetry; what was not taken yet is replaced."""
        if self.writable:
            self._append(b"event", payload, now)
        else:
            self._telemetry = payload

    def send_error(self, error: dict[str, Any], now: float) -> None:
        """Trouble that belongs to no numbered command."""
        if self.extended:
            self._append(b"error", encode(error), now)
        else:
            self.hub.emit("error", error, now, only=self._session)

    # Opening.

    @property
    def _session(self) -> ServerSession:
        assert self.session is not None
        return self.session

    def _authenticate(self, messages: Iterable[Any], now: float) -> None:
        for message in messages:
            if type(message) is not m.AuthMessage:
                self._token_wanted(now)
            elif self.hub.accepts(message.payload.token):
                self._open(now)
                return
            else:
                self._wrong_token()
                return

    def _token_wanted(self, now: float) -> None:
        self._hint_at = None
        error = {
            "code": "AUTH_REQUIRED",
            "message": 'this server wants a token: send {"type": "auth", "payload": {"token": ...}} first',
        }
        if self.extended:
            self.frames.append(envelope(b"error", encode(error), self.hub.wall(now)))
        else:
            self.frames.append(envelope(b"event", encode({"event": "error", "data": error}), self.hub.wall(now)))

    def _wrong_token(self) -> None:
        self.close = Close(CloseCode.UNAUTHORISED, "this token is not the server's")

    def _open(self, now: float) -> None:
        hub = self.hub
        query = self._query if self.extended else None
        known = hub.sessions.get(query.id) if query is not None else None
        if known is not None and query is not None and query.attempt <= known.attempt:
            self.close = Close(CloseCode.REPLACED, "a newer connection of this client has been here")
            return
        old = hub.connections.pop(known, None) if known is not None else None
        if known is not None and old is not None:
            self.replaced = old
            old.state = ConnectionState.CLOSED
            old.frames.clear()
            old.close = Close(CloseCode.REPLACED, "replaced by a newer connection of the same client")
            known.cuts += 1
            known.orderer.forget()
            hub.on_takeover(known)
        self._authenticate_by = self._hint_at = None
        self.session, self.resumed = hub.sessions.open(query, baseline=not self.extended, now=now)
        if known is not None and known is not self.session:
            known.go("end")
        session = self.session
        session.go("attach")
        if self.resumed and query is not None:
            session.rewind(query.last)
        self._acknowledged = session.orderer.cursor
        hub.refresh(now)
        self.state = ConnectionState.OPEN
        hub.connections[session] = self
        self._greet(now)
        self.pump(now)

    def _greet(self, now: float) -> None:
        """The first message: the whole state, and where the session stands."""
        hub, session = self.hub, self._session
        uptime = int((now - hub.started_at) * 1000)
        payload = {**hub.store.snapshot(), "metadata": {**hub.metadata, "uptime": uptime}}
        if self.extended:
            payload |= {
                "epoch": session.epoch,
                "reconnected": self.resumed,
                "lastSequence": session.orderer.cursor,
                "firstSequence": session.first_event,
                "skipped": list(session.skipped),
            }
            self._unproven = len(session.skipped)
        self._snapshot_at = now
        self.frames.append(envelope(b"state", encode(payload), hub.wall(now)))

    # What arrives.

    def _messages(self, messages: list[Any], size: int, now: float) -> None:
        session = self._session
        orderer = session.orderer
        commands = self.commands
        share = size // (len(messages) or 1)
        stamp = (self.hub.stops, session.cuts)
        before = orderer.cursor
        for message in messages:
            if type(message) is m.CommandMessage:
                sequence = message.sequence
                name = message.payload.command
                if name in URGENT:
                    self._overtake(message, now)
                elif sequence is None:
                    self._run(Received(message, now, stamp), now)
                elif sequence == orderer.cursor + 1 and not len(orderer) and before >= 0:
                    orderer.cursor = sequence
                    if name == "sync_state" or name == "void":
                        self._run(Received(message, now, stamp), now)
                    else:
                        commands.append(Received(message, now, stamp))
                else:
                    self._deliver(orderer.receive(sequence, Received(message, now, stamp), share, now), now)
            elif type(message) is m.PingMessage:
                self._pong(message.payload, now)
            elif type(message) is ProtocolError:
                if message.sequence is None:
                    self._malformed(message, now)
                else:
                    self._deliver(orderer.receive(message.sequence, message, share, now), now)
        if orderer.cursor != before:
            self._owe_ack(now)

    def _deliver(self, items: list[Any], now: float) -> None:
        for item in items:
            if item is None:
                continue
            if type(item) is Gap:
                self._gap(item, now)
            elif isinstance(item, ProtocolError):
                self._malformed(item, now)
            else:
                self._run(item, now)
        if items:
            self._owe_ack(now)

    def _run(self, received: Received, now: float) -> None:
        name = received.message.payload.command
        if name == "sync_state":
            self.hub.refresh(now)
            self._send_snapshot(now)
        if name in ("sync_state", "void"):
            self.hub.answer(self._session, received.message, now)
            return
        self.commands.append(received)

    def _overtake(self, message: m.CommandMessage, now: float) -> None:
        """An urgent command runs on arrival; a number it carries counts as consumed."""
        command = message.payload
        session = self._session
        if message.sequence is not None:
            self._deliver(session.orderer.receive(message.sequence, None, 0, now), now)
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

    # Rate limit.

    def _hold(self, messages: list[Any], size: int, now: float) -> None:
        """Too fast: what is urgent runs, the rest waits in order."""
        rest = []
        for message in messages:
            if type(message) is m.CommandMessage and message.payload.command in URGENT:
                self._overtake(message, now)
            else:
                rest.append(message)
        if rest:
            self._held.append((rest, size))
            self._held_bytes += size
        settings = self.hub.settings
        if self._held_bytes > settings.held_bytes:
            self.close = Close(CloseCode.TOO_FAST, f"more than {settings.frame_rate:g} frames a second: send batches")
        elif now >= self._notice_at + settings.rate_notice:
            self._notice_at = now
            text = f"more than {settings.frame_rate:g} frames a second: they are carried out later, in order. Send batches, or fewer."
            self.send_error({"code": "RATE_LIMIT", "message": text}, now)

    # What leaves.

    def _owe_ack(self, now: float) -> None:
        if not self.extended:
            return
        owed = self._session.orderer.cursor - self._acknowledged
        if owed >= self.hub.settings.ack_messages:
            self._append(b"pong", b"{}", now)
        elif self._ack_due is None and owed:
            self._ack_due = now + self.hub.settings.ack_delay

    def _ack(self) -> int | None:
        """The cursor, if the client does not know it yet."""
        cursor = self._session.orderer.cursor
        if not self.extended or cursor == self._acknowledged:
            return None
        self._acknowledged = cursor
        self._ack_due = None
        return cursor

    def _append(self, kind: bytes, payload: bytes, now: float) -> None:
        """An unnumbered message; a client that does not read them all is too slow."""
        self.frames.append(envelope(kind, payload, self.hub.wall(now), None, self._ack()))
        if not self.writable:
            self._queued += len(payload)
            if self._queued + self._session.unsent_bytes > self.hub.settings.out_queue:
                self._too_slow()

    def _send_snapshot(self, now: float) -> None:
        self._stale = not self.writable
        self._snapshot_due = None
        if self.writable:
            self._snapshot_at = now
            self._append(b"state", self.hub.snapshot(), now)

    def _too_slow(self) -> None:
        if self.close is None:
            self.close = Close(CloseCode.TOO_SLOW, "this client does not read what it is sent")
