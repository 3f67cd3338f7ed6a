"""One client's conversation with one server.

A shell feeds :class:`ClientSession` what arrives (:meth:`~ClientSession.receive`), tells it what
becomes of its connections (:meth:`~ClientSession.opened`, :meth:`~ClientSession.lost`), calls
:meth:`~ClientSession.timeout` at :meth:`~ClientSession.next_deadline`, and after each of these
takes the frames to send and the events to tell. One session outlives many connections.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import ProtocolError
from .. import messages as m
from ..codec import ServerFrames, encode, to_json
from ..heartbeat import ClockOffset, Heartbeat, Silence
from ..loss import CloseCode, Loss, LossKind
from ..mirror import Mirror
from ..ordering import Gap, Orderer
from ..settings import Settings
from .events import EventReceived, EventsMissed, PingLost, RoundTrip, StateChanged, Trouble
from .sending import Sending
from .states import State

__all__ = ["ClientSession"]

_CONNECTED = State.CONNECTED


class ClientSession(Sending):
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
        super().__init__(settings, luck, persistent=persistent, wall=wall)
        self.session_id = session_id
        self.token = token
        self.epoch = ""
        self.metadata: dict[str, Any] = {}
        self.mirror = Mirror(settings.resync_repeat)
        self.round_trip: float | None = None
        self._orderer = self._new_orderer(0)
        self._no_snapshot: Silence | None = None
        self._connects = 0
        self.on_frame: Callable[[float, str, list[Any]], None] | None = None
        """Told of every frame that comes and the messages in it, if set."""

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

    # The life of connections.

    def opened(self, extended: bool, now: float) -> None:
        """A connection stands; the snapshot is awaited. ``extended`` if the server chose
        ``mbot.v2``."""
        self._go("open")
        self.extended = extended
        s = self.settings
        self._no_snapshot = Silence(s.auth_timeout, s.stall, s.pong_timeout, now)
        if self.token is not None:
            self._say(b"auth", to_json({"token": self.token}), now)

    def lost(self, loss: Loss, now: float) -> None:
        """The connection ended, or none could be made."""
        if self.state in (State.CLOSED, State.WAITING, State.FAILED, State.IDLE):
            return
        self._hang_up()
        final = self._lose(loss, now)
        self._calls.cut(now)
        if final:
            self._forget(now)
            self._calls.fail(loss, now)

    def close(self, now: float) -> None:
        """End for good: what is not delivered is settled, nothing more is sent."""
        self._hang_up()
        self._end(now)
        self._forget(now)
        self._calls.fail(None, now)

    def timeout(self, now: float) -> None:
        """Do what is due by now."""
        if self.condemned is not None:
            return
        if self.next_attempt_at is not None and now >= self.next_attempt_at:
            self._dial(now)
        self._calls.expire(now)
        settings = self.settings
        if self._no_snapshot is not None and self._no_snapshot.is_dead(now):
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
        if heartbeat.is_dead(now):
            detail = f"the server did not answer a ping within {settings.pong_timeout:g} s"
            self._drop(LossKind.TIMEOUT, detail, CloseCode.GOING_AWAY)
            return
        self.events += [PingLost(id, sent, now) for id, sent in heartbeat.given_up(now)]
        if now >= heartbeat.next_ping:
            self.ping(now)

    def next_deadline(self) -> float | None:
        """When :meth:`timeout` must be called, unless something else happens before."""
        if self.condemned is not None:
            return None
        deadline = self.next_attempt_at
        for time in (
            self._heartbeat.next_deadline() if self._heartbeat is not None else None,
            self.outbox.queue.next_deadline() if self._heartbeat is not None else None,
            self._calls.next_deadline(),
            self._orderer.next_deadline(),
            self.mirror.resync_due,
            self._no_snapshot.deadline if self._no_snapshot is not None else None,
        ):
            if time is not None and (deadline is None or time < deadline):
                deadline = time
        return deadline

    # Receiving.

    def receive(self, text: str, now: float) -> None:
        """One frame has come."""
        if self.state is not _CONNECTED and self.state is not State.SYNCHRONISING:
            return
        counters = self.counters
        counters.frames_in += 1
        counters.bytes_in += len(text) if text.isascii() else len(text.encode(errors="replace"))
        self.heard(now)
        messages = ServerFrames.decode(text, max_batch=self.settings.max_batch_received)
        if self.on_frame is not None:
            self.on_frame(now, text, messages)
        for message in messages:
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
                self._say(b"pong", encode(message.payload), now)
            ack = getattr(message, "ack", None)
            if ack is not None and self.extended and self.state is _CONNECTED:
                self._calls.acknowledge(ack, now)

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
            self.events.append(
                Trouble(now, message.code, f"the server sent what cannot be read: {message}", None)
            )
            if message.code == "VERSION_MISMATCH":
                self._drop(
                    LossKind.VERSION,
                    f"the server speaks another version of the protocol: {message}",
                    CloseCode.PROTOCOL_ERROR,
                )
            return
        name, data = message.payload.event, message.payload.data
        if isinstance(data, dict):
            if name == "error" and data.get("code") == "AUTH_REQUIRED":
                self._token_wanted(str(data.get("message", "")))
            elif name == "command_result":
                self._calls.answer(data, now)
        self.events.append(EventReceived(now, name, data, message.sequence, message.timestamp))

    def _missed(self, expected: int, got: int, now: float) -> None:
        self.counters.gaps += 1
        self.events.append(EventsMissed(now, expected, got))

    def _state(self, payload: dict[str, Any], now: float) -> None:
        if payload.get("delta") is not True:
            self.mirror.snapshot(payload, now)
            self.events.append(StateChanged(now, "snapshot", payload, self.mirror.revision))
            if self.state is State.SYNCHRONISING:
                self._synchronised(payload, now)
        elif self.state is State.CONNECTED:
            if self.mirror.delta(payload, now):
                self.events.append(StateChanged(now, "delta", payload, self.mirror.revision))
            elif self.mirror.resync_due is not None and now >= self.mirror.resync_due:
                self._ask_for_snapshot(now)

    def _pong(self, payload: dict[str, Any], now: float) -> None:
        # An empty one from an extended server is only there for its acknowledgement.
        if self._heartbeat is None or (self.extended and not payload):
            return
        times = self._heartbeat.pong(payload.get("id"), now)
        if times is None:
            return
        sent, self.round_trip = times
        clock = payload.get("server_clock")
        if isinstance(clock, (int, float)):
            self.clock.observe(sent, now, clock / 1000)
        self.events.append(RoundTrip(payload["id"], sent, now))

    def _error(self, error: m.ErrorPayload, now: float) -> None:
        if error.code == "AUTH_REQUIRED":
            self._token_wanted(error.message)
        elif error.code == "VERSION_MISMATCH":
            self._drop(
                LossKind.VERSION,
                f"the server refused our protocol version: {error.message}",
                CloseCode.PROTOCOL_ERROR,
            )
        elif error.code == "SEQUENCE_GAP" and isinstance(error.details, dict):
            expected, got = error.details.get("expected"), error.details.get("got")
            if isinstance(expected, int) and isinstance(got, int):
                self._calls.missed(expected, got - 1, now)
        words = {"code": error.code, "message": error.message, "details": error.details}
        self._calls.answer({"id": error.id, "sequence": error.sequence, "error": words}, now)
        self.events.append(Trouble(now, error.code, error.message, error.details))

    def _token_wanted(self, message: str) -> None:
        if self.token is None and self.state is State.SYNCHRONISING:
            self._drop(LossKind.TOKEN, f"the server wants a token ({message})", CloseCode.NORMAL)

    # After a cut.

    def _synchronised(self, payload: dict[str, Any], now: float) -> None:
        """The first snapshot of a connection: settle what of the past still stands, then go on."""
        metadata = payload.get("metadata")
        self.metadata = metadata if isinstance(metadata, dict) else {}
        self._no_snapshot = None
        self.outbox.acknowledging = self.extended
        epoch = payload.get("epoch")
        cursor = payload.get("lastSequence")
        resumed = (
            self.extended
            and payload.get("reconnected") is True
            and epoch == self.epoch
            and type(cursor) is int
        )
        self._stand(now, resumed)
        self.counters.connections += 1
        self._heartbeat = Heartbeat(self.settings, now)
        if resumed and isinstance(cursor, int):
            self._resume(payload, cursor, now)
        else:
            self._forget(now)
            self.epoch = epoch if isinstance(epoch, str) else ""
            self.clock = ClockOffset()
        self._calls.settle_all(self.outbox.drop_old_motion(now), now)
        self.ping(now)
        for command in self._calls.urgent.open():
            self._transmit_urgent(command, now)
        for frame, sent in self.outbox.resend(now, self._wall(now), self._expiry):
            self._hand_over(frame, sent)
        self._calls.tell_expired(now)
        for due in self.outbox.requeue(now):
            self.flush(now, due)
        self.flush(now, "resend")

    def _resume(self, payload: dict[str, Any], cursor: int, now: float) -> None:
        """The server still knows us: settle what it knows of our commands, and what is missing of
        its events."""
        self._calls.acknowledge(cursor, now)
        for span in payload.get("skipped") or ():
            if (
                isinstance(span, list)
                and len(span) == 2
                and all(isinstance(end, int) for end in span)
            ):
                self._calls.missed(span[0], span[1], now)
        oldest = payload.get("firstSequence")
        if isinstance(oldest, int) and oldest > self._orderer.cursor + 1:
            self._missed(self._orderer.cursor + 1, oldest, now)
            self._orderer.cursor = oldest - 1

    def _forget(self, now: float) -> None:
        """We and the server do not know each other (any more): both directions start at 1."""
        self.epoch = ""
        self._orderer = self._new_orderer(0 if self.extended else None)
        self._calls.restart(now)

    def _ask_for_snapshot(self, now: float) -> None:
        self.mirror.asked(now)
        self.command("sync_state", {}, now)
        self.flush(now)

    def _hang_up(self) -> None:
        """What belonged to the connection goes with it."""
        self.frames.clear()
        self._heartbeat = self._no_snapshot = None
        self.outbox.queue.in_flight = False
        self._orderer.forget()
        self.mirror.forget_request()

    def _new_orderer(self, start: int | None) -> Orderer[Any]:
        s = self.settings
        return Orderer(
            start=start, messages=s.reorder_messages, nbytes=s.reorder_bytes, wait=s.reorder_wait
        )
