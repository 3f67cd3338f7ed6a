"""The events of a client's session: one class of immutable values for each kind."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from msgspec import Raw

from ..loss import Loss
from ..mirror import changed_fields
from ..settings import BatchPolicy
from .outbox import OutgoingCommand

__all__ = [
    "Acknowledged",
    "BatchingChanged",
    "ClientEvent",
    "ConnectionChanged",
    "Dial",
    "Drop",
    "ErrorReceived",
    "EventReceived",
    "EventsMissed",
    "PingLost",
    "PingSent",
    "RoundTrip",
    "Settled",
    "StateChanged",
]


class Dial(NamedTuple):
    """Make a connection now, as attempt number ``attempt`` (1 is the first since the last
    success)."""

    attempt: int


class Drop(NamedTuple):
    """Take the connection down: it is of no use any more."""

    code: int
    reason: str


class ConnectionChanged(NamedTuple):
    """The connection went from one state to another, or another attempt began or was planned."""

    at: float
    state: str
    previous: str
    attempt: int
    next_attempt_at: float | None
    loss: Loss | None
    resumed: bool | None
    """On `connected`: whether the server still knew us; None on the first connect."""

    def as_dict(self) -> dict[str, Any]:
        """The data of a client's event `connection`."""
        wait = None
        if self.next_attempt_at is not None:
            wait = round(max(0.0, self.next_attempt_at - self.at), 3)
        return {
            "state": self.state,
            "previous": self.previous,
            "attempt": self.attempt,
            "next_attempt_in": wait,
            "reason": str(self.loss) if self.loss is not None else None,
            "resumed": self.resumed,
        }


class StateChanged(NamedTuple):
    """The mirror was brought up to date, by a whole snapshot or by a delta."""

    at: float
    kind: Literal["snapshot", "delta"]
    payload: dict[str, Any]
    revision: int | None

    @property
    def fields(self) -> list[str]:
        """What has changed: `pose.x` and the like, or all sections of a snapshot."""
        return changed_fields(self.payload)


class EventReceived(NamedTuple):
    """An event of the robot or the server."""

    at: float
    name: str
    data: Any
    sequence: int | None
    timestamp: int
    text: Raw = Raw()
    """The data as the JSON that came."""


class EventsMissed(NamedTuple):
    """Events ``expected`` up to ``got - 1`` will not come."""

    at: float
    expected: int
    got: int


class PingSent(NamedTuple):
    """A ping on its way, as `Client.send_ping` returns it."""

    id: int
    sent: float


class RoundTrip(NamedTuple):
    """A ping met its pong."""

    id: int
    sent: float
    received: float
    server_clock: float | None = None
    """The server's monotonic clock when it answered, in seconds; None if the pong did not say."""

    @property
    def seconds(self) -> float:
        return self.received - self.sent


class PingLost(NamedTuple):
    """A ping that is awaited has got no answer in time."""

    id: int
    sent: float
    at: float

    @property
    def seconds(self) -> float:
        return self.at - self.sent


class Acknowledged(NamedTuple):
    """These commands, for which no answer was asked, have reached the server."""

    at: float
    commands: list[OutgoingCommand]


class BatchingChanged(NamedTuple):
    """Commands share frames in another way from here on."""

    at: float
    window: float
    size: int
    policy: BatchPolicy


class Settled(NamedTuple):
    """One command has its outcome."""

    at: float
    command: OutgoingCommand


class ErrorReceived(NamedTuple):
    """The server sent an `error`, or a frame that cannot be read."""

    at: float
    code: str
    message: str
    details: Any


ClientEvent = (
    Dial
    | Drop
    | ConnectionChanged
    | StateChanged
    | EventReceived
    | EventsMissed
    | RoundTrip
    | PingLost
    | Acknowledged
    | Settled
    | BatchingChanged
    | ErrorReceived
)
