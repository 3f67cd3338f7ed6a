"""Round trips, measured so that a stall does not hide itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np

from ..client import Client
from ..client.sync import SyncClient
from ..loops.call import Call
from ..protocol.client.events import ConnectionChanged, RoundTrip
from .clock_offset import SAME_CLOCK, Offset
from .environment import STALL, Environment, Incidents, client_of, held_up, positive
from .results import Run
from .schedule import pace
from .statistics import Floats, gaps, warm_up

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PingRun", "ping"]

ANSWER_TIMEOUT = 5.0


class PingRun(Run):
    """What :func:`ping` found.

    Columns of ``samples``: `n`, `t_s` (intended send time, from the start), `intended_s`, `sent_s`,
    `received_s`, `rtt_ms` (from the actual sending), `corrected_ms` (from the intended one),
    `late_ms` (the difference), `loop_lag_ms` (the longest time within for which a loop on the way
    was blocked), `stalled`, `warm_up`; and `up_ms`, `down_ms` with `one_way_error_ms`, each way by
    itself, empty where the server's clock is not known.
    """

    kind = "ping"
    figure = "corrected_ms"

    @property
    def columns(self) -> tuple[str, ...]:
        one_way = ("up_ms", "down_ms") if self.samples["up_ms"].notna().any() else ()
        return ("corrected_ms", "rtt_ms", *one_way)


def ping(
    bot: Client | SyncClient,
    *,
    rate: float = 50.0,
    duration: float = 10.0,
    stall: float = STALL,
    timeout: float = ANSWER_TIMEOUT,
    name: str = "ping",
) -> Call[PingRun]:
    """Measure round trips with ``rate`` pings a second for ``duration`` seconds; await it.

    The pings go out on a fixed schedule, answered or not (an open loop). Each is counted from when
    it was meant to be sent, so that a client or server that hangs for a second is seen in all pings
    of that second, not in one. Raw times are kept beside.

    Args:
        stall: seconds. Pings are marked as stalled that were on their way while a loop they pass
            was blocked for so long, or that were sent so late.
        timeout: seconds to wait for the last answers; what has not come then is lost.
        name: what plots and comparisons call this run.

    A server's limit of 100 frames a second (which it does not apply to its own machine) also holds
    for pings.

    Raises:
        NotConnectedError: the client is not connected when it begins.
        UsageError: a number that is not more than 0.
    """
    positive(rate=rate, duration=duration, stall=stall, timeout=timeout)
    client = client_of(bot)
    return Call(
        lambda: client.home,
        lambda: _ping(client, rate, duration, stall, timeout, name),
        "lab.ping()",
    )


async def _ping(
    bot: Client, rate: float, duration: float, stall: float, timeout: float, name: str
) -> PingRun:
    environment = Environment(bot)
    pings = _Pings(bot, max(1, round(rate * duration)))
    with environment:
        start = await pings.run(rate, timeout)
        stalls = await environment.stalls(start)
    clock, one_way = pings.one_way(same_process=environment.server is not None)
    intended = start + np.arange(pings.count) / rate
    settings = {
        "experiment": "ping",
        "rate": rate,
        "duration_s": duration,
        "warm_up_s": warm_up(duration),
        "stall_s": stall,
        "timeout_s": timeout,
        **environment.settings(),
    }
    samples = _samples(intended, pings.sent, pings.received, warm_up(duration))
    samples["loop_lag_ms"], samples["stalled"] = held_up(
        intended, pings.sent, pings.received, stalls, stall
    )
    for column, values in zip(("up_ms", "down_ms", "one_way_error_ms"), one_way, strict=True):
        samples[column] = values * 1e3
    pauses = gaps(pings.received, 1 / rate)
    marked = [one for one in stalls if one.seconds >= stall]
    return PingRun(name, settings, samples, marked, pings.incidents, pauses, start, clock)


def _samples(intended: Floats, sent: Floats, received: Floats, warm: float) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "n": np.arange(len(intended)),
            "t_s": intended - intended[0],
            "intended_s": intended,
            "sent_s": sent,
            "received_s": received,
            "rtt_ms": (received - sent) * 1e3,
            "corrected_ms": (received - intended) * 1e3,
            "late_ms": (sent - intended) * 1e3,
            "warm_up": intended - intended[0] < warm - 1e-6,
        }
    )


class _Pings:
    """Sends the pings and notes their pongs, on the client's home loop."""

    def __init__(self, bot: Client, count: int) -> None:
        self.bot = bot
        self.count = count
        self.sent = np.full(count, np.nan)
        self.received = np.full(count, np.nan)
        self.incidents = Incidents()
        self._ids: dict[int, int] = {}
        self._all_sent = False
        self._all_answered: asyncio.Future[None] = bot.home.loop.create_future()

    async def run(self, rate: float, timeout: float) -> float:
        """Returns when the first was due."""
        end = self.bot.tap(self._on_event)
        try:
            start = await pace(rate, self.count, self._send)
            self._all_sent = True
            self._check_complete()
            try:
                async with asyncio.timeout(timeout):
                    await self._all_answered
            except TimeoutError:
                self.incidents.notes.append(
                    f"{len(self._ids)} pings had no answer within {timeout:g} s after the last"
                )
        finally:
            end()
        return start

    def one_way(self, *, same_process: bool) -> tuple[Offset | None, tuple[Floats, Floats, Floats]]:
        """The server's clock, and the ways there and back with their error, in seconds."""
        nothing = np.full(self.count, np.nan)
        clock = SAME_CLOCK if same_process else self.incidents.clock.estimate()
        if clock is None:
            return None, (nothing, nothing, nothing)
        readings = {sent: server for sent, _, server in self.incidents.clock.readings}
        server = np.array([readings.get(sent, np.nan) for sent in self.sent])
        ours = server - clock.seconds
        error = np.where(np.isnan(ours), np.nan, clock.error_at(self.sent))
        return clock, (ours - self.sent, self.received - ours, error)

    def _send(self, k: int) -> None:
        ping = self.bot.send_ping()
        if ping is None:
            return  # there is no connection: lost
        self._ids[ping.id] = k
        self.sent[k] = ping.sent

    def _on_event(self, item: Any) -> None:
        self.incidents.add(item)
        if isinstance(item, RoundTrip):
            k = self._ids.pop(item.id, None)
            if k is not None:
                self.received[k] = item.received
                self._check_complete()
        elif isinstance(item, ConnectionChanged) and item.state != "connected":
            self._ids.clear()  # they begin anew on the next connection
            self._check_complete()

    def _check_complete(self) -> None:
        if self._all_sent and not self._ids and not self._all_answered.done():
            self._all_answered.set_result(None)
