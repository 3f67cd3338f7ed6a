"""The client of a notebook: one object, made once, that stays itself across every cut of its
connection."""

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
