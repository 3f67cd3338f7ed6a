"""What goes wrong on a cable: chosen, and by a seed the same again."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

__all__ = ["Faults"]


@dataclass
class Faults:
    """The share (0 to 1) of pieces in each direction that suffer each fault; may change."""

    corrupt: float = 0.0
    """One byte becomes another."""
    truncate: float = 0.0
    """The end is missing."""
    garbage: float = 0.0
    """Some bytes of nonsense come before."""
    silence: float = 0.0
    """All of it is missing."""
    seed: int | None = None
    done: int = field(default=0, init=False)
    """How often something was done."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def on(self, data: bytes) -> bytes:
        """What is left of ``data``."""
        if not data or not (self.corrupt or self.truncate or self.garbage or self.silence):
            return data
        draw = self._random.random
        before = data
        if draw() < self.silence:
            data = b""
        elif draw() < self.truncate:
            data = data[: self._random.randrange(len(data))]
        elif draw() < self.corrupt:
            at = self._random.randrange(len(data))
            data = data[:at] + bytes((data[at] ^ self._random.randrange(1, 256),)) + data[at + 1 :]
        elif draw() < self.garbage:
            data = self._random.randbytes(self._random.randrange(1, 20)) + data
        self.done += data != before
        return data
