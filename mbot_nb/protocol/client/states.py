"""The states of a client's session, and what leads from one to another."""

from __future__ import annotations

from enum import Enum

__all__ = ["STATE_NAMES", "TRANSITIONS", "ClientCounters", "ClientState"]


class ClientState(Enum):
    """Where the session of a client stands."""

    IDLE = "idle"
    DIALLING = "dialling"
    SYNCHRONISING = "synchronising"
    CONNECTED = "connected"
    WAITING = "waiting"
    FAILED = "failed"
    CLOSED = "closed"


STATE_NAMES = {
    ClientState.IDLE: "disconnected",
    ClientState.DIALLING: "connecting",
    ClientState.SYNCHRONISING: "connecting",
    ClientState.CONNECTED: "connected",
    ClientState.WAITING: "reconnecting",
    ClientState.FAILED: "error",
    ClientState.CLOSED: "disconnected",
}
"""The names that users see; a client that was connected before is `reconnecting` until it is
again."""


TRANSITIONS: dict[tuple[ClientState, str], ClientState] = {
    (ClientState.IDLE, "dial"): ClientState.DIALLING,
    (ClientState.WAITING, "dial"): ClientState.DIALLING,
    (ClientState.FAILED, "dial"): ClientState.DIALLING,
    (ClientState.DIALLING, "open"): ClientState.SYNCHRONISING,
    (ClientState.SYNCHRONISING, "snapshot"): ClientState.CONNECTED,
    (ClientState.DIALLING, "lose"): ClientState.WAITING,
    (ClientState.SYNCHRONISING, "lose"): ClientState.WAITING,
    (ClientState.CONNECTED, "lose"): ClientState.WAITING,
    (ClientState.DIALLING, "fail"): ClientState.FAILED,
    (ClientState.SYNCHRONISING, "fail"): ClientState.FAILED,
    (ClientState.CONNECTED, "fail"): ClientState.FAILED,
    (ClientState.IDLE, "close"): ClientState.CLOSED,
    (ClientState.DIALLING, "close"): ClientState.CLOSED,
    (ClientState.SYNCHRONISING, "close"): ClientState.CLOSED,
    (ClientState.CONNECTED, "close"): ClientState.CLOSED,
    (ClientState.WAITING, "close"): ClientState.CLOSED,
    (ClientState.FAILED, "close"): ClientState.CLOSED,
    (ClientState.CLOSED, "close"): ClientState.CLOSED,
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
