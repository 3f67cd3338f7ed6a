"""What an experiment happens in: the relay and the server, where they are of this process, and the
loops that they run on."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..client import Client
from ..client.sync import SyncClient
from ..embedded.route import Route
from ..errors import NotConnectedError, UsageError
from ..jupyter.cells import shell
from ..loops.monitor import LoopMonitors, Stall
from ..protocol.client.events import ConnectionChanged, ErrorReceived, RoundTrip
from ..version import __version__
from .clock_offset import ClockReadings
from .statistics import Floats

__all__ = ["STALL", "Environment", "Incidents", "client_of", "held_up", "lags", "positive"]

STALL = 0.01
"""Seconds for which a loop must have been blocked for what it held up to be marked."""


class Environment:
    """Where a client's traffic passes in this process, and who watches the loops there, between
    ``enter`` and ``leave``."""

    def __init__(self, bot: Client) -> None:
        self.bot = bot
        self.route = Route.of(bot)
        self.server = self.route.server
        # A list of its own, from the start: a monitor keeps the last ones only, and a long run has
        # many short ones.
        self._stalls: list[Stall] = []
        self._monitors = LoopMonitors(self._stalls.append)

    def __enter__(self) -> Environment:
        self._monitors.watch(self.route.loops)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._monitors.end()

    async def stalls(self, since: float) -> list[Stall]:
        """What blocked any of the loops after ``since``; waits until a block that has just ended is
        known."""
        await asyncio.sleep(2 * self._monitors.interval)
        return sorted(stall for stall in tuple(self._stalls) if stall.end > since)

    def settings(self) -> dict[str, Any]:
        """What has to be known to do it again."""
        bot = self.bot
        return {
            "url": bot.url,
            "profile": bot.profile,
            "server": "in this process" if self.server is not None else "elsewhere",
            "retry_delays": list(bot.settings.retry_delays),
            "retry_jitter": bot.settings.retry_jitter,
            "notebook": shell() is not None,
            "home": "I/O thread" if bot.home.is_io_thread else "the caller's loop",
            "networks": self.route.networks,
            "versions": {"mbot_nb": __version__, "python": platform.python_version()},
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }


class Incidents:
    """Collects from a client's tap what happens beside the experiment's messages: round trips that
    read the server's clock, changes of the connection, errors."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        """What went wrong, in words."""
        self.changes: list[ConnectionChanged] = []
        self.clock = ClockReadings()

    def add(self, item: object) -> None:
        """Take in one event of the client's tap."""
        if isinstance(item, RoundTrip):
            self.clock.add(item)
        elif isinstance(item, ConnectionChanged):
            self.clock.add(item)
            self.changes.append(item)
            loss = f" ({item.loss})" if item.loss is not None else ""
            self.notes.append(f"connection: {item.state}{loss}")
        elif isinstance(item, ErrorReceived):
            self.notes.append(f"{item.code}: {item.message}")


def lags(begin: Floats, end: Floats, stalls: Iterable[Stall]) -> Floats:
    """For each span from ``begin`` (ascending) to ``end`` the longest time for which a loop was
    blocked within it."""
    longest = np.zeros(len(begin))
    latest = np.maximum.accumulate(end)
    for stall in stalls:
        # A long run has many of both: only the spans that this stall can touch are looked at.
        near = slice(
            np.searchsorted(latest, stall.begin, "right"), np.searchsorted(begin, stall.end)
        )
        overlap = np.minimum(end[near], stall.end) - np.maximum(begin[near], stall.begin)
        np.maximum(longest[near], overlap, out=longest[near])
    return longest


def held_up(
    intended: Floats, sent: Floats, received: Floats, stalls: Iterable[Stall], limit: float
) -> tuple[Floats, NDArray[np.bool_]]:
    """For each message the loops' lag in ms, and whether a stall of ``limit`` seconds or more may
    have held it up.

    It may if it was on its way meanwhile, or was itself sent so late: what had piled up went before
    it.
    """
    end = np.where(np.isnan(received), np.inf, received)
    long = [stall for stall in stalls if stall.seconds >= limit]
    with np.errstate(invalid="ignore"):
        marked = (lags(intended, end, long) > 0) | (sent - intended >= limit)
    return lags(intended, end, stalls) * 1e3, marked


def client_of(bot: Client | SyncClient) -> Client:
    """The client itself.

    Raises:
        UsageError: it is none.
        NotConnectedError: it is not connected.
    """
    client = bot.client if isinstance(bot, SyncClient) else bot
    if not isinstance(client, Client):
        raise UsageError(
            "an experiment needs a client, as `await mb.connect()` returns it, not "
            f"{type(bot).__name__}"
        )
    if not client.connected:
        raise NotConnectedError(
            f"nothing to measure: this client is {client.connection_state}; see "
            "bot.connection_state"
        )
    return client


def positive(**values: float) -> None:
    """Refuse what is not more than 0.

    Raises:
        UsageError: naming it.
    """
    for name, value in values.items():
        if not 0 < value < float("inf"):
            raise UsageError(f"{name} must be more than 0, got {value!r}")
