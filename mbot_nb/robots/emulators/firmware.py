"""What both emulated firmwares share: bytes and times in, bytes out. No port, no thread."""

from __future__ import annotations

import heapq
import itertools
from abc import ABC, abstractmethod
from math import inf

from .vehicle import Vehicle

__all__ = ["Firmware"]


class Firmware(ABC):
    """One robot as its serial port shows it. The owner of the port passes the time.

    Args:
        vehicle: what moves.
        boot: seconds from a reset until it listens.
    """

    kind = ""
    boot_text = b""
    """What it writes when it starts."""

    def __init__(self, vehicle: Vehicle, *, boot: float) -> None:
        self.vehicle = vehicle
        self.boot = boot
        self._ready_at = -inf
        self._out: list[tuple[float, int, bytes]] = []
        self._order = itertools.count()

    def reset(self, now: float) -> None:
        """Restart: forget everything, stand, and listen after ``boot`` seconds."""
        self._out.clear()
        self.vehicle.drive(0, 0)
        self.clear_state()
        self._ready_at = now + self.boot
        self._send(self.boot_text, now + self.boot / 2)

    def receive(self, data: bytes, now: float) -> None:
        """Take what has arrived; it is lost while the robot starts."""
        if now >= self._ready_at:
            self.handle_bytes(data, now)

    def due(self, now: float) -> list[bytes]:
        """What is to be written now, frame by frame."""
        self.advance(now)
        frames = []
        while self._out and self._out[0][0] <= now:
            frames.append(heapq.heappop(self._out)[2])
        return frames

    @property
    def deadline(self) -> float:
        """When :meth:`due` is to be asked next."""
        return min(self._out[0][0] if self._out else inf, self.next_event)

    def _send(self, data: bytes, at: float) -> None:
        heapq.heappush(self._out, (at, next(self._order), data))

    # What a robot gives.

    @abstractmethod
    def clear_state(self) -> None:
        """Lose all state but where it stands."""

    @abstractmethod
    def handle_bytes(self, data: bytes, now: float) -> None:
        """Take bytes."""

    @abstractmethod
    def advance(self, now: float) -> None:
        """Do what is due at ``now``."""

    @property
    @abstractmethod
    def next_event(self) -> float:
        """When :meth:`advance` has something to do."""

    @abstractmethod
    def press(self, button: str, down: bool, now: float) -> None:
        """Press a button, or let it go."""
