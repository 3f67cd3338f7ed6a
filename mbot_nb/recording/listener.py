"""What a recorder does on its client's loop: hear everything, write rows, ping.

The client holds the listener, the user holds the recorder; the listener does not know the recorder. So a recorder that
nobody holds any more (its cell was run again) is collected, and its listener ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from ..client import Client
from ..errors import NotConnectedError
from ..monitor import LoopMonitor, Stall
from ..protocol.events import ClientEvent, ConnectionChanged, EventReceived, RoundTrip, Settled, StateChanged
from ..protocol.outgoing import SentBatch
from ..transport.impairment import Relay
from .commands import CommandTable
from .schema import SCHEMA
from .states import StateRows, Told
from .tables import SLACK, Table, Turn
from .wiretap import Wiretap, batch_size

__all__ = ["Listener", "relays"]

NOTABLE_STALL = 0.05
"""Seconds of a blocked loop that become a row of their own."""

# What a message may carry is plain data; a number that JSON cannot say is written as null.
_to_json = msgspec.json.Encoder().encode


class Listener:
    """The tables of one recorder, and what fills them."""

    def __init__(self, client: Client, *, ping_rate: float, max_rows: int, keep_text: bool = False) -> None:
        self.client = client
        self.ping_rate = ping_rate
        self.wall_offset = time.time() - time.monotonic()
        turns: dict[str, Turn] = {
            "batches": _batches,
            "states": StateRows().columns,
            "frames": Wiretap(keep_text=keep_text).columns,
        }
        self.tables = {
            name: Table(name, columns, max_rows=max_rows, wall_offset=self.wall_offset, turn=turns.get(name))
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
        self._events = self.tables["events"]
        self._batches = self.tables["batches"]
        self._frames = self.tables["frames"]
        self._way: tuple[str, str | None] = ("", None)

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
        self._endings = [
            self.client.tap(self._heard),
            self.client.tap_frames(self._passed),
            self._monitor.listen(self._stalled),
            self._monitor.release,
        ]
        self._look_around()
        if self.client.revision is not None:
            self._state_told(self.since)
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
            if self.client.revision is not None:
                self._state_told(self.since)

    # What there is to hear, most frequent first.

    def _heard(self, item: ClientEvent | SentBatch) -> None:
        kind = type(item)
        if kind is EventReceived:
            at, name, data, sequence, _ = item  # type: ignore[misc]
            rows = self._events.rows
            rows.append((at, name, sequence, _to_json(data).decode()))
            if len(rows) >= SLACK:
                self._events.tidy()
        elif kind is SentBatch:
            self._batches.add(item)
            self.commands.sent(item.commands)  # type: ignore[union-attr]
        elif kind is RoundTrip:
            self._round_trip(item)  # type: ignore[arg-type]
        elif kind is Settled:
            self.commands.settled(item.command)  # type: ignore[union-attr]
        elif kind is StateChanged:
            self._state_changed(item)  # type: ignore[arg-type]
        elif kind is ConnectionChanged:
            self._changed(item)  # type: ignore[arg-type]

    def _passed(self, at: float, direction: str, frames: Sequence[bytes | str]) -> None:
        rows = self._frames.rows
        for text in frames:
            rows.append((at, direction, text, None))
            if direction == "in" and (count := batch_size(text)):  # type: ignore[arg-type]
                self._batches.rows.append((at, count, len(text.encode(errors="replace"))))  # type: ignore[union-attr]
        if len(rows) >= SLACK:
            self._frames.tidy()

    def _round_trip(self, trip: RoundTrip) -> None:
        lag = self._monitor.lag(trip.sent, trip.received)
        self.tables["latency"].append(trip.sent, trip.received, trip.id, trip.seconds * 1e3, lag * 1e3, *self._way)

    def _state_changed(self, change: StateChanged) -> None:
        if change.kind == "delta":
            self.tables["states"].add(Told(change.at, False, change.payload, change.revision))
        else:
            self._state_told(change.at)

    def _state_told(self, at: float) -> None:
        """The whole state, as the mirror has it: changes that had waited for it are in it already."""
        mirror = self.client._session.mirror
        self.tables["states"].add(Told(at, True, mirror.state, mirror.revision))

    def _look_around(self) -> None:
        """What round trips are made over from here on."""
        names = [relay.name or "a network of its own" for relay in relays(self.client.url)]
        self._way = self.client.profile, " and ".join(names) or None

    def _changed(self, change: ConnectionChanged) -> None:
        wait = _NAN if change.next_attempt_at is None else max(0.0, change.next_attempt_at - change.at)
        reason = None if change.loss is None else str(change.loss)
        self.tables["connection"].append(
            change.at, change.state, change.previous, change.attempt, wait, reason, change.resumed, None
        )
        self._look_around()
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


def relays(url: str) -> list[Relay]:
    """The relays of this process that a client of ``url`` goes through, one after the other."""
    found: list[Relay] = []
    while (relay := Relay.at(url)) is not None and relay not in found:
        found.append(relay)
        url = relay.target
    return found


def _batches(items: list[Any]) -> Sequence[Sequence[Any]]:
    """Columns of the table ``batches`` out of frames of commands that were sent, and batches that came."""
    return list(zip(*[_sent(item) if type(item) is SentBatch else _came(*item) for item in items], strict=True))


def _sent(batch: SentBatch) -> tuple[Any, ...]:
    at, commands = batch.at, batch.commands
    waits = [(at - command.queued_at) * 1e3 for command in commands]
    count = len(waits)
    told = _to_json(waits).decode()
    return at, "out", batch.reason, count, batch.nbytes, sum(waits) / count, waits[0], told, None


def _came(at: float, count: int, nbytes: int, client: int | None = None) -> tuple[Any, ...]:
    return at, "in", None, count, nbytes, _NAN, _NAN, None, client
