"""What both robots' decoders share: bytes that may become a frame, and those that did not. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

__all__ = ["FrameDecoder"]

NOISE_KEPT = 256

F = TypeVar("F")


class FrameDecoder(ABC, Generic[F]):
    """Finds frames in a stream that is fed in pieces of any size."""

    def __init__(self) -> None:
        self.skipped = 0
        """Bytes that belonged to no frame, all in all."""
        self.noise = bytearray()
        """The last of them: the boot text, for instance. The reader may clear it."""
        self._buffer = bytearray()

    @property
    def waiting(self) -> int:
        """Bytes that may be the beginning of a frame."""
        return len(self._buffer)

    @abstractmethod
    def feed(self, data: bytes) -> list[F]:
        """The frames that are complete with ``data``."""

    def flush(self) -> list[F]:
        """Nothing more comes for now: drop the begun frame; returns the frames behind it."""
        found: list[F] = []
        while self._buffer:
            rest = bytes(self._buffer[1:])
            self._skip(self._buffer[:1])
            self._buffer.clear()
            found += self.feed(rest)
        return found

    def _skip(self, data: bytearray) -> None:
        self.skipped += len(data)
        self.noise += data
        if len(self.noise) > NOISE_KEPT:
            del self.noise[:-NOISE_KEPT]
