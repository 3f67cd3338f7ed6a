"""Is the other side still there, and how far away is it: pings with ids, and the judgement of
silence."""

from __future__ import annotations

from .settings import Settings

__all__ = ["ClockOffset", "Heartbeat", "PeerTimeout"]


class PeerTimeout:
    """Expires when a peer has been silent for too long, but never for our own silence.

    A timer that fires late was held up by this side's loop (a cell that blocks): what the peer has
    sent meanwhile still waits to be read, so the peer gets ``grace`` more seconds.
    """

    def __init__(self, limit: float, stall: float, grace: float, now: float) -> None:
        self._limit = limit
        self._stall = stall
        self._grace = grace
        self.deadline = now + limit

    def note_activity(self, now: float) -> None:
        """Note that a frame has come: the peer is alive."""
        self.deadline = now + self._limit

    def has_expired(self, now: float) -> bool:
        """Whether it has been silent for too long; a late look postpones the answer."""
        if now < self.deadline:
            return False
        if now > self.deadline + self._stall:
            self.deadline = now + self._grace
            return False
        return True


class Heartbeat:
    """The client's side: pings at an interval, each known by its id, and a limit for the answer."""

    MEMORY = 60.0
    """Seconds for which a ping is remembered that a server has given no id back for."""

    def __init__(self, settings: Settings, now: float) -> None:
        self._settings = settings
        self._next_id = 1
        self._outstanding: dict[int, float] = {}
        self._awaited: dict[int, float] = {}
        """When those were sent that somebody waits for, the oldest first."""
        self._no_expiry_before = now
        self._peer_timeout: PeerTimeout | None = None
        self.next_ping = now

    def ping(self, now: float, *, awaited: bool = False) -> int:
        """Start a round trip; returns its id. One that is awaited is either answered or given up
        by :meth:`expire_pings`."""
        id = self._next_id
        self._next_id += 1
        while (
            self._outstanding
            and now - self._outstanding[oldest := next(iter(self._outstanding))] > self.MEMORY
        ):
            del self._outstanding[oldest]
        self._outstanding[id] = now
        if awaited:
            self._awaited[id] = now
        self.next_ping = now + self._settings.ping_interval
        if self._peer_timeout is None:
            limit = self._settings.pong_timeout
            self._peer_timeout = PeerTimeout(limit, self._settings.stall, limit, now)
        return id

    def pong(self, id: object, now: float) -> tuple[float, float] | None:
        """When the ping of this pong was sent and its round trip, both in seconds; None for a
        stranger's pong.

        A pong whose id means nothing here is an answer all the same (some servers give no payload
        back): it measures nothing, but nothing more is waited for.
        """
        sent = self._outstanding.pop(id, None) if type(id) is int else None
        if sent is None or not self._outstanding:
            self._peer_timeout = None
        if sent is None:
            return None
        if self._awaited and type(id) is int:
            self._awaited.pop(id, None)
        return sent, now - sent

    def expire_pings(self, now: float) -> list[tuple[int, float]]:
        """Give up the awaited pings whose pong's time is over; returns their ids and when they were
        sent. A late look postpones the answer."""
        due = self._next_expiry()
        if due is None or now < due:
            return []
        settings = self._settings
        if now > due + settings.stall:
            self._no_expiry_before = now + settings.pong_timeout
            return []
        late = [
            (id, sent) for id, sent in self._awaited.items() if now >= sent + settings.pong_timeout
        ]
        for id, _ in late:
            del self._awaited[id]
        return late

    def _next_expiry(self) -> float | None:
        """When the oldest awaited ping is given up."""
        if not self._awaited:
            return None
        return max(
            next(iter(self._awaited.values())) + self._settings.pong_timeout, self._no_expiry_before
        )

    def note_activity(self, now: float) -> None:
        """Note that a frame has come: the timeout starts anew while a ping is out."""
        if self._peer_timeout is not None:
            self._peer_timeout.note_activity(now)

    def has_timed_out(self, now: float) -> bool:
        """Whether a ping is out and nothing at all has come for the pong's time."""
        return self._peer_timeout is not None and self._peer_timeout.has_expired(now)

    def next_deadline(self) -> float:
        """When to ping or to judge next."""
        deadline = (
            self.next_ping
            if self._peer_timeout is None
            else min(self.next_ping, self._peer_timeout.deadline)
        )
        expiry = self._next_expiry()
        return deadline if expiry is None else min(deadline, expiry)


class ClockOffset:
    """What the server's monotonic clock says now, from the round trip that bounds it best.

    The server's reading was taken between the ping's sending and the pong's arrival; so the offset
    is known to within half the round trip, and the shortest round trip knows it best. Clocks drift
    apart: an old bound widens.
    """

    DRIFT = 1e-4
    """Seconds a second that two quartz clocks may drift apart (100 ppm)."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._bound = 0.0
        self._at = 0.0

    def observe(self, sent: float, received: float, server: float) -> None:
        """Take one pong: our two readings and the server's, all in seconds."""
        bound = (received - sent) / 2
        if self._offset is None or bound <= self.bound(received):
            self._offset = server - (sent + received) / 2
            self._bound = bound
            self._at = received

    def bound(self, now: float) -> float:
        """How far off the estimate may be, in seconds."""
        return self._bound + (now - self._at) * self.DRIFT

    def latest(self, now: float) -> float | None:
        """The latest that the server's clock can show now, in seconds; None before the first
        pong."""
        return None if self._offset is None else now + self._offset + self.bound(now)
