"""The client of a notebook: one object, made once, that stays itself across every cut of its
connection."""

from __future__ import annotations

from .client import Client
from .status import Batch, Latency, Stats

__all__ = ["Batch", "Client", "Latency", "Stats"]
