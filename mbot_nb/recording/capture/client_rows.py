"""Rows of what happens to a client; and pings of its server at a steady rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from ...client import Client
from ...embedded.route import Route
from ...errors import CommandTimeoutError, NotConnectedError
from ...protocol.client.events import (
    BatchingChanged,
    ClientEvent,
    ConnectionChanged,
    EventReceived,
    EventsMissed,
    RoundTrip,
    Settled,
    StateChanged,
)
from ...protocol.client.outbox import SentBatch
from ..tables.state_table import StateReport
from ..tables.table import ROWS_PER_PACK
from .listener import Listener
from .run_metadata import batching

__all__ = ["ClientListener", "connection_row"]

# What a message may carry is plain data; a number that JSON cannot say is written as null.
_to_json = msgspec.json.Encoder().encode
GAP = "gap"


def connection_row(change: ConnectionChanged) -> tuple[Any, ...]:
    """A row of the table `connection`, but for its last column."""
    wait = float("nan")
    if change.next_attempt_at is not None:
        wait = max(0.0, change.next_attempt_at - change.at)
    reason = None if change.loss is None else str(change.loss)
    return (change.at, change.state, change.previous, change.attempt, wait, reason, change.resumed)


class ClientListener(Listener):
    """Fills the tables of a recorder with what happens to a client."""

    def __init__(
        self,
        client: Client,
        *,
        ping_rate: float,
        max_rows: int,
        keep_text: bool = False,
        path: Path | None = None,
    ) -> None:
        super().__init__(client.home, max_rows=max_rows, keep_text=keep_text, path=path)
        self.client = client
        self.ping_rate = ping_rate
        self._timer: asyncio.TimerHandle | None = None
        self._next_ping = 0.0
        self._events = self.tables["events"]
        self._route: tuple[str, str | None] = ("", None)

    def _listen(self) -> list[Callable[[], None]]:
        self._refresh_route()
        self._note_batching(time.monotonic())
        taps = [self.client.tap(self._on_event), self.client.tap_frames(self._on_frames)]
        if self.ping_rate > 0:
            self._next_ping = time.monotonic()
            self._schedule_ping()
        return [*taps, self._stop_pings]

    # What there is to hear, most frequent first.

    def _on_event(self, item: ClientEvent | SentBatch) -> None:
        kind = type(item)
        if kind is EventReceived:
            at, name, _, sequence, _, text = item  # type: ignore[misc]
            rows = self._events.rows
            rows.append((at, name, sequence, str(text, "utf-8")))
            if len(rows) >= ROWS_PER_PACK:
                self._events.tidy()
        elif kind is SentBatch:
            self._batches.add(item)
            self._sent_batches[item.frame] = item  # type: ignore[union-attr, assignment]
            self.commands.on_started(item.commands)  # type: ignore[union-attr]
        elif kind is RoundTrip:
            self._on_round_trip(item)  # type: ignore[arg-type]
        elif kind is Settled:
            self.commands.on_settled(item.command)  # type: ignore[union-attr]
        elif kind is StateChanged:
            self._on_state(item)  # type: ignore[arg-type]
        elif kind is ConnectionChanged:
            self._on_connection(item)  # type: ignore[arg-type]
        elif kind is EventsMissed:
            at, expected, got = item  # type: ignore[misc]
            # As the client's subscribers are told of it.
            self._events.append(
                at, GAP, None, _to_json({"expected": expected, "got": got}).decode()
            )
        elif kind is BatchingChanged:
            self._note_batching(item.at)  # type: ignore[union-attr]

    def _on_round_trip(self, trip: RoundTrip) -> None:
        if trip.sent < (self.since or 0.0):
            return  # nobody watched the loop when it began
        lag = self._monitors.lag(trip.sent, trip.received)
        self.tables["latency"].append(
            trip.sent, trip.received, trip.id, trip.seconds * 1e3, lag * 1e3, *self._route
        )

    def _on_state(self, change: StateChanged) -> None:
        if change.kind == "delta":
            self._add_state(StateReport(change.at, False, change.payload, change.revision))
        else:
            self._record_state(change.at)

    def state_now(self) -> dict[str, Any]:
        """The robot's state as the client knows it now."""
        return self.client.state.to_dict()

    def _record_state(self, at: float) -> None:
        # As the client has it: changes that had waited for a snapshot are in it already.
        if state := self.state_now():
            self._add_state(StateReport(at, True, state, self.client.revision))

    def _note_batching(self, at: float) -> None:
        """How commands share frames from here on is in the metadata: an experiment of the lab
        batches in its own way."""
        now = batching(self.client)
        known = self.facts["batching"]
        if {**known[-1], "since_s": None} != {**now, "since_s": None}:
            self.facts["batching"] = [*known, {**now, "since_s": at}]
            self.writer.describe()

    def _on_connection(self, change: ConnectionChanged) -> None:
        self.tables["connection"].append(*connection_row(change), None)
        self._monitors.watch(self._loops())
        self._refresh_route()
        self._sent_batches.clear()  # what has not gone out yet never will
        if change.state == "disconnected":
            # The client was closed. It still tells how its last commands ended, in this same turn
            # of the loop.
            self.home.loop.call_soon(self.stop)

    def _refresh_route(self) -> None:
        """What round trips are made over from here on."""
        names = [relay.name or "a network of its own" for relay in Route.of(self.client).relays]
        self._route = self.client.profile, " and ".join(names) or None

    def _loops(self) -> list[asyncio.AbstractEventLoop]:
        return Route.of(self.client).loops

    # Pings at a steady rate.

    def _schedule_ping(self) -> None:
        loop = self.home.loop
        if self.client.connected:
            self.home.spawn(self._send_ping(), "ping of a recorder")
        # What a blocked loop missed is not made up for.
        self._next_ping = max(self._next_ping + 1 / self.ping_rate, loop.time())
        self._timer = loop.call_at(self._next_ping, self._schedule_ping)

    def _stop_pings(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _send_ping(self) -> None:
        # A cut connection is in the table `connection`; a ping that it swallowed, or nobody
        # answered, has no round trip.
        with suppress(NotConnectedError, CommandTimeoutError):
            await self.client.ping()
