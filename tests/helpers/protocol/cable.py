"""What stands in a test's world: the cable between client and server, and the robot."""

from __future__ import annotations

from collections import deque
from typing import Any

from mbot_nb.protocol.messages import CommandMessage
from mbot_nb.protocol.server import ServerConnection
from mbot_nb.protocol.server.sessions import ServerSession

ROOM = 32 * 1024
"""Bytes that the transport takes before it says that it has no room."""


class Cable:
    """One connection: what is under way in each direction, and what each end knows of it."""

    def __init__(self, server: ServerConnection) -> None:
        self.server = server
        self.up: deque[tuple[float, str]] = deque()
        self.down: deque[tuple[float, str]] = deque()
        self.client_open = False
        self.server_open = True
        self.opens_at = 0.0
        self.full = False


class Robot:
    """Counts, moves, and remembers what it was told to do and when."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {"section": {"count": 0}, "latch": None}
        self.latches = 0
        self.motion: tuple[ServerSession, CommandMessage, float] | None = None
