"""The embedded server: any number of clients, one robot, on the loop of whoever started it."""

from __future__ import annotations

from .clients import RemoteClient
from .server import Server

__all__ = ["RemoteClient", "Server"]
