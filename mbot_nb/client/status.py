"""What a client reports of itself: latency, traffic, batches and the server's clock."""

from __future__ import annotations

import msgspec

from ..protocol.settings import BatchPolicy

__all__ = ["Batch", "ClockEstimate", "Latency", "Stats"]


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
    queued. By the ``policy`` "adaptive", an idle link takes one at once.

    The last one that left: how many ``last_messages`` shared it, its ``last_bytes``, and the
    ``last_reason`` it left for (size, window, flush, ...). ``frames`` counts them.
    """

    queued: int
    size: int
    window: float
    policy: BatchPolicy
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


class ClockEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """The server's monotonic clock is ``ahead`` of this process's by so many seconds, give or take
    ``bound`` seconds."""

    ahead: float
    bound: float
