"""What a recorder does on the client's loop: hear everything, write rows, ping.

The client holds the listener, the user holds the recorder; the listener does not know the recorder. So a recorder that
nobody holds any more (its cell was run again) is collected, and its listener ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec

from ..client import Client
from ..errors import NotConnectedError
from ..monitor import LoopMonitor, Stall
from ..protocol.events import ClientEvent, ConnectionChanged, EventReceived, RoundTrip, Settled
from ..protocol.outgoing import SentBatch
from .commands import CommandTable
from .schema import SCHEMA
from .tables import Table

__all__ = ["Listener"]

NOTABLE_STALL = 0.05
"""Seconds of a blocked loop that become a row of their own."""

# What a message may carry is plain data; a number that JSON cannot say is written as null.
_to_json = msgspec.json.Encoder().encode


class Listener:
    """The tables of one recorder, and what fills them."""

    def __init__(self, client: Client, *, ping_rate: float, max_rows: int) -> None:
        self.client = client
        self.ping_rate = ping_rate
        self.wall_offset = time.time() - time.monotonic()
        self.tables = {
            name: Table(name, columns, max_rows=max_rows, wall_offset=self.wall_offset)
            for name, columns in SCHEMA.items()
            if name != "commands"
        }
        self.commands = CommandTable(SCHEMA["commands"], max_rows=max_rows, wall_offset=self.wall_offset)
        self.seconds = 0.0
        """Recorded in earlier stretches."""
        self.since: float | None = None
        """When the present stretch began."""
        self._monitor = LoopMonitor.of(client.home.loop)
        self._endings: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._next_ping = 0.0
        self._add_event = self.tables["events"].append
        self._add_batch = self.tables["batches"].append

    @property
    def recording(self) -> bool:
        """Whether rows are written now."""
        return self.since is not None

    def start(self) -> None:
        """Begin, on the home loop; once more changes nothing."""
        if self.recording:
            return
        self.since = self._next_ping = time.monotonic()
        self._monitor.hold()
        self._endings = [self.client.tap(self._heard), self._monitor.listen(self._stalled), self._monitor.release]
        if self.ping_rate > 0:
            self._ping()

    def stop(self) -> None:
        """End, on the home loop; once more changes nothing."""
        if self.since is None:
            return
        now = time.monotonic()
        pending = self._monitor.pending
        if pending is not None:
            # A cell that blocks and then stops the recorder leaves the loop no time to tell.
            self._stalled(Stall(max(pending, self.since), now))
        self.seconds += now - self.since
        self.since = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        endings, self._endings = self._endings, []
        for end in endings:
            end()

    def clear(self) -> None:
        """Forget all rows."""
        for table in self.tables.values():
            table.clear()
        self.commands.clear()
        self.seconds = 0.0
        if self.since is not None:
            self.since = time.monotonic()

    # What there is to hear, most frequent first.

    def _heard(self, item: ClientEvent | SentBatch) -> None:
        kind = type(item)
        if kind is SentBatch:
            self._sent(item)  # type: ignore[arg-type]
        elif kind is EventReceived:
            self._add_event(item.at, item.name, item.sequence, _to_json(item.data).decode())  # type: ignore[union-attr]
        elif kind is RoundTrip:
            self._round_trip(item)  # type: ignore[arg-type]
        elif kind is Settled:
            self.commands.settled(item.command)  # type: ignore[union-attr]
        elif kind is ConnectionChanged:
            self._changed(item)  # type: ignore[arg-type]

    def _sent(self, batch: SentBatch) -> None:
        commands, at = batch.commands, batch.at
        count = len(commands)
        queued = [command.queued_at for command in commands]
        self._add_batch(at, batch.reason, count, batch.nbytes, (at - sum(queued) / count) * 1e3, (at - queued[0]) * 1e3)
        self.commands.sent(commands)

    def _round_trip(self, trip: RoundTrip) -> None:
        lag = self._monitor.lag(trip.sent, trip.received)
        self.tables["latency"].append(trip.sent, trip.received, trip.id, trip.seconds * 1e3, lag * 1e3)

    def _changed(self, change: ConnectionChanged) -> None:
        wait = _NAN if change.next_attempt_at is None else max(0.0, change.next_attempt_at - change.at)
        reason = None if change.loss is None else str(change.loss)
        self.tables["connection"].append(change.at, change.state, change.previous, change.attempt, wait, reason, change.resumed)
        if change.state == "disconnected":
            # The client was closed. It still tells how its last commands ended, in this same turn of the loop.
            self.client.home.loop.call_soon(self.stop)

    def _stalled(self, stall: Stall) -> None:
        if stall.seconds >= NOTABLE_STALL:
            self.tables["stalls"].append(stall.begin, stall.end, stall.seconds * 1e3)

    # Pings at a steady rate.

    def _ping(self) -> None:
        loop = self.client.home.loop
        if self.client.connected:
            self.client.home.spawn(self._one_ping(), "ping of a recorder")
        # What a blocked loop missed is not made up for.
        self._next_ping = max(self._next_ping + 1 / self.ping_rate, loop.time())
        self._timer = loop.call_at(self._next_ping, self._ping)

    async def _one_ping(self) -> None:
        # A cut connection is in the table `connection`; a ping that it swallowed has no round trip.
        with suppress(NotConnectedError):
            await self.client.ping()


_NAN = float("nan")
