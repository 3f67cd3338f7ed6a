"""What leaves a connection: events as they are read, the latest state, acknowledgements on whatever
goes out."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from ..codec import ENVELOPE_BYTES, batch, encode, envelope
from ..loss import CloseCode
from ..settings import KIB, MAX_FRAME
from .sessions import ServerSession

if TYPE_CHECKING:
    from .hub import Hub

__all__ = ["Close", "ConnectionState", "Outflow"]


PORTION = 64 * KIB
"""Bytes of events handed over at once: what else is to be sent, as a pong, does not wait behind all
that is replayed."""


class ConnectionState(Enum):
    """Where a connection stands."""

    AUTHENTICATING = "authenticating"
    OPEN = "open"
    CLOSED = "closed"


class Close(NamedTuple):
    """The shell is to close the connection with this code."""

    code: int
    reason: str


class Outflow:
    """The outgoing half of a connection. The shell takes ``frames``, and looks at ``close``.

    While events are ``waiting`` after it has sent those frames, and there is still room, it calls
    :meth:`pump` again.
    """

    def __init__(self, hub: Hub, *, extended: bool) -> None:
        self.hub = hub
        self.extended = extended
        self.state = ConnectionState.AUTHENTICATING
        self.session: ServerSession | None = None
        self.close: Close | None = None
        self.frames: list[bytes] = []
        self.writable = True
        self.waiting = False
        self._queued = 0
        """Bytes handed over since the transport has no room, beside the session's events, which
        wait in the session."""
        self._behind = 0
        """Bytes of events that the client missed before it came, until all is handed over: not its
        reading made them wait."""
        self._acknowledged = 0
        self._ack_due: float | None = None
        self._stale = False
        self._snapshot_due: float | None = None
        self._snapshot_at = float("-inf")
        self._telemetry: bytes | None = None

    @property
    def _session(self) -> ServerSession:
        assert self.session is not None
        return self.session

    # From the shell.

    def set_writable(self, writable: bool, now: float) -> None:
        """The transport has room again, or has not."""
        self.writable = writable
        if not writable or self.state is not ConnectionState.OPEN:
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
        session = self._session
        self.waiting = False
        if not self.writable:
            self._must_keep_up()
            return
        pending = session.last_event - session.sent
        rest = PORTION
        if pending == 1 or not self.extended:
            while rest > 0 and (event := session.next_unsent()) is not None:
                number, payload, timestamp = event
                self.frames.append(envelope(b"event", payload, timestamp, number, self._ack(now)))
                rest -= len(payload)
            self._portion_handed_over()
            return
        size = self.hub.settings.max_batch_size
        messages: list[bytes] = []
        nbytes = 0
        while rest > 0 and (event := session.next_unsent()) is not None:
            number, payload, timestamp = event
            length = len(payload) + ENVELOPE_BYTES
            rest -= length
            if messages and (len(messages) >= size or nbytes + length > MAX_FRAME - 1024):
                self.frames.append(batch(messages, self.hub.wall(now)))
                messages, nbytes = [], 0
            messages.append(envelope(b"event", payload, timestamp, number, self._ack(now)))
            nbytes += length
        if messages:
            self.frames.append(batch(messages, self.hub.wall(now)))
        self._portion_handed_over()

    def state_changed(self, delta: bytes, now: float) -> None:
        """The robot's state has a new revision."""
        if not self.writable:
            self._stale = True
        elif self.extended:
            self._append(b"state", delta, now)
        else:
            self._bring_up_to_date(now)

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

    # Inside.

    def _portion_handed_over(self) -> None:
        session = self._session
        self.waiting = session.sent < session.last_event
        if not self.waiting:
            self._behind = 0

    def _owe_ack(self, now: float) -> None:
        if not self.extended:
            return
        owed = self._session.orderer.cursor - self._acknowledged
        if owed >= self.hub.settings.ack_messages:
            self._append(b"pong", b"{}", now)
        elif self._ack_due is None and owed:
            self._ack_due = now + self.hub.settings.ack_delay

    def _ack(self, now: float) -> int | None:
        """The cursor, if the client does not know it yet."""
        cursor = self._session.orderer.cursor
        if not self.extended or cursor == self._acknowledged:
            return None
        self._acknowledged = cursor
        self._ack_due = None
        if self.hub.tap is not None:
            self.hub.tap.acknowledged(now, self._session, cursor)
        return cursor

    def _append(self, kind: bytes, payload: bytes, now: float) -> None:
        """An unnumbered message; a client that does not read them all is too slow."""
        self.frames.append(envelope(kind, payload, self.hub.wall(now), None, self._ack(now)))
        if not self.writable:
            self._queued += len(payload)
            self._must_keep_up()

    def _bring_up_to_date(self, now: float) -> None:
        """Send a snapshot: a baseline client gets one at most every so often, and then the
        latest."""
        interval = self.hub.settings.snapshot_interval
        if self.extended or now >= self._snapshot_at + interval:
            self._send_snapshot(now)
        elif self._snapshot_due is None:
            self._snapshot_due = self._snapshot_at + interval

    def _send_snapshot(self, now: float) -> None:
        self._snapshot_due = None
        if self.writable:
            self._snapshot_at = now
            self._append(b"state", self.hub.snapshot(), now)
        else:
            self._stale = True

    def _send_what_is_due(self, now: float) -> None:
        if self._snapshot_due is not None and now >= self._snapshot_due:
            self._send_snapshot(now)
        if self._ack_due is not None and now >= self._ack_due:
            self._append(b"pong", b"{}", now)

    def _must_keep_up(self) -> None:
        waiting = self._session.unsent_bytes + self._queued
        if waiting > self.hub.settings.out_queue + self._behind and self.close is None:
            self.close = Close(CloseCode.TOO_SLOW, "this client does not read what it is sent")
