"""Every number of the wire contract, in one place. All of them can be set; these are the defaults of protocol.md."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

__all__ = ["KIB", "MIB", "SUBPROTOCOL", "VERSION", "BatchPolicy", "Settings"]

VERSION: Final = 2
SUBPROTOCOL = "mbot.v2"
KIB = 1024
MIB = 1024 * KIB
MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly."""
MAX_DEPTH = 32
MAX_FRAME = MIB

BatchPolicy = Literal["window", "adaptive"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds, sizes in bytes, counts in messages; the number in brackets is the section of protocol.md."""

    # Batching (6).
    batch_window: float = 0.1
    max_batch_size: int = 10
    batch_policy: BatchPolicy = "window"
    max_batch_received: int = 1000

    # Ordering (5).
    reorder_messages: int = 1024
    reorder_bytes: int = MIB
    reorder_wait: float = 5.0
    ack_delay: float = 0.1
    ack_messages: int = 256
    """Acknowledge earlier than ``ack_delay`` after this many, so that a fast sender's window never closes."""

    # State (4).
    snapshot_interval: float = 0.1
    resync_repeat: float = 2.0

    # Sessions (7).
    session_ttl: float = 60.0
    max_sessions: int = 256
    replay_messages: int = 1024
    replay_bytes: int = MIB
    motion_max_age: float = 0.5
    send_buffer: int = MIB
    auth_timeout: float = 5.0
    auth_hint: float = 0.5
    """A silent client without a token is told after this long that it needs one."""

    # Reconnect (7).
    retry_delays: tuple[float, ...] = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
    retry_jitter: float = 0.0
    """Each delay is lengthened by up to this share of itself."""
    busy_delay: float = 1.0
    """The first delay after the server sent us away for being too slow (4408) or too fast (4429)."""

    # Heartbeat (8).
    ping_interval: float = 10.0
    pong_timeout: float = 5.0
    idle_timeout: float = 60.0
    stall: float = 0.5
    """A timer that fires this late was held up by our own loop: the peer is heard before it is judged."""

    # Limits (11).
    frame_rate: float | None = 100.0
    """Frames a second, None for no limit."""
    frame_burst: float = 100.0
    held_bytes: int = MIB
    backlog: int = 65_536
    """Commands that may wait for the handlers of those ahead of them."""
    rate_notice: float = 1.0
    out_queue: int = MIB
