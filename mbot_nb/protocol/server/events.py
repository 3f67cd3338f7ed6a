"""What happens at a server, for those who observe it: one class for each kind of event.

All are values. Times are monotonic seconds, on the clock of the server's loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..messages import CommandMessage
from .sessions import ServerSession

__all__ = [
    "AcknowledgementSent",
    "ClientConnected",
    "ClientDisconnected",
    "CommandEnded",
    "CommandStarted",
    "EventSent",
    "FrameReceived",
    "FramesSent",
    "RobotStateChanged",
    "ServerClosed",
    "ServerEvent",
    "Tap",
]


class ClientConnected(NamedTuple):
    """A client has connected, with a new session or its earlier one."""

    at: float
    session: ServerSession
    resumed: bool


class ClientDisconnected(NamedTuple):
    """A client's connection has ended."""

    at: float
    session: ServerSession
    reason: str


class FrameReceived(NamedTuple):
    """A frame has come, with these messages in it."""

    at: float
    session: ServerSession | None
    """None before its token is accepted."""
    text: str
    messages: Sequence[Any]


class FramesSent(NamedTuple):
    """Frames were sent."""

    at: float
    session: ServerSession | None
    """None before its token is accepted."""
    frames: Sequence[bytes]


class CommandStarted(NamedTuple):
    """A command is carried out from here on; its handler is called next."""

    at: float
    session: ServerSession
    message: CommandMessage
    arrived: float


class CommandEnded(NamedTuple):
    """A command has ended: done, or refused with a code, words and details."""

    at: float
    session: ServerSession
    message: CommandMessage
    refusal: tuple[str, str, dict[str, Any] | None] | None


class AcknowledgementSent(NamedTuple):
    """A client was told that its messages up to this number have come; some may have yet to be
    carried out."""

    at: float
    session: ServerSession
    cursor: int


class EventSent(NamedTuple):
    """An event was sent, with this payload as JSON."""

    at: float
    payload: bytes
    session: ServerSession | None
    """None where it is for everybody."""


class RobotStateChanged(NamedTuple):
    """The robot's state has changed: the payload of a delta, or of a snapshot."""

    at: float
    payload: dict[str, Any]
    revision: int


class ServerClosed(NamedTuple):
    """The server has ended."""

    at: float


ServerEvent = (
    ClientConnected
    | ClientDisconnected
    | FrameReceived
    | FramesSent
    | CommandStarted
    | CommandEnded
    | AcknowledgementSent
    | EventSent
    | RobotStateChanged
    | ServerClosed
)

Tap = Callable[[ServerEvent], None]
