"""The command handler of every side: it counts messages and detects a missing, doubled or
misplaced one."""

from __future__ import annotations

__all__ = ["Tally"]


class Tally:
    """Expects 0, 1, 2, ... and remembers the first one that was not next."""

    def __init__(self) -> None:
        self.count = 0
        self.wrong: tuple[int, int] | None = None

    def add(self, n: int) -> None:
        """Take message number ``n``."""
        if n != self.count and self.wrong is None:
            self.wrong = (self.count, n)
        self.count += 1

    def check(self, expected: int) -> None:
        """Make sure that all came, in order: a rate of messages that did not arrive means nothing.

        Raises:
            RuntimeError: when they did not.
        """
        if self.wrong is not None:
            raise RuntimeError(
                f"message {self.wrong[0]} was due and {self.wrong[1]} came: the sample is worth "
                "nothing"
            )
        if self.count != expected:
            raise RuntimeError(
                f"{expected} messages were sent and {self.count} handled: the sample is worth "
                "nothing"
            )
