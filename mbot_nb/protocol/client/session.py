"""One client's conversation with one server.

A shell feeds :class:`ClientSession` what arrives (:meth:`~ClientSession.receive`), reports what
becomes of its connections (:meth:`~ClientSession.on_open`, :meth:`~ClientSession.on_lost`), calls
:meth:`~ClientSession.timeout` at :meth:`~ClientSession.next_deadline`, and after each of these
takes the frames to send and the events to pass on. One session outlives many connections.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...commands import MOTIONS, URGENT
from ...errors import ProtocolError
from .. import messages as m
from ..backoff import Backoff
from ..batching import FlushReason
from ..codec import ENVELOPE_BYTES, Envelope, ServerFrames, encode, event_data
from ..heartbeat import ClockOffset, Heartbeat, PeerTimeout
from ..loss import CloseCode, Loss, LossKind, is_final
from ..mirror import Mirror
from ..ordering import Gap, Orderer
from ..settings import BatchPolicy, Settings
from .events import (
    BatchingChanged,
    ClientEvent,
    ConnectionChanged,
    Dial,
    Drop,
    ErrorReceived,
    EventReceived,
    EventsMissed,
    PingLost,
    RoundTrip,
    StateChanged,
)
from .outbox import OutgoingCommand, SentBatch, command_payload
from .pending import PendingCommands
from .states import STATE_NAMES, TRANSITIONS, ClientCounters, ClientState

__all__ = ["ClientSession"]

_CONNECTED = ClientState.CONNECTED  # asking an Enum for a member costs as much as a small call


class ClientSession:
    """One client's conversation with one server, across every cut.

    Args:
        settings: the numbers of the wire contract.
        session_id: 128 random bits as text; known to this client and its server alone.
        wall: Unix milliseconds for a monotonic time, for the envelopes' timestamps.
        random_source: a number in [0, 1) for the jitter of the reconnect delays.
        token: sent as the first message where the server asks for one.
        persistent: keep trying also when the first connection fails.
    """

    def __init__(
        self,
        settings: Settings,
        session_id: str,
        *,
        wall: Callable[[float], int],
        random_source: Callable[[], float],
        token: str | None = None,
        persistent: bool = False,
    ) -> None:
        self.settings = settings
        self.session_id = session_id
        self.token = token
        self.persistent = persistent
        """Keep trying also when the first connection fails."""
        self.state = ClientState.IDLE
        self.extended = False
        """Whether the server chose ``mbot.v2``."""
        self.ever_connected = False
        self.next_attempt_at: float | None = None
        self.last_loss: Loss | None = None
        self.pending_close: Loss | None = None
        """Why the shell was asked to drop the connection."""
        self.backoff = Backoff(settings)
        self.epoch = ""
        self.metadata: dict[str, Any] = {}
        self.mirror = Mirror(settings.resync_repeat)
        self.clock = ClockOffset()
        self.round_trip: float | None = None
        self.counters = ClientCounters()
        self.events: list[ClientEvent] = []
        self.frames: list[bytes] = []
        self.on_batch: Callable[[SentBatch], None] | None = None
        """Called with every frame of commands, if set."""
        self.on_frame: Callable[[float, str, list[Any]], None] | None = None
        """Called with every frame that comes and the messages in it, if set."""
        self._wall = wall
        self._random_source = random_source
        self._pending = PendingCommands(settings, self.events.append)
        self.outbox = self._pending.outbox
        self._heartbeat: Heartbeat | None = None
        self._orderer = self._new_orderer(0)
        self._snapshot_timeout: PeerTimeout | None = None
        self._connects = 0

    @property
    def last_event(self) -> int:
        """The number of the last event delivered."""
        return max(0, self._orderer.cursor)

    def query(self) -> dict[str, str]:
        """Return what the next connect says about itself in its address."""
        self._connects += 1
        return {
            "session": self.session_id,
            "epoch": self.epoch,
            "last": str(self.last_event),
            "attempt": str(self._connects),
        }

    @property
    def connection_state(self) -> str:
        """One of disconnected, connecting, connected, reconnecting, error."""
        if self.ever_connected and self.state in (ClientState.DIALLING, ClientState.SYNCHRONISING):
            return STATE_NAMES[ClientState.WAITING]
        return STATE_NAMES[self.state]

    def take_events(self) -> list[ClientEvent]:
        """Take the events since the last time, in order."""
        events = self.events[:]
        self.events.clear()
        return events

    def take_frames(self) -> list[bytes]:
        """Take the frames to hand to the transport, in order."""
        frames, self.frames = self.frames, []
        counters = self.counters
        counters.frames_out += len(frames)
        counters.bytes_out += sum(map(len, frames))
        return frames

    # Connections.

    def dial(self, now: float) -> None:
        """Make a connection now; also resets the ladder of delays."""
        self.backoff.reset()
        self._dial(now)

    def on_open(self, extended: bool, now: float) -> None:
        """A connection stands; the snapshot is awaited. ``extended`` if the server chose
        ``mbot.v2``."""
        self._transition("open")
        self.extended = extended
        s = self.settings
        self._snapshot_timeout = PeerTimeout(s.auth_timeout, s.stall, s.pong_timeout, now)
        if self.token is not None:
            self._append_message("auth", {"token": self.token}, now)

    def on_lost(self, loss: Loss, now: float) -> None:
        """The connection ended, or none could be made."""
        if (self.state, "lose") not in TRANSITIONS:
            return
        self._reset_connection()
        previous = self.connection_state
        self.pending_close = None
        self.last_loss = loss
        final = is_final(loss) or not (self.ever_connected or self.persistent)
        self._transition("fail" if final else "lose")
        self.next_attempt_at = (
            None if final else now + self.backoff.next_delay(loss, self._random_source())
        )
        self._connection_changed(previous, now, loss=loss)
        self._pending.connection_lost(now)
        if final:
            self._start_afresh(now)
            self._pending.fail(loss, now)

    def close(self, now: float) -> None:
        """End the session: what is not delivered is settled, nothing more is sent."""
        self._reset_connection()
        previous = self.connection_state
        self._transition("close")
        self.pending_close = self.next_attempt_at = None
        if previous != self.connection_state:
            self._connection_changed(previous, now)
        self._start_afresh(now)
        self._pending.fail(None, now)

    def timeout(self, now: float) -> None:
        """Do what is due by now."""
        if self.pending_close is not None:
            return
        if self.next_attempt_at is not None and now >= self.next_attempt_at:
            self._dial(now)
        self._pending.expire(now)
        settings = self.settings
        if self._snapshot_timeout is not None and self._snapshot_timeout.has_expired(now):
            self._drop(
                LossKind.TIMEOUT,
                f"the server sent no snapshot within {settings.auth_timeout:g} s",
                CloseCode.PROTOCOL_ERROR,
            )
        heartbeat = self._heartbeat
        if heartbeat is None:
            return
        if self.outbox.queue.due(now):
            self.flush(now, "window")
        self._deliver(self._orderer.expire(now), now)
        if self.mirror.resync_due is not None and now >= self.mirror.resync_due:
            self._ask_for_snapshot(now)
        if heartbeat.has_timed_out(now):
            detail = f"the server did not answer a ping within {settings.pong_timeout:g} s"
            self._drop(LossKind.TIMEOUT, detail, CloseCode.GOING_AWAY)
            return
        self.events += [PingLost(id, sent, now) for id, sent in heartbeat.expire_pings(now)]
        if now >= heartbeat.next_ping:
            self.ping(now)

    def next_deadline(self) -> float | None:
        """When :meth:`timeout` must be called, unless something else happens before."""
        if self.pending_close is not None:
            return None
        deadline = self.next_attempt_at
        for time in (
            self._heartbeat.next_deadline() if self._heartbeat is not None else None,
            self.outbox.queue.next_deadline() if self._heartbeat is not None else None,
            self._pending.next_deadline(),
            self._orderer.next_deadline(),
            self.mirror.resync_due,
            self._snapshot_timeout.deadline if self._snapshot_timeout is not None else None,
        ):
            if time is not None and (deadline is None or time < deadline):
                deadline = time
        return deadline

    def _connection_ready(self, now: float, resumed: bool) -> None:
        """The first snapshot has come: the connection stands, and the server remembers us or
        not."""
        previous = self.connection_state
        again, attempt = self.ever_connected, self.backoff.attempts
        self._transition("snapshot")
        self.ever_connected = True
        self.backoff.reset()
        self._connection_changed(previous, now, attempt=attempt, resumed=resumed if again else None)

    def _dial(self, now: float) -> None:
        previous = self.connection_state
        self._transition("dial")
        self.next_attempt_at = None
        self.backoff.start_attempt()
        self._connection_changed(previous, now)
        self.events.append(Dial(self.backoff.attempts))

    def _drop(self, kind: LossKind, detail: str, code: int) -> None:
        """This connection is of no use: the shell takes it down and then says that it is lost, with
        this reason."""
        self.pending_close = Loss(kind, detail)
        self.events.append(Drop(code, detail))

    def _transition(self, trigger: str) -> None:
        self.state = TRANSITIONS[self.state, trigger]

    def _connection_changed(
        self,
        previous: str,
        now: float,
        *,
        loss: Loss | None = None,
        attempt: int | None = None,
        resumed: bool | None = None,
    ) -> None:
        attempt = self.backoff.attempts if attempt is None else attempt
        self.events.append(
            ConnectionChanged(
                now, self.connection_state, previous, attempt, self.next_attempt_at, loss, resumed
            )
        )

    # Sending.

    def command(
        self,
        name: str,
        params: Any,
        now: float,
        *,
        reply: bool = False,
        timeout: float | None = None,
    ) -> OutgoingCommand:
        """Take one command to send: a stop at once, an awaited one with all that is queued,
        any other in its batch.

        A baseline server answers nothing: an awaited command is settled as `sent`.

        Raises:
            ValueError, TypeError: the parameters are not plain, finite data, or too large.
        """
        if name in URGENT:
            return self._send_stop(name, params, now, timeout)
        asks = reply and (self.extended or not self.ever_connected)
        payload = command_payload(m.CommandPayload(name, params, None, asks))
        command = OutgoingCommand(name, payload, now, name in MOTIONS, reply)
        if reply and timeout is not None:
            self._pending.expect(command, now + timeout)
        outbox = self.outbox
        if self.state is not _CONNECTED:
            outbox.add(command, now)
            return command
        queue = outbox.queue
        size = len(payload)
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
        if self.state is not _CONNECTED:
            return
        sent = self.outbox.flush(now, self._wall(now), reason, self._expiry)
        if sent is None:
            return
        self._append_batch(sent)
        if self.outbox.expired:
            self._pending.report_expired(now)
        if not self.extended:
            self._pending.mark_sent(sent.commands, now)

    def set_batching(self, window: float, size: int, policy: BatchPolicy, now: float) -> None:
        """Send what is queued, then batch by these numbers: seconds and commands."""
        self.flush(now)
        self.outbox.set_batching(window, size, policy)
        self.events.append(BatchingChanged(now, window, size, policy))

    def ping(self, now: float, *, awaited: bool = False) -> int | None:
        """Start a round trip; returns its id, or None without a connection. One that is awaited
        ends with an event, also when no answer comes."""
        if self._heartbeat is None:
            return None
        id = self._heartbeat.ping(now, awaited=awaited)
        self._append_message("ping", {"id": id}, now)
        return id

    def _send_stop(
        self, name: str, params: Any, now: float, timeout: float | None
    ) -> OutgoingCommand:
        command = self._pending.stops.new(name, params, self.outbox.next_sequence - 1, now)
        if name != "release_stop":
            self._pending.report(self.outbox.drop_motion(), now)
        if timeout is not None:
            self._pending.expect(command, now + timeout)
        if self.state is ClientState.CONNECTED:
            self._transmit_stop(command, now)
        return command

    def _transmit_stop(self, command: OutgoingCommand, now: float) -> None:
        self._append_batch(self._pending.stops.transmit(command, now, self._wall(now)))
        if not self.extended:
            # A server that answers nothing gets it once.
            self._pending.stops.pop(command.id)
            command.settle("sent")
            self._pending.mark_sent([command], now)

    def _append_batch(self, sent: SentBatch) -> None:
        self.frames.append(sent.frame)
        self.counters.messages_out += len(sent.commands)
        if self.on_batch is not None:
            self.on_batch(sent)

    def _append_message(self, kind: str, payload: dict[str, Any], now: float) -> None:
        """Send what is no command."""
        self.frames.append(encode(Envelope(kind, payload, self._wall(now))))
        self.counters.messages_out += 1

    def _expiry(self, now: float, remaining: float) -> float | None:
        """The server's clock (ms) after which a motion sent now must not begin."""
        latest = self.clock.latest(now)
        return None if latest is None else (latest + remaining) * 1000

    # Receiving.

    def receive(self, text: str, now: float) -> None:
        """Take one frame that has come."""
        if self.state is not _CONNECTED and self.state is not ClientState.SYNCHRONISING:
            return
        counters = self.counters
        counters.frames_in += 1
        counters.bytes_in += len(text) if text.isascii() else len(text.encode(errors="replace"))
        self.note_activity(now)
        messages = ServerFrames.decode(text, max_batch=self.settings.max_batch_received)
        if self.on_frame is not None:
            self.on_frame(now, text, messages)
        for message in messages:
            counters.messages_in += 1
            if isinstance(message, (m.EventMessage, ProtocolError)):
                sequence = message.sequence
                if sequence is None:
                    self._on_event(message, now)
                else:
                    self._deliver(self._orderer.receive(sequence, message, len(text), now), now)
            elif isinstance(message, m.StateMessage):
                self._on_state(message.payload, now)
            elif isinstance(message, m.PongMessage):
                self._on_pong(message.payload, now)
            elif isinstance(message, m.ErrorMessage):
                self._on_error(message.payload, now)
            else:
                self._append_message("pong", message.payload, now)
            ack = getattr(message, "ack", None)
            if ack is not None and self.extended and self.state is _CONNECTED:
                self._pending.acknowledge(ack, now)

    def note_activity(self, now: float) -> None:
        """Note that anything at all has come: the server is alive."""
        if self._heartbeat is not None:
            self._heartbeat.note_activity(now)

    def _deliver(self, items: list[Any], now: float) -> None:
        self.counters.duplicates = self._orderer.duplicates
        for item in items:
            if type(item) is Gap:
                self._on_gap(item.expected, item.got, now)
            else:
                self._on_event(item, now)

    def _on_event(self, message: m.EventMessage | ProtocolError, now: float) -> None:
        try:
            if isinstance(message, ProtocolError):
                raise message
            data = event_data(message)
        except ProtocolError as error:
            self.counters.malformed += 1
            self.events.append(
                ErrorReceived(
                    now, error.code, f"the server sent what cannot be read: {error}", None
                )
            )
            if error.code == "VERSION_MISMATCH":
                self._drop(
                    LossKind.VERSION,
                    f"the server speaks another version of the protocol: {error}",
                    CloseCode.PROTOCOL_ERROR,
                )
            return
        name, text = message.payload.event, message.payload.data
        if isinstance(data, dict):
            if name == "error" and data.get("code") == "AUTH_REQUIRED":
                self._drop_without_token(str(data.get("message", "")))
            elif name == "command_result":
                self._pending.answer(data, now)
        self.events.append(
            EventReceived(now, name, data, message.sequence, message.timestamp, text)
        )

    def _on_gap(self, expected: int, got: int, now: float) -> None:
        self.counters.gaps += 1
        self.events.append(EventsMissed(now, expected, got))

    def _on_state(self, payload: dict[str, Any], now: float) -> None:
        if payload.get("delta") is not True:
            self.mirror.snapshot(payload, now)
            self.events.append(StateChanged(now, "snapshot", payload, self.mirror.revision))
            if self.state is ClientState.SYNCHRONISING:
                self._synchronise(payload, now)
        elif self.state is ClientState.CONNECTED:
            if self.mirror.delta(payload, now):
                self.events.append(StateChanged(now, "delta", payload, self.mirror.revision))
            elif self.mirror.resync_due is not None and now >= self.mirror.resync_due:
                self._ask_for_snapshot(now)

    def _on_pong(self, payload: dict[str, Any], now: float) -> None:
        # An empty one from an extended server is only there for its acknowledgement.
        if self._heartbeat is None or (self.extended and not payload):
            return
        times = self._heartbeat.pong(payload.get("id"), now)
        if times is None:
            return
        sent, self.round_trip = times
        clock = payload.get("server_clock")
        server_clock = clock / 1000 if isinstance(clock, (int, float)) else None
        if server_clock is not None:
            self.clock.observe(sent, now, server_clock)
        self.events.append(RoundTrip(payload["id"], sent, now, server_clock))

    def _on_error(self, error: m.ErrorPayload, now: float) -> None:
        if error.code == "AUTH_REQUIRED":
            self._drop_without_token(error.message)
        elif error.code == "VERSION_MISMATCH":
            self._drop(
                LossKind.VERSION,
                f"the server refused our protocol version: {error.message}",
                CloseCode.PROTOCOL_ERROR,
            )
        elif error.code == "SEQUENCE_GAP" and isinstance(error.details, dict):
            expected, got = error.details.get("expected"), error.details.get("got")
            if isinstance(expected, int) and isinstance(got, int):
                self._pending.reject_skipped(expected, got - 1, now)
        words = {"code": error.code, "message": error.message, "details": error.details}
        self._pending.answer({"id": error.id, "sequence": error.sequence, "error": words}, now)
        self.events.append(ErrorReceived(now, error.code, error.message, error.details))

    def _drop_without_token(self, message: str) -> None:
        if self.token is None and self.state is ClientState.SYNCHRONISING:
            self._drop(LossKind.TOKEN, f"the server wants a token ({message})", CloseCode.NORMAL)

    # After a cut.

    def _synchronise(self, payload: dict[str, Any], now: float) -> None:
        """The first snapshot of a connection: settle what of the past still stands, then go on."""
        metadata = payload.get("metadata")
        self.metadata = metadata if isinstance(metadata, dict) else {}
        self._snapshot_timeout = None
        self.outbox.acknowledging = self.extended
        epoch = payload.get("epoch")
        cursor = payload.get("lastSequence")
        resumed = (
            self.extended
            and payload.get("reconnected") is True
            and epoch == self.epoch
            and type(cursor) is int
        )
        self._connection_ready(now, resumed)
        self.counters.connections += 1
        self._heartbeat = Heartbeat(self.settings, now)
        if resumed and isinstance(cursor, int):
            self._resume(payload, cursor, now)
        else:
            self._start_afresh(now)
            self.epoch = epoch if isinstance(epoch, str) else ""
            self.clock = ClockOffset()
        self._pending.report(self.outbox.drop_old_motion(now), now)
        self.ping(now)
        for command in self._pending.stops.open():
            self._transmit_stop(command, now)
        for sent in self.outbox.resend(now, self._wall(now), self._expiry):
            self._append_batch(sent)
        self._pending.report_expired(now)
        for due in self.outbox.requeue(now):
            self.flush(now, due)
        self.flush(now, "resend")

    def _resume(self, payload: dict[str, Any], cursor: int, now: float) -> None:
        """The server still knows us: settle what it knows of our commands, and what is missing of
        its events."""
        self._pending.acknowledge(cursor, now)
        for span in payload.get("skipped") or ():
            if (
                isinstance(span, list)
                and len(span) == 2
                and all(isinstance(end, int) for end in span)
            ):
                self._pending.reject_skipped(span[0], span[1], now)
        oldest = payload.get("firstSequence")
        if isinstance(oldest, int) and oldest > self._orderer.cursor + 1:
            self._on_gap(self._orderer.cursor + 1, oldest, now)
            self._orderer.cursor = oldest - 1

    def _start_afresh(self, now: float) -> None:
        """We and the server do not know each other (any more): both directions start at 1."""
        self.epoch = ""
        self._orderer = self._new_orderer(0 if self.extended else None)
        self._pending.restart(now)

    def _ask_for_snapshot(self, now: float) -> None:
        self.mirror.note_request(now)
        self.command("sync_state", {}, now)
        self.flush(now)

    def _reset_connection(self) -> None:
        """What belonged to the connection goes with it."""
        self.frames.clear()
        self._heartbeat = self._snapshot_timeout = None
        self.outbox.queue.in_flight = False
        self._orderer.forget()
        self.mirror.forget_request()

    def _new_orderer(self, start: int | None) -> Orderer[Any]:
        s = self.settings
        return Orderer(
            start=start, messages=s.reorder_messages, nbytes=s.reorder_bytes, wait=s.reorder_wait
        )
