"""What time is it over there? The offset between two monotonic clocks, with the error that it may
have.

A server reads its clock between the sending of a ping and the arrival of its pong, and nothing more
is known: its reading, less ours at the arrival, is at most the offset, and its reading, less ours
at the sending, at least. Many pings bound it from both sides; what all of them allow is an interval
as wide as the shortest way there and the shortest way back together. No assumption that both ways
take the same time is made.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..protocol.client.events import ConnectionChanged, RoundTrip
from ..protocol.heartbeat import ClockOffset

__all__ = ["ClockReadings", "Offset", "estimate"]

RESOLUTION = 5e-7
"""Seconds: a pong carries the server's clock in thousandths of a millisecond."""


class Offset(NamedTuple):
    """The other clock shows ours plus ``seconds``, give or take ``error`` seconds, at ``at`` on our
    clock; ``n`` pings say so."""

    seconds: float
    error: float
    at: float
    n: int

    @property
    def exact(self) -> bool:
        """Whether both read the same clock."""
        return self.error == 0

    def error_at(self, time: ArrayLike) -> NDArray[np.float64]:
        """The error at other times of ours: clocks drift apart."""
        away = np.abs(np.asarray(time, dtype=np.float64) - self.at)
        return np.full(away.shape, 0.0) if self.exact else self.error + away * ClockOffset.DRIFT


SAME_CLOCK = Offset(0.0, 0.0, 0.0, 0)
"""Of two ends in one process."""


class ClockReadings:
    """The server's clock as the round trips of one experiment read it, until another server
    answers."""

    def __init__(self) -> None:
        self.readings: list[tuple[float, float, float]] = []
        """Sent and received on our clock, and the server's reading, in seconds."""
        self._same_server = True

    def add(self, event: RoundTrip | ConnectionChanged) -> None:
        """Take in one event of the client's tap."""
        if isinstance(event, ConnectionChanged):
            if event.state == "connected" and event.resumed is False:
                self._same_server = False
        elif self._same_server and event.server_clock is not None:
            self.readings.append((event.sent, event.received, event.server_clock))

    def estimate(self) -> Offset | None:
        """The offset that all readings allow."""
        return estimate(*np.array(self.readings).reshape(-1, 3).T)


def estimate(sent: ArrayLike, received: ArrayLike, server: ArrayLike) -> Offset | None:
    """The offset that all pings allow, with half the width of what they allow as its error;
    seconds.

    None without a ping, and where they contradict each other by more than clocks can drift (the
    server was replaced, or its machine slept).
    """
    there, back, reading = (
        np.asarray(values, dtype=np.float64) for values in (sent, received, server)
    )
    if not len(there):
        return None
    at = float((there[0] + back[-1]) / 2)
    drift = np.abs((there + back) / 2 - at) * ClockOffset.DRIFT + RESOLUTION
    least = float((reading - back - drift).max())
    most = float((reading - there + drift).min())
    if least > most:
        return None
    return Offset((least + most) / 2, (most - least) / 2, at, len(there))
