"""What a client sent faster than it may: kept in order until it is its turn."""

from __future__ import annotations

from collections import deque
from typing import Any

from ..settings import Settings

__all__ = ["Throttle", "TokenBucket"]


class Throttle:
    """The frame rate of one connection. Nothing that was read is dropped: what is too fast waits,
    up to a limit."""

    def __init__(self, rate: float, settings: Settings, now: float) -> None:
        self.rate = rate
        self._settings = settings
        self._bucket = TokenBucket(rate, settings.frame_burst, now)
        self._held: deque[tuple[list[Any], int]] = deque()
        self._bytes = 0
        self._notice_at = float("-inf")

    @property
    def overflows(self) -> bool:
        """Whether more waits than is kept."""
        return self._bytes > self._settings.held_bytes

    def passes(self, now: float) -> bool:
        """Whether a frame that comes now may go on; none overtakes those that wait."""
        return not self._held and self._bucket.take(now)

    def hold(self, items: list[Any], nbytes: int) -> None:
        """Keep what came in one frame."""
        self._held.append((items, nbytes))
        self._bytes += nbytes

    def release(self, now: float) -> tuple[list[Any], int] | None:
        """Return what was kept longest, with its size, if it is its turn."""
        if not self._held or not self._bucket.take(now):
            return None
        items, nbytes = self._held.popleft()
        self._bytes -= nbytes
        return items, nbytes

    def next_deadline(self) -> float | None:
        """When the next frame that waits may go on."""
        return self._bucket.next_token() if self._held else None

    def notice(self, now: float) -> str | None:
        """Return what to tell the client, once in a while; else None."""
        if now < self._notice_at + self._settings.rate_notice:
            return None
        self._notice_at = now
        return (
            f"more than {self.rate:g} frames a second: they are carried out later, in order. "
            "Send batches, or fewer."
        )


class TokenBucket:
    """``rate`` tokens a second flow in, at most ``burst`` are kept; each frame takes one."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._at = now

    def take(self, now: float) -> bool:
        """Take one token if there is one."""
        self._tokens = min(self.burst, self._tokens + max(0.0, now - self._at) * self.rate)
        self._at = now
        # What is missing by rounding alone is not waited for: the clock may be too coarse to show
        # it.
        if self._tokens < 1 - 1e-6:
            return False
        self._tokens = max(0.0, self._tokens - 1)
        return True

    def next_token(self) -> float:
        """When the next one will be there."""
        return self._at + max(0.0, 1 - self._tokens) / self.rate
