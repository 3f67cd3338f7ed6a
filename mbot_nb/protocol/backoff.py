"""How long to wait before trying again."""

from __future__ import annotations

from .loss import CloseCode, Loss
from .settings import Settings

__all__ = ["Backoff"]


class Backoff:
    """The ladder of delays: 0, 1, 2, 4, 8, 16, 30, 30, ... seconds, without end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.attempts = 0
        """How many attempts were started since the last success."""

    def next_delay(self, loss: Loss | None, uniform: float) -> float:
        """Seconds until the next attempt; ``uniform`` in [0, 1) places it within the jitter."""
        ladder = self._settings.retry_delays
        delay = ladder[min(self.attempts, len(ladder) - 1)]
        if (
            self.attempts == 0
            and loss is not None
            and loss.code in (CloseCode.TOO_SLOW, CloseCode.TOO_FAST)
        ):
            delay = self._settings.busy_delay
        return delay * (1 + self._settings.retry_jitter * uniform)

    def start_attempt(self) -> None:
        """Count an attempt."""
        self.attempts += 1

    def reset(self) -> None:
        """Start again at the first delay: a connection stands, or was asked for now."""
        self.attempts = 0
