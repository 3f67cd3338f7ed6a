"""The client of a robot: one object that stays itself across every cut of its connection.

Modules:

    client           `Client`, the robot's remote control
    command_calls    commands whose outcome is awaited, and stops
    pings            round trips that are awaited, and figures of the last thousand
    identify         shows which robot it is, by blinking and beeping
    subscriptions    handlers of events, and streams of events
    batching         other batching numbers for a while, for experiments
    waiters          tasks that wait for conditions on the session
    status           values: latency, traffic, batches and the server's clock
    link             keeps the session connected, and wakes it at its deadlines
    connect_errors   why there is no connection, and what to do about it
    sync             `SyncClient`, the same without `await`
"""

from __future__ import annotations

from ..protocol.client.events import (
    ClientEvent,
    ConnectionChanged,
    EventReceived,
    RoundTrip,
    Settled,
    StateChanged,
)
from ..protocol.client.outbox import SentBatch
from .client import Client
from .status import Batch, Latency, Stats

__all__ = [
    "Batch",
    "Client",
    "ClientEvent",
    "ConnectionChanged",
    "EventReceived",
    "Latency",
    "RoundTrip",
    "SentBatch",
    "Settled",
    "StateChanged",
    "Stats",
]
