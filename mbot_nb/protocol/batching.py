"""When queued messages leave: by size, by window, or, adaptive, at once on an idle link."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from .settings import MAX_FRAME, BatchPolicy

__all__ = ["Batcher", "FlushReason", "mean_wait"]

Item = TypeVar("Item")
FlushReason = Literal["window", "size", "bytes", "flush", "idle", "urgent", "resend", "unbatched"]


class Batcher(Generic[Item]):
    """A queue that says when it is time to send what it holds.

    The first message arms a timer of ``window`` seconds; the batch is due when it holds ``size``
    messages, when it would outgrow a frame, or when the timer fires. With the ``adaptive`` policy a
    message that finds the link idle (nothing sent for a window, nothing in flight) is due at once;
    what follows within the window is batched.
    """

    def __init__(
        self,
        window: float,
        size: int,
        policy: BatchPolicy = "window",
        max_bytes: int = MAX_FRAME - 1024,
    ) -> None:
        self.window = window
        self.size = max(1, size) if window > 0 else 1
        self.policy = policy
        self.max_bytes = max_bytes
        self.items: list[Item] = []
        self.bytes = 0
        self.deadline: float | None = None
        self.in_flight = False
        """Set while the transport has not taken the last frame; an adaptive batch waits for it."""
        self._last_flush = float("-inf")

    def __len__(self) -> int:
        return len(self.items)

    def overflows(self, nbytes: int) -> bool:
        """Whether ``nbytes`` more would not fit into the frame, so that what waits must go
        first."""
        return self.bytes + nbytes > self.max_bytes and bool(self.items)

    def add(self, item: Item, nbytes: int, now: float) -> FlushReason | None:
        """Queue one message; returns why the batch is due now, if it is."""
        items = self.items
        items.append(item)
        self.bytes += nbytes
        count = len(items)
        if count >= self.size:
            return "size" if self.size > 1 else "unbatched"
        if count == 1:
            self.deadline = now + self.window
            if self.policy == "adaptive":
                if not self.in_flight and now - self._last_flush >= self.window:
                    return "idle"
                self.deadline = max(now, self._last_flush + self.window)
        return None

    def due(self, now: float) -> bool:
        """Whether the window has passed; an adaptive batch also waits for the frame in flight."""
        if self.deadline is None or now < self.deadline:
            return False
        return self.policy != "adaptive" or not self.in_flight

    def next_deadline(self) -> float | None:
        """When to look again."""
        return None if self.policy == "adaptive" and self.in_flight else self.deadline

    def take(self, now: float) -> list[Item]:
        """Take everything that waits, in order."""
        items, self.items = self.items, []
        self.bytes = 0
        self.deadline = None
        self._last_flush = now
        return items


def sharing(rate: float, window: float, size: int) -> int:
    """How many evenly spaced messages share a batch, at ``rate`` messages a second: n of
    protocol.md section 6."""
    return min(size, int(window * rate) + 1)


def mean_wait(rate: float, window: float, size: int) -> float:
    """Mean seconds that evenly spaced messages wait in a batch, at ``rate`` messages a second.

    The closed form of protocol.md section 6: n = min(size, floor(window * rate) + 1) messages share
    a batch, and the mean is min(window, (size - 1) / rate) - (n - 1) / (2 * rate).
    """
    together = sharing(rate, window, size)
    return min(window, (size - 1) / rate) - (together - 1) / (2 * rate)
