"""Round trips of a client: those that are awaited, and figures of the last thousand."""

from __future__ import annotations

import asyncio
from collections import deque

from ..errors import CommandTimeoutError, NotConnectedError
from ..loops.home import Home
from ..protocol.client import ClientSession
from ..protocol.client.events import PingLost, PingSent, RoundTrip
from .connect_errors import RECONNECT_ADVICE
from .link import ClientLink
from .status import Latency

__all__ = ["Pings"]


class Pings:
    """The pings of one client. Used on the home loop only, but for :attr:`latency`."""

    def __init__(self, home: Home, session: ClientSession, link: ClientLink) -> None:
        self._home = home
        self._session = session
        self._link = link
        self._waiters: dict[int, asyncio.Future[float]] = {}
        self._round_trips: deque[float] = deque(maxlen=1000)

    def send(self) -> PingSent | None:
        """Send a ping without awaiting it; returns None without a connection."""
        now = self._link.now()
        id = self._session.ping(now)
        if id is None:
            return None
        self._link.pump()
        return PingSent(id, now)

    async def round_trip(self) -> float:
        """Send a ping and return the seconds until its pong.

        Raises:
            NotConnectedError: there is no connection, or it broke before the pong came.
            CommandTimeoutError: no pong came in time, and the connection stands.
        """
        id = self._session.ping(self._link.now(), awaited=True)
        if id is None:
            raise NotConnectedError(
                f"no ping without a connection; this one is {self._session.connection_state}. "
                f"{RECONNECT_ADVICE}"
            )
        waiter = self._waiters[id] = self._home.loop.create_future()
        self._link.pump()
        seconds: float = await waiter
        return seconds

    def on_round_trip(self, event: RoundTrip) -> None:
        """Note a round trip, and wake the task that awaits it."""
        self._round_trips.append(event.seconds)
        waiter = self._waiters.pop(event.id, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(event.seconds)

    def on_lost(self, event: PingLost) -> None:
        """Fail the task that awaits a ping without a pong."""
        waiter = self._waiters.pop(event.id, None)
        if waiter is not None and not waiter.done():
            waiter.set_exception(
                CommandTimeoutError(
                    f"ping: no answer came within {event.seconds:.1f} s, and the connection still "
                    "stands: the server is busy, or does not give back what a ping holds. "
                    "Try again.",
                    command="ping",
                )
            )

    def on_disconnected(self) -> None:
        """Fail all tasks that await a pong of the connection that ended."""
        waiters, self._waiters = self._waiters, {}
        for waiter in waiters.values():
            if not waiter.done():
                waiter.set_exception(
                    NotConnectedError(
                        "the connection broke before the answer to the ping came. "
                        f"{RECONNECT_ADVICE}"
                    )
                )

    @property
    def latency(self) -> Latency:
        """Return figures of the last round trips."""
        last = self._session.round_trip
        trips = sorted(self._round_trips)
        if last is None or not trips:
            return Latency(last=float("nan"), median=float("nan"), p99=float("nan"), count=0)
        count = len(trips)
        return Latency(
            last=last,
            median=trips[count // 2],
            p99=trips[min(count - 1, int(count * 0.99))],
            count=count,
        )
