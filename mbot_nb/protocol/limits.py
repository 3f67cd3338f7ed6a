"""How fast a peer may talk."""

from __future__ import annotations

__all__ = ["TokenBucket"]


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
        # What is missing by rounding alone is not waited for: the clock may be too coarse to show it.
        if self._tokens < 1 - 1e-6:
            return False
        self._tokens = max(0.0, self._tokens - 1)
        return True

    def next_token(self) -> float:
        """When the next one will be there."""
        return self._at + max(0.0, 1 - self._tokens) / self.rate
