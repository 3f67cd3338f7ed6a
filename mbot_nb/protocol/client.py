"""The client's side of the wire, without a wire: texts and times in, texts, happenings and the next deadline out.

A shell feeds :class:`ClientSession` what arrives (:meth:`~ClientSession.receive`), tells it what becomes of its
connections (:meth:`opened`, :meth:`lost`), calls :meth:`timeout` at :meth:`next_deadline`, and after each of these takes the
frames to send and the events to tell. One session outlives many connections.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import Any

from ..commands import MOTIONS, URGENT
from ..errors import CommandRejectedError, CommandTimeoutError, DeliveryUnknownError, NotConnectedError, ProtocolError
from . import messages as m
from .backoff import Backoff, CloseCode, Loss, LossKind, is_final
from .batching import FlushReason
from .codec import ENVELOPE_BYTES, ServerFrames, encode, envelope, to_json
from .events import (
    Acknowledged,
    ClientEvent,
    ConnectionChanged,
    Dial,
    Drop,
    EventReceived,
    EventsMissed,
    RoundTrip,
    Settled,
    StateChanged,
    Trouble,
)
from .heartbeat import ClockOffset, Heartbeat
from .mirror import Mirror
from .ordering import Gap, Orderer
from .outgoing import Outbox, Outgoing, SentBatch
from .settings import MAX_FRAME, Settings

__all__ = ["TRANSITIONS", "ClientCounters", "ClientSession", "State"]


class State(Enum):
    """Where a client stands."""

    IDLE = "idle"
    DIALLING = "dialling"
    SYNCHRONISING = "synchronising"
    CONNECTED = "connected"
    WAITING = "waiting"
    FAILED = "failed"
    CLOSED = "closed"


WORDS = {
    State.IDLE: "disconnected",
    State.DIALLING: "connecting",
    State.SYNCHRONISING: "connecting",
    State.CONNECTED: "connected",
    State.WAITING: "reconnecting",
    State.FAILED: "error",
    State.CLOSED: "disconnected",
}
"""The words that users see; a client that was connected before is `reconnecting` until it is again."""


TRANSITIONS: dict[tuple[State, str], State] = {
    (State.IDLE, "dial"): State.DIALLING,
    (State.WAITING, "dial"): State.DIALLING,
    (State.FAILED, "dial"): State.DIALLING,
    (State.DIALLING, "open"): State.SYNCHRONISING,
    (State.SYNCHRONISING, "snapshot"): State.CONNECTED,
    (State.DIALLING, "lose"): State.WAITING,
    (State.SYNCHRONISING, "lose"): State.WAITING,
    (State.CONNECTED, "lose"): State.WAITING,
    (State.DIALLING, "fail"): State.FAILED,
    (State.SYNCHRONISING, "fail"): State.FAILED,
    (State.CONNECTED, "fail"): State.FAILED,
    (State.IDLE, "close"): State.CLOSED,
    (State.DIALLING, "close"): State.CLOSED,
    (State.SYNCHRONISING, "close"): State.CLOSED,
    (State.CONNECTED, "close"): State.CLOSED,
    (State.WAITING, "close"): State.CLOSED,
    (State.FAILED, "close"): State.CLOSED,
    (State.CLOSED, "close"): State.CLOSED,
}
"""The client's state machine: what may happen where, and where it leads. Anything else is a bug of the shell."""


class ClientCounters:
    """What went over the wire since the client was made."""

    def __init__(self) -> None:
        self.frames_in = 0
        self.frames_out = 0
        self.messages_in = 0
        self.messages_out = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.connections = 0
        self.duplicates = 0
        self.gaps = 0
        self.malformed = 0

    def as_dict(self) -> dict[str, int]:
        """All of them by name."""
        return dict(vars(self))


_MAX_BODY = MAX_FRAME - 1024


@cache
def _head(name: str) -> bytes:
    """How the payload of this command begins."""
    return b'{"command":%b,"params":' % encode(name)


