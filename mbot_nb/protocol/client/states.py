"""The states of a client's session, and what leads from one to another."""

from __future__ import annotations

from enum import Enum

__all__ = ["STATE_NAMES", "TRANSITIONS", "ClientCounters", "State"]


class State(Enum):
    """Where the session of a client stands."""

    IDLE = "idle"
    DIALLING = "dialling"
    SYNCHRONISING = "synchronising"
    CONNECTED = "connected"
    WAITING = "waiting"
    FAILED = "failed"
    CLOSED = "closed"


STATE_NAMES = {
    State.IDLE: "disconnected",
    State.DIALLING: "connecting",
    State.SYNCHRONISING: "connecting",
    State.CONNECTED: "connected",
    State.WAITING: "reconnecting",
    State.FAILED: "error",
    State.CLOSED: "disconnected",
}
"""The names that users see; a client that was connected before is `reconnecting` until it is
again."""


TRANSITIONS: dict[tuple[State, str], State] = {
    (State.IDLE, "dial"): State.DIALLING,
    (State.WAITING, "dial"): State.DIALLING,
    (State.FAILED, "dial"): State.DIALLING,
    (State.DIALLING, "open"): State.SYNCHRONISING,
    (State.SYNCHRONISING, "snapshot"): State.CONNECTED,
    (State.DIALLING, "lose"): State.WAITING,
    (State.SYNCHRONISING, "lose"): State.WAITING,
    (State.CONNECTED, "lose"): State.WAITING,
    (State.DIALLING, "fail"): State.FAILED,
    (State.SYNCHRONISING, "fail"): State.FAILED,
    (State.CONNECTED, "fail"): State.FAILED,
    (State.IDLE, "close"): State.CLOSED,
    (State.DIALLING, "close"): State.CLOSED,
    (State.SYNCHRONISING, "close"): State.CLOSED,
    (State.CONNECTED, "close"): State.CLOSED,
    (State.WAITING, "close"): State.CLOSED,
    (State.FAILED, "close"): State.CLOSED,
    (State.CLOSED, "close"): State.CLOSED,
}
"""The client's state machine: what may happen where, and where it leads. Anything else is a bug of
the shell."""


class ClientCounters:
    """What went over the wire since the client was made; bytes are those of the texts."""

    def __init__(self) -> None:
        self.frames_in = 0
        self.frames_out = 0
        self.messages_in = 0
        self.messages_out = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.connections = 0
        self.duplicates = 0
        self.gaps = 0
        self.malformed = 0

    def as_dict(self) -> dict[str, int]:
        """All of them by name."""
        return dict(vars(self))
