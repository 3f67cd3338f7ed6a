"""What is said on the wire: one struct per type of message, split by who says it.

Unknown fields are ignored, since the protocol grows. Everything here is a value; reading and
writing JSON is `codec`'s affair.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Raw, Struct

from .settings import MAX_INTEGER

__all__ = [
    "AuthMessage",
    "AuthPayload",
    "BatchFromClient",
    "BatchFromServer",
    "CommandMessage",
    "CommandPayload",
    "ErrorMessage",
    "ErrorPayload",
    "EventMessage",
    "EventPayload",
    "Id",
    "PingMessage",
    "PongMessage",
    "StateMessage",
]

Integer = Annotated[int, Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)]
Sequence = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
Id = Annotated[str, Meta(max_length=128)] | Integer
MAX_NAME = 128
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]


class _Message(Struct, tag_field="type", kw_only=True, gc=False):
    version: Literal[2]
    timestamp: Integer = 0
    sequence: Sequence | None = None


# From the client.


class CommandPayload(Struct, omit_defaults=True, gc=False):
    """``after`` comes with urgent commands, ``expires`` (ms of the server's clock) with motion."""

    command: Name
    params: dict[str, Any]
    id: Id | None = None
    reply: bool = False
    after: Sequence | None = None
    expires: float | None = None


class CommandMessage(_Message, tag="command", kw_only=True, gc=False):
    payload: CommandPayload


class PingMessage(_Message, tag="ping", kw_only=True, gc=False):
    payload: dict[str, Any] = {}


class AuthPayload(Struct):
    token: str


class AuthMessage(_Message, tag="auth", kw_only=True, gc=False):
    payload: AuthPayload


# From the server.


class EventPayload(Struct, gc=False):
    """``data`` stays the JSON that it is: it is encoded once for all clients, and recorded as it
    came."""

    event: Name
    data: Raw = Raw(b"null")


class EventMessage(_Message, tag="event", kw_only=True, gc=False):
    payload: EventPayload
    ack: Sequence | None = None


class StateMessage(_Message, tag="state", kw_only=True, gc=False):
    payload: dict[str, Any]
    ack: Sequence | None = None


class PongMessage(_Message, tag="pong", kw_only=True, gc=False):
    payload: dict[str, Any] = {}
    ack: Sequence | None = None


class ErrorPayload(Struct, kw_only=True, gc=False):
    code: str
    message: str = ""
    sequence: Sequence | None = None
    id: Id | None = None
    details: Any = None


class ErrorMessage(_Message, tag="error", kw_only=True, gc=False):
    payload: ErrorPayload
    ack: Sequence | None = None


# Batches, for each direction.


class _ClientBatchPayload(Struct, gc=False):
    messages: list[CommandMessage | PingMessage | PongMessage | AuthMessage]


class BatchFromClient(_Message, tag="batch", kw_only=True, gc=False):
    payload: _ClientBatchPayload


class _ServerBatchPayload(Struct, gc=False):
    messages: list[EventMessage | StateMessage | PongMessage | ErrorMessage | PingMessage]


class BatchFromServer(_Message, tag="batch", kw_only=True, gc=False):
    payload: _ServerBatchPayload
    ack: Sequence | None = None


FromClient = CommandMessage | PingMessage | PongMessage | AuthMessage
FromServer = EventMessage | StateMessage | PongMessage | ErrorMessage | PingMessage