class ClientSession:
    """One client's conversation with one server, across every cut.

    Args:
        settings: the numbers of the wire contract.
        session_id: 128 random bits as text; known to this client and its server alone.
        wall: Unix milliseconds for a monotonic time, for the envelopes' timestamps.
        luck: a number in [0, 1) for the jitter of the reconnect delays.
        token: sent as the first message where the server asks for one.
        persistent: keep trying also when the first connection fails.
    """

    def __init__(
        self,
        settings: Settings,
        session_id: str,
        *,
        wall: Callable[[float], int],
        luck: Callable[[], float],
        token: str | None = None,
        persistent: bool = False,
    ) -> None:
        self.settings = settings
        self.session_id = session_id
        self.state = State.IDLE
        self.extended = False
        self.ever_connected = False
        self.persistent = persistent
        self.epoch = ""
        self.next_attempt_at: float | None = None
        self.last_loss: Loss | None = None
        self.metadata: dict[str, Any] = {}
        self.mirror = Mirror(settings.resync_repeat)
        self.outbox = Outbox(settings)
        self.backoff = Backoff(settings)
        self.clock = ClockOffset()
        self.counters = ClientCounters()
        self.round_trip: float | None = None
        self.condemned: Loss | None = None
        """Why the shell was told to drop the connection."""
        self._wall = wall
        self._luck = luck
        self.token = token
        self._heartbeat: Heartbeat | None = None
        self._orderer = self._new_orderer(0)
        self._synchronise_by: float | None = None
        self._connects = 0
        self._urgent: dict[str, Outgoing] = {}
        self._urgent_count = 0
        self._awaited: set[Outgoing] = set()
        self._frames: list[bytes] = []
        self._events: list[ClientEvent] = []
        self.on_batch: Callable[[SentBatch], None] | None = None
        """Told of every frame of commands, if set."""

    # What a user sees.

    @property
    def connection_state(self) -> str:
        """One of disconnected, connecting, connected, reconnecting, error."""
        if self.ever_connected and self.state in (State.DIALLING, State.SYNCHRONISING):
            return WORDS[State.WAITING]
        return WORDS[self.state]

    @property
    def has_output(self) -> bool:
        """Whether there are frames to take or events to tell."""
        return bool(self._frames or self._events)

    @property
    def last_event(self) -> int:
        """The number of the last event delivered."""
        return max(0, self._orderer.cursor)

    def query(self) -> dict[str, str]:
        """What the next connect says about itself in its address."""
        self._connects += 1
        return {
            "session": self.session_id,
            "epoch": self.epoch,
            "last": str(self.last_event),
            "attempt": str(self._connects),
        }

    # Taking what there is to send and to tell.

    def take_frames(self) -> list[bytes]:
        """The frames to hand to the transport, in order."""
        frames, self._frames = self._frames, []
        self.counters.frames_out += len(frames)
        return frames

    def take_events(self) -> list[ClientEvent]:
        """What has happened since the last time, in order."""
        events, self._events = self._events, []
        return events

    # The life of connections.

    def dial(self, now: float) -> None:
        """Make a connection now; also resets the ladder of delays."""
        self.backoff.reset()
        self._dial(now)

    def opened(self, extended: bool, now: float) -> None:
        """A connection stands; the snapshot is awaited. ``extended`` if the server chose ``mbot.v2``."""
        self._go("open")
        self.extended = extended
        self._synchronise_by = now + self.settings.auth_timeout
        if self.token is not None:
            self._frames.append(envelope(b"auth", to_json({"token": self.token}), self._wall(now)))

    def lost(self, loss: Loss, now: float, *, give_up: bool = False) -> None:
        """The connection ended, or none could be made."""
        if self.state in (State.CLOSED, State.WAITING, State.FAILED, State.IDLE):
            return
        previous = self.connection_state
        self.condemned = None
        self.last_loss = loss
        self._frames.clear()
        self._heartbeat = None
        self._synchronise_by = None
        self.outbox.queue.in_flight = False
        self._orderer.forget()
        self.mirror.forget_request()
        final = give_up or is_final(loss) or not (self.ever_connected or self.persistent)
        self._go("fail" if final else "lose")
        self.next_attempt_at = None if final else now + self.backoff.next_delay(loss, self._luck())
        self._changed(previous, now, loss=loss)
        for command in [command for command in self._urgent.values() if command.name == "release_stop"]:
            self._settle_unknown(command, now)
        if not self.extended:
            self._forget(now)
        if final:
            self._fail_everything(loss, now)

    def close(self, now: float) -> None:
        """End for good: what is not delivered is settled, nothing more is sent."""
        previous = self.connection_state
        self._go("close")
        self._frames.clear()
        self._heartbeat = self._synchronise_by = self.next_attempt_at = None
        if previous != self.connection_state:
            self._changed(previous, now)
        self._fail_everything(None, now)

    def timeout(self, now: float) -> None:
        """Do what is due by now."""
        if self.state is State.WAITING and self.next_attempt_at is not None and now >= self.next_attempt_at:
            self._dial(now)
        if self._synchronise_by is not None and now >= self._synchronise_by:
            seconds = self.settings.auth_timeout
            self._drop(LossKind.TIMEOUT, f"the server sent no snapshot within {seconds:g} s", CloseCode.PROTOCOL_ERROR)
            self._synchronise_by = None
        for command in [command for command in self._awaited if command.deadline is not None and now >= command.deadline]:
            self._give_up(command, now)
        if self.state is not State.CONNECTED:
            return
        if self.outbox.queue.due(now):
            self.flush(now, "window")
        self._deliver(self._orderer.expire(now), now)
        if self.mirror.resync_due is not None and now >= self.mirror.resync_due:
            self._ask_for_snapshot(now)
        heartbeat = self._heartbeat
        if heartbeat is not None:
            if heartbeat.is_dead(now):
                seconds = self.settings.pong_timeout
                self._drop(LossKind.TIMEOUT, f"the server did not answer a ping within {seconds:g} s", CloseCode.GOING_AWAY)
            elif now >= heartbeat.next_ping:
                self.ping(now)

    def next_deadline(self) -> float | None:
        """When :meth:`timeout` must be called, unless something else happens before."""
        times = [self.next_attempt_at, self._synchronise_by, self._orderer.next_deadline(), self.mirror.resync_due]
        if self._awaited:
            times += [command.deadline for command in self._awaited]
        if self._heartbeat is not None:
            times += [self._heartbeat.next_deadline(), self.outbox.queue.next_deadline()]
        return min((time for time in times if time is not None), default=None)

    # Sending.

    def command(
        self,
        name: str,
        params: Any,
        now: float,
        *,
        reply: bool = False,
        timeout: float | None = None,
    ) -> Outgoing:
        """Take one command to send: an urgent one at once, an awaited one with all that is queued, any other in its batch.

        Raises:
            ValueError, TypeError: the parameters are not plain, finite data.
        """
        if name in URGENT:
            return self._send_urgent(name, params, now, timeout)
        reply = reply and (self.extended or not self.ever_connected)
        body = _head(name) + to_json(params)
        if reply:
            body += b',"reply":true'
        size = len(body)
        if size > _MAX_BODY:
            raise ValueError(f"{name}: {size} bytes of parameters do not fit into a frame of 1 MiB")
        command = Outgoing(name, body, now, name in MOTIONS, reply)
        if reply and timeout is not None:
            command.deadline = now + timeout
            self._awaited.add(command)
        outbox = self.outbox
        if self.state is not State.CONNECTED:
            outbox.add(command, now)
            return command
        queue = outbox.queue
        nbytes = size + ENVELOPE_BYTES
        if queue.bytes + nbytes > queue.max_bytes:
            self.flush(now, "bytes")
        outbox.held_bytes += size
        due = queue.add(command, nbytes, now)
        if reply:
            self.flush(now, "flush")
        elif due is not None:
            self.flush(now, due)
        return command

    def flush(self, now: float, reason: FlushReason = "flush") -> None:
        """Send what is queued now."""
        if self.state is not State.CONNECTED:
            return
        sent = self.outbox.flush(now, self._wall(now), reason, self._expiry)
        if sent is not None:
            self._hand_over(*sent)
            if not self.extended:
                self._events.append(Acknowledged(now, sent[1].commands))
        self._tell_expired(now)

    def ping(self, now: float) -> int | None:
        """Begin a round trip; returns its id, or None without a connection."""
        if self._heartbeat is None:
            return None
        id = self._heartbeat.ping(now)
        self._frames.append(envelope(b"ping", b'{"id":%d}' % id, self._wall(now)))
        self.counters.messages_out += 1
        return id

    # Receiving.

    def receive(self, text: str, now: float) -> None:
        """One frame has come."""
        counters = self.counters
        counters.frames_in += 1
        counters.bytes_in += len(text)
        self.heard(now)
        for message in ServerFrames.decode(text, max_batch=self.settings.max_batch_received):
            counters.messages_in += 1
            if isinstance(message, (m.EventMessage, ProtocolError)):
                sequence = message.sequence
                if sequence is None:
                    self._event(message, now)
                else:
                    self._deliver(self._orderer.receive(sequence, message, len(text), now), now)
            elif isinstance(message, m.StateMessage):
                self._state(message.payload, now)
            elif isinstance(message, m.PongMessage):
                self._pong(message.payload, now)
            elif isinstance(message, m.ErrorMessage):
                self._error(message.payload, now)
            else:
                self._frames.append(envelope(b"pong", encode(message.payload), self._wall(now)))
            ack = getattr(message, "ack", None)
            if ack is not None and self.extended and self.state is State.CONNECTED:
                self._acknowledge(ack, now)

    def heard(self, now: float) -> None:
        """Anything at all has come: the server lives."""
        if self._heartbeat is not None:
            self._heartbeat.heard(now)

    def _deliver(self, items: list[Any], now: float) -> None:
        self.counters.duplicates = self._orderer.duplicates
        for item in items:
            if type(item) is Gap:
                self._missed(item.expected, item.got, now)
            else:
                self._event(item, now)

    def _event(self, message: m.EventMessage | ProtocolError, now: float) -> None:
        if isinstance(message, ProtocolError):
            self.counters.malformed += 1
            self._events.append(Trouble(now, message.code, f"the server sent what cannot be read: {message}", None))
            if message.code == "VERSION_MISMATCH":
                self._drop(LossKind.VERSION, f"the server speaks another version of the protocol: {message}", CloseCode.PROTOCOL_ERROR)
            return
        name, data = message.payload.event, message.payload.data
        if name == "error" and isinstance(data, dict) and data.get("code") == "AUTH_REQUIRED":
            self._token_wanted(str(data.get("message", "")))
        if name == "command_result" and isinstance(data, dict):
            self._answer(data, now)
        self._events.append(EventReceived(now, name, data, message.sequence, message.timestamp))

    def _state(self, payload: dict[str, Any], now: float) -> None:
        if payload.get("delta") is True:
            if self.state is not State.SYNCHRONISING and self.mirror.delta(payload, now):
                self._events.append(StateChanged(now, "delta", payload, self.mirror.revision))
            elif self.mirror.resync_due is not None and now >= self.mirror.resync_due:
                self._ask_for_snapshot(now)
            return
        self.mirror.snapshot(payload, now)
        self._events.append(StateChanged(now, "snapshot", payload, self.mirror.revision))
        if self.state is State.SYNCHRONISING:
            self._synchronised(payload, now)
        elif self.mirror.resync_due is not None:
            self._ask_for_snapshot(now)

    def _synchronised(self, payload: dict[str, Any], now: float) -> None:
        """The first snapshot of a connection: settle what of the past still stands, then go on."""
        previous = self.connection_state
        metadata = payload.get("metadata")
        self.metadata = metadata if isinstance(metadata, dict) else {}
        self._synchronise_by = None
        again = self.ever_connected
        outbox = self.outbox
        outbox.acknowledging = self.extended
        epoch = payload.get("epoch")
        cursor = payload.get("lastSequence")
        resumed = self.extended and payload.get("reconnected") is True and epoch == self.epoch and isinstance(cursor, int)
        self._go("snapshot")
        self.ever_connected = True
        self.next_attempt_at = None
        attempt = self.backoff.attempts
        self.backoff.reset()
        self.counters.connections += 1
        self._heartbeat = Heartbeat(self.settings, now)
        self._changed(previous, now, attempt=attempt, resumed=resumed if again else None)
        if resumed and isinstance(cursor, int):
            self._resume(payload, cursor, now)
        else:
            self.epoch = epoch if isinstance(epoch, str) else ""
            self.clock = ClockOffset()
            self._orderer = self._new_orderer(0 if self.extended else None)
            self._forget(now)
        for command in outbox.drop_old_motion(now):
            self._settled(command, now)
        self.ping(now)
        for command in list(self._urgent.values()):
            self._transmit_urgent(command, now)
        if resumed:
            for frame, sent in outbox.resend(now, self._wall(now), self._expiry):
                self._hand_over(frame, sent)
        self._flush_queue(now)
        self._tell_expired(now)

    def _flush_queue(self, now: float) -> None:
        """What was queued while there was no connection, in batches of the right size."""
        queue = self.outbox.queue
        waiting = queue.items
        queue.items, queue.bytes, queue.deadline = [], 0, None
        for command in waiting:
            self.outbox.held_bytes -= len(command.body)
            if queue.overflows(len(command.body) + ENVELOPE_BYTES):
                self.flush(now, "bytes")
            due = self.outbox.add(command, now)
            if due is not None:
                self.flush(now, due)
        self.flush(now, "resend")

    def _resume(self, payload: dict[str, Any], cursor: int, now: float) -> None:
        self._acknowledge(cursor, now)
        for span in payload.get("skipped") or ():
            if isinstance(span, list) and len(span) == 2 and all(isinstance(end, int) for end in span):
                for command in self.outbox.skipped(span[0], span[1]):
                    self._settled(command, now)
        oldest = payload.get("firstSequence")
        if isinstance(oldest, int) and oldest > self._orderer.cursor + 1:
            self._missed(self._orderer.cursor + 1, oldest, now)
            self._orderer.cursor = oldest - 1

    def _forget(self, now: float) -> None:
        """The server does not know us: what was transmitted can no longer be known, and numbers start at 1."""
        for command in self.outbox.restart():
            self._settled(command, now)
        for command in self._urgent.values():
            command.after = 0

    def _pong(self, payload: dict[str, Any], now: float) -> None:
        if self._heartbeat is None or not payload:
            return
        times = self._heartbeat.pong(payload.get("id"), now)
        if times is None:
            return
        sent, self.round_trip = times
        clock = payload.get("server_clock")
        if isinstance(clock, (int, float)):
            self.clock.observe(sent, now, clock / 1000)
        self._events.append(RoundTrip(payload["id"], sent, now))

    def _error(self, error: m.ErrorPayload, now: float) -> None:
        if error.code == "AUTH_REQUIRED":
            self._token_wanted(error.message)
        elif error.code == "VERSION_MISMATCH":
            self._drop(LossKind.VERSION, f"the server refused our protocol version: {error.message}", CloseCode.PROTOCOL_ERROR)
        elif error.code == "SEQUENCE_GAP" and isinstance(error.details, dict):
            expected, got = error.details.get("expected"), error.details.get("got")
            if isinstance(expected, int) and isinstance(got, int):
                for command in self.outbox.skipped(expected, got - 1):
                    self._settled(command, now)
        if error.id is not None and error.id in self._urgent:
            self._answer({"id": error.id, "ok": False, "error": {"code": error.code, "message": error.message}}, now)
        self._events.append(Trouble(now, error.code, error.message, error.details))

    def _token_wanted(self, message: str) -> None:
        if self.token is None and self.state is State.SYNCHRONISING:
            self._drop(LossKind.TOKEN, f"the server wants a token ({message})", CloseCode.NORMAL)

    def _missed(self, expected: int, got: int, now: float) -> None:
        self.counters.gaps += 1
        self._events.append(EventsMissed(now, expected, got))

    # What becomes of commands.

    def _acknowledge(self, cursor: int, now: float) -> None:
        settled = self.outbox.acknowledge(cursor, now)
        if settled:
            self._events.append(Acknowledged(now, settled))

    def _answer(self, data: dict[str, Any], now: float) -> None:
        """A `command_result` names its command by id or by number."""
        id, sequence = data.get("id"), data.get("sequence")
        command = self._urgent.pop(id, None) if isinstance(id, str) else None
        if command is None and isinstance(sequence, int):
            command = self.outbox.find(sequence)
        if command is None:
            return
        command.answered_at = now
        if data.get("ok") is True:
            result = data.get("result")
            command.result = result
            if command.settle("done"):
                self._settled(command, now)
            return
        error = data.get("error")
        error = error if isinstance(error, dict) else {}
        refusal = CommandRejectedError(
            str(error.get("code", "INTERNAL_ERROR")),
            str(error.get("message", "the server gave no reason")),
            command=command.name,
            details=error.get("details") if isinstance(error.get("details"), dict) else None,
        )
        if command.settle("rejected", refusal):
            self._settled(command, now)

    def _give_up(self, command: Outgoing, now: float) -> None:
        """An awaited command got no answer in time."""
        waited = now - command.queued_at
        where = "no connection came" if command.sent_at is None else "no answer came"
        again = "It was not sent." if command.sent_at is None else "It may still be carried out: look at bot.state."
        error = CommandTimeoutError(f"{command.name}: {where} within {waited:.1f} s. {again}", command=command.name)
        if command.sent_at is None and command.sequence is None:
            self.outbox._drop(lambda queued: queued is command)
        if command.settle("timeout", error):
            self._settled(command, now)
        else:
            self._awaited.discard(command)

    def _settled(self, command: Outgoing, now: float) -> None:
        self._awaited.discard(command)
        self._events.append(Settled(now, command))

    def _tell_expired(self, now: float) -> None:
        expired, self.outbox.expired = self.outbox.expired, []
        for command in expired:
            self._settled(command, now)

    def _settle_unknown(self, command: Outgoing, now: float) -> None:
        if command.id is not None:
            self._urgent.pop(command.id, None)
        message = f"{command.name}: the connection was lost before the answer came; it may or may not have been carried out. Look at bot.state.latch."
        if command.settle("unknown", DeliveryUnknownError(message, command=command.name)):
            self._settled(command, now)

    def _fail_everything(self, loss: Loss | None, now: float) -> None:
        """There will be no connection any more: nothing may wait for one."""
        why = f"there is no connection ({loss}); bot.reconnect() tries again" if loss else "the client was closed"
        for command in self.outbox.restart():
            self._settled(command, now)
        for command in [*self.outbox.drop_all(), *self._urgent.values()]:
            error = NotConnectedError(f"{command.name} was not delivered: {why}.")
            if command.settle("unsent", error):
                self._settled(command, now)
        self._urgent.clear()

    # Urgent commands.

    def _send_urgent(self, name: str, params: Any, now: float, timeout: float | None) -> Outgoing:
        if name != "release_stop":
            for command in self.outbox.drop_motion():
                self._settled(command, now)
        self._urgent_count += 1
        id = f"urgent-{self._connects}-{self._urgent_count}"
        after = self.outbox.next_sequence - 1
        body = b'{"command":%b,"params":%b,"id":%b' % (encode(name), to_json(params), encode(id))
        command = Outgoing(name, body, now, False, True)
        command.id = id
        command.after = after
        if timeout is not None:
            command.deadline = now + timeout
            self._awaited.add(command)
        self._urgent[id] = command
        if self.state is State.CONNECTED:
            self._transmit_urgent(command, now)
        return command

    def _transmit_urgent(self, command: Outgoing, now: float) -> None:
        command.sent_at = now
        body = b'%b,"after":%d}' % (command.body, command.after or 0)
        frame = envelope(b"command", body, self._wall(now))
        self._hand_over(frame, SentBatch(now, [command], len(frame), "urgent"))
        if not self.extended and command.id is not None:
            # A server that answers nothing is told once.
            del self._urgent[command.id]
            if command.settle("sent"):
                self._settled(command, now)

    # Small change.

    def _hand_over(self, frame: bytes, sent: SentBatch) -> None:
        self._frames.append(frame)
        self.counters.messages_out += len(sent.commands)
        self.counters.bytes_out += len(frame)
        if self.on_batch is not None:
            self.on_batch(sent)

    def _expiry(self, now: float, remaining: float) -> float | None:
        """The server's clock (ms) after which a motion sent now must not begin."""
        latest = self.clock.latest(now)
        return None if latest is None else (latest + remaining) * 1000

    def _ask_for_snapshot(self, now: float) -> None:
        self.mirror.asked(now)
        self.outbox.add(Outgoing("sync_state", b'{"command":"sync_state","params":{}', now, False, False), now)
        self.flush(now, "flush")

    def _dial(self, now: float) -> None:
        previous = self.connection_state
        self._go("dial")
        self.next_attempt_at = None
        self.backoff.begin()
        self._changed(previous, now)
        self._events.append(Dial(self.backoff.attempts))

    def _drop(self, kind: LossKind, detail: str, code: int) -> None:
        """This connection is of no use: the shell takes it down and then says that it is lost, with this reason."""
        self.condemned = Loss(kind, detail)
        self._events.append(Drop(code, detail))

    def _go(self, happening: str) -> None:
        self.state = TRANSITIONS[self.state, happening]

    def _changed(
        self,
        previous: str,
        now: float,
        *,
        loss: Loss | None = None,
        attempt: int | None = None,
        resumed: bool | None = None,
    ) -> None:
        attempt = self.backoff.attempts if attempt is None else attempt
        self._events.append(
            ConnectionChanged(now, self.connection_state, previous, attempt, self.next_attempt_at, loss, resumed)
        )

    def _new_orderer(self, start: int | None) -> Orderer[Any]:
        s = self.settings
        return Orderer(start=start, messages=s.reorder_messages, nbytes=s.reorder_bytes, wait=s.reorder_wait)
