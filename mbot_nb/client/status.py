"""What a client looks like: everything that can be read of it, and nothing that changes it."""

from __future__ import annotations

import time
from collections import deque
from html import escape
from typing import Any

import msgspec

from ..address import without_secrets
from ..errors import ConnectError
from ..protocol.client import ClientSession
from ..protocol.client import State as SessionState
from ..protocol.client.outbox import SentBatch
from ..protocol.settings import Settings
from ..state import StateView
from .connect_errors import connect_error

__all__ = ["Batch", "Latency", "Look", "Stats"]


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Round trips, in seconds: the ``last`` one, the ``median`` and 99th percentile (``p99``) of
    the last ``count``."""

    last: float
    median: float
    p99: float
    count: int

    def __repr__(self) -> str:
        if not self.count:
            return "<latency: not measured yet>"
        return (
            f"<latency: {self.last * 1e3:.2f} ms, median {self.median * 1e3:.2f}, p99 "
            f"{self.p99 * 1e3:.2f} (n={self.count})>"
        )


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """What went over the wire since the client was made: counts, and bytes of text."""

    frames_in: int
    frames_out: int
    messages_in: int
    messages_out: int
    bytes_in: int
    bytes_out: int
    connections: int
    duplicates: int
    gaps: int
    malformed: int
    waiting: int
    """Commands queued, or sent and not acknowledged."""

    @property
    def messages_per_frame(self) -> float:
        """How much batching saves: messages sent for each frame sent."""
        return self.messages_out / self.frames_out if self.frames_out else 0.0


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """The batch that is being filled: ``queued`` commands of at most ``size``, which leave together
    when it is full, or in ``leaves_in`` seconds, when its ``window`` is over; None while nothing is
    queued.

    The last one that left: how many ``last_messages`` shared it, its ``last_bytes``, and the
    ``last_reason`` it left for (size, window, flush, ...). ``frames`` counts them.
    """

    queued: int
    size: int
    window: float
    leaves_in: float | None
    frames: int
    last_messages: int
    last_bytes: int
    last_reason: str

    def __repr__(self) -> str:
        words = f"{self.queued} of {self.size} queued"
        if self.leaves_in is not None:
            words += f", leaves in {self.leaves_in:.2f} s"
        if self.frames:
            words += f"; the last of {self.frames} frames had {self.last_messages}"
            words += f", and left for its {self.last_reason}"
        return f"<batch: {words}>"


class Look:
    """The readable side of a client. Every property may be read in any thread."""

    def __init__(self, url: str, settings: Settings, session: ClientSession) -> None:
        self.settings = settings
        self._url = url
        self._session = session
        self._round_trips: deque[float] = deque(maxlen=1000)
        self._batches = 0
        self._last_batch: SentBatch | None = None

    def __repr__(self) -> str:
        words = [self.connection_state]
        if self.connected:
            words.append(f"{self.profile} profile")
            if self._session.round_trip is not None:
                words.append(f"{self._session.round_trip * 1e3:.2f} ms away")
        elif (at := self.next_attempt_at) is not None:
            words.append(
                f"attempt {self.reconnect_attempts + 1} in {max(0.0, at - time.monotonic()):.0f} s"
            )
        elif self._session.last_loss is not None:
            words.append(str(self._session.last_loss))
        return f"<robot at {self.url}: {', '.join(words)}>"

    def _repr_html_(self) -> str:
        colour = {"connected": "#2e7d32", "error": "#c62828"}.get(self.connection_state, "#b26a00")
        return f"<div><b style='color:{colour}'>&#9679;</b> {escape(repr(self)[1:-1])}</div>"

    @property
    def url(self) -> str:
        """The server's address, without what is secret in it."""
        return without_secrets(self._url)

    @property
    def state(self) -> StateView:
        """The robot's state as this client knows it now."""
        return StateView(self._session.mirror.state)

    @property
    def state_age(self) -> float:
        """Seconds since the last change of the state came; infinite before the first."""
        updated = self._session.mirror.updated_at
        return float("inf") if updated is None else time.monotonic() - updated

    @property
    def revision(self) -> int | None:
        """The number of the state's last change."""
        return self._session.mirror.revision

    @property
    def connection_state(self) -> str:
        """disconnected, connecting, connected, reconnecting or error."""
        return self._session.connection_state

    @property
    def connected(self) -> bool:
        """Whether commands go out now."""
        return self._session.state is SessionState.CONNECTED

    @property
    def reconnecting(self) -> bool:
        """Whether the connection was lost and is being made again."""
        return self.connection_state == "reconnecting"

    @property
    def reconnect_attempts(self) -> int:
        """Attempts begun since the connection was lost; 0 while it stands."""
        return self._session.backoff.attempts

    @property
    def next_attempt_at(self) -> float | None:
        """When the next attempt begins (`time.monotonic()` seconds), or None."""
        return self._session.next_attempt_at

    @property
    def trouble(self) -> str:
        """Why there is no connection, and what to do; empty while there is one, and before the
        first attempt has ended."""
        error = self._why_not()
        return "" if error is None else str(error)

    def _why_not(self) -> ConnectError | None:
        """The error that tells why there is no connection."""
        loss = self._session.last_loss
        if self.connected or loss is None:
            return None
        return connect_error(
            self.url, loss, trying=self.connection_state in ("connecting", "reconnecting")
        )

    @property
    def profile(self) -> str:
        """`extended` with a server of this protocol's full kind, else `baseline`."""
        return "extended" if self._session.extended else "baseline"

    @property
    def metadata(self) -> dict[str, Any]:
        """What the server said of itself: robotId, version, uptime (ms) at the connect."""
        return dict(self._session.metadata)

    @property
    def latency(self) -> Latency:
        """The last round trips."""
        last = self._session.round_trip
        trips = sorted(self._round_trips)
        if last is None or not trips:
            return Latency(last=float("nan"), median=float("nan"), p99=float("nan"), count=0)
        count = len(trips)
        return Latency(
            last=last,
            median=trips[count // 2],
            p99=trips[min(count - 1, int(count * 0.99))],
            count=count,
        )

    @property
    def stats(self) -> Stats:
        """What went over the wire so far."""
        outbox = self._session.outbox
        waiting = len(outbox.queue) + len(outbox.unacknowledged)
        return Stats(waiting=waiting, **self._session.counters.as_dict())

    @property
    def batch(self) -> Batch:
        """The batch that is being filled now, and the last one that left."""
        queue, last = self._session.outbox.queue, self._last_batch
        leaves = queue.deadline
        return Batch(
            queued=len(queue),
            size=queue.size,
            window=queue.window,
            leaves_in=None if leaves is None else max(0.0, leaves - time.monotonic()),
            frames=self._batches,
            last_messages=0 if last is None else len(last.commands),
            last_bytes=0 if last is None else last.nbytes,
            last_reason="" if last is None else last.reason,
        )
