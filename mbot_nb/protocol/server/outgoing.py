"""The outgoing half of a connection: events, the latest state, acknowledgements."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import Raw

from ..codec import ENVELOPE_BYTES, Envelope, encode, frame
from ..loss import CloseCode
from ..settings import KIB, MAX_FRAME
from .events import AcknowledgementSent
from .hub import Hub
from .sessions import ServerSession

__all__ = ["Close", "SendingHalf"]

PORTION = 64 * KIB
"""Bytes of events handed over at once: what else is to be sent, as a pong, does not wait behind all
that is replayed."""


class Close(NamedTuple):
    """The shell is to close the connection with this code."""

    code: int
    reason: str


class SendingHalf:
    """The outgoing half of a connection: the hub's subscriber for one client.

    The shell takes ``frames``, and looks at ``close``. While events are ``waiting`` after it has
    sent those frames, and there is still room, it calls :meth:`pump` again.
    """

    def __init__(self, hub: Hub, *, extended: bool) -> None:
        self.extended = extended
        self.session: ServerSession | None = None
        """Whose events are sent; None until the connection is open."""
        self.stopped = False
        """Whether the connection has ended."""
        self.close: Close | None = None
        self.frames: list[bytes] = []
        self.writable = True
        self.waiting = False
        self.acknowledged = 0
        """The last message of the client that it knows to have come."""
        self.ack_due: float | None = None
        self.snapshot_due: float | None = None
        self._hub = hub
        self._queued = 0
        """Bytes handed over since the transport has no room, beside the session's events, which
        wait in the session."""
        self._missed_bytes = 0
        """Bytes of events that the client missed before it connected, until all is handed over: not
        its reading made them wait."""
        self._stale = False
        self._snapshot_at = float("-inf")
        self._telemetry: bytes | None = None

    # From the shell.

    def set_writable(self, writable: bool, now: float) -> None:
        """Note whether the transport has room, and send what waited for it."""
        self.writable = writable
        if not writable or self.session is None or self.stopped:
            return
        self._queued = 0
        if self._stale:
            self._stale = False
            self._bring_up_to_date(now)
        if self._telemetry is not None:
            payload, self._telemetry = self._telemetry, None
            self.telemetry(payload, now)
        self.pump(now)

    # From the hub.

    def pump(self, now: float) -> None:
        """Hand over the session's events, as far as the client reads them, a portion at a time."""
        session = self.session
        assert session is not None
        self.waiting = False
        if not self.writable:
            self._must_keep_up()
            return
        pending = session.last_event - session.sent
        rest = PORTION
        if pending == 1 or not self.extended:
            while rest > 0 and (event := session.next_unsent()) is not None:
                number, payload, timestamp = event
                message = Envelope("event", Raw(payload), timestamp, number, self._ack(now))
                self.frames.append(encode(message))
                rest -= len(payload)
            self._update_waiting(session)
            return
        size = self._hub.settings.max_batch_size
        messages: list[Envelope] = []
        nbytes = 0
        while rest > 0 and (event := session.next_unsent()) is not None:
            number, payload, timestamp = event
            length = len(payload) + ENVELOPE_BYTES
            rest -= length
            if messages and (len(messages) >= size or nbytes + length > MAX_FRAME - 1024):
                self.frames.append(frame(messages, self._hub.wall(now)))
                messages, nbytes = [], 0
            messages.append(Envelope("event", Raw(payload), timestamp, number, self._ack(now)))
            nbytes += length
        if messages:
            self.frames.append(frame(messages, self._hub.wall(now)))
        self._update_waiting(session)

    def state_changed(self, delta: bytes, now: float) -> None:
        """Send the state's new revision, or note that the client's is stale."""
        if not self.writable:
            self._stale = True
        elif self.extended:
            self.send("state", delta, now)
        else:
            self._bring_up_to_date(now)

    def telemetry(self, payload: bytes, now: float) -> None:
        """Send the newest telemetry; it replaces what the client has not read yet."""
        if self.writable:
            self.send("event", payload, now)
        else:
            self._telemetry = payload

    def send_error(self, error: dict[str, Any], now: float) -> None:
        """Report trouble that belongs to no numbered command."""
        if self.extended:
            self.send("error", encode(error), now)
        else:
            self._hub.emit("error", error, now, only=self.session)

    def fence(self) -> None:
        """End: a newer connection of the same client has taken over."""
        self.stop()
        self.close = Close(CloseCode.REPLACED, "replaced by a newer connection of the same client")

    # From the connection.

    def attach(self, session: ServerSession, *, missed_bytes: int) -> None:
        """Start to send this session's events, of which the client has missed so many bytes."""
        self.session = session
        self._missed_bytes = missed_bytes
        self.acknowledged = session.orderer.cursor

    def greet(self, payload: dict[str, Any], now: float) -> None:
        """Send the first message: the whole state, and where the session stands."""
        self._snapshot_at = now
        self.frames.append(encode(Envelope("state", payload, self._hub.wall(now))))

    def stop(self) -> None:
        """Send nothing more."""
        self.stopped = True
        self.frames.clear()

    def owe_ack(self, now: float) -> None:
        """Acknowledge what has come: at once if it is much, else on what is sent next, or soon."""
        session = self.session
        assert session is not None
        if not self.extended:
            return
        owed = session.orderer.cursor - self.acknowledged
        if owed >= self._hub.settings.ack_messages:
            self.send("pong", b"{}", now)
        elif self.ack_due is None and owed:
            self.ack_due = now + self._hub.settings.ack_delay

    def send(self, kind: str, payload: bytes, now: float) -> None:
        """Send an unnumbered message; a client that does not read them all is too slow."""
        message = Envelope(kind, Raw(payload), self._hub.wall(now), None, self._ack(now))
        self.frames.append(encode(message))
        if not self.writable:
            self._queued += len(payload)
            self._must_keep_up()

    def send_snapshot(self, now: float) -> None:
        """Send the whole state, as soon as there is room."""
        self.snapshot_due = None
        if self.writable:
            self._snapshot_at = now
            self.send("state", self._hub.snapshot(), now)
        else:
            self._stale = True

    def send_due(self, now: float) -> None:
        """Send the snapshot and the acknowledgement that are due by now."""
        if self.snapshot_due is not None and now >= self.snapshot_due:
            self.send_snapshot(now)
        if self.ack_due is not None and now >= self.ack_due:
            self.send("pong", b"{}", now)

    # Inside.

    def _update_waiting(self, session: ServerSession) -> None:
        self.waiting = session.sent < session.last_event
        if not self.waiting:
            self._missed_bytes = 0

    def _ack(self, now: float) -> int | None:
        """The cursor, if the client does not know it yet."""
        session = self.session
        assert session is not None
        cursor = session.orderer.cursor
        if not self.extended or cursor == self.acknowledged:
            return None
        self.acknowledged = cursor
        self.ack_due = None
        if self._hub.tap is not None:
            self._hub.tap(AcknowledgementSent(now, session, cursor))
        return cursor

    def _bring_up_to_date(self, now: float) -> None:
        """Send a snapshot: a baseline client gets one at most every so often, and then the
        latest."""
        interval = self._hub.settings.snapshot_interval
        if self.extended or now >= self._snapshot_at + interval:
            self.send_snapshot(now)
        elif self.snapshot_due is None:
            self.snapshot_due = self._snapshot_at + interval

    def _must_keep_up(self) -> None:
        session = self.session
        waiting = self._queued + (0 if session is None else session.unsent_bytes)
        if waiting > self._hub.settings.out_queue + self._missed_bytes and self.close is None:
            self.close = Close(CloseCode.TOO_SLOW, "this client does not read what it is sent")
