"""Every number of the wire contract, in one place. All of them can be set; these are the defaults
of protocol.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from ..commands import plain, readable
from ..errors import UsageError

__all__ = ["KIB", "MIB", "SUBPROTOCOL", "VERSION", "BatchPolicy", "Settings", "settings_from"]

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
    """Times in seconds, sizes in bytes, counts in messages; the number in brackets is the section
    of protocol.md."""

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
    """Acknowledge earlier than ``ack_delay`` after this many, so that a fast sender's window never
    closes."""

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
    """The first delay after the server sent us away for being too slow (4408) or too fast
    (4429)."""

    # Heartbeat (8).
    ping_interval: float = 10.0
    pong_timeout: float = 5.0
    idle_timeout: float = 60.0
    stall: float = 0.5
    """A timer that fires this late was held up by our own loop: the peer is heard before it is
    judged."""

    # Limits (11).
    frame_rate: float | None = 100.0
    """Frames a second, None for no limit."""
    frame_burst: float = 100.0
    held_bytes: int = MIB
    backlog: int = 65_536
    """Commands that may wait for the handlers of those ahead of them."""
    rate_notice: float = 1.0
    out_queue: int = MIB


def settings_from(changes: Mapping[str, Any] | None) -> Settings:
    """Build the settings of a client or server from those that shall differ from the defaults.

    Raises:
        UsageError: a name is unknown, or a value has the wrong type or is out of its range.
    """
    try:
        given = msgspec.structs.asdict(Settings(**(changes or {})))
    except TypeError as error:
        raise UsageError(
            f"{error}; the settings are: {', '.join(Settings.__struct_fields__)}"
        ) from None
    if given["batch_policy"] not in ("window", "adaptive"):
        raise UsageError(f'batch_policy is "window" or "adaptive", not {given["batch_policy"]!r}')
    try:
        settings = msgspec.convert(plain(given), Settings)
    except msgspec.ValidationError as error:
        raise UsageError(f"invalid settings: {readable(error)}") from None
    for name, value in msgspec.structs.asdict(settings).items():
        numbers = value if isinstance(value, tuple) else (value,)
        if not numbers or any(
            isinstance(number, (int, float)) and not number >= 0 for number in numbers
        ):
            raise UsageError(
                f"{name} must be {'numbers' if numbers is value else 'a number'} of 0 or more, "
                f"not {given[name]!r}"
            )
    if not 1 <= settings.max_batch_size <= settings.max_batch_received:
        raise UsageError(
            f"max_batch_size must be 1 to {settings.max_batch_received}, not "
            f"{settings.max_batch_size}"
        )
    return settings
