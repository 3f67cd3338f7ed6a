"""The tables of a recorder, column by column. Units are in the names: `_s` seconds, `_ms`
milliseconds.

Columns in `_s` are readings of the monotonic clock (`time.monotonic()`): differences between them
are durations, also from one table to the other. `wall` is the same moment on the wall clock, for
people and for other machines' logs.
"""

from __future__ import annotations

from ...errors import UsageError
from .columns import Column

__all__ = ["JSON", "METADATA_KEY", "SCHEMA", "SUBJECTS", "known"]

METADATA_KEY = b"mbot_nb"
"""Under this name the schema of an Arrow table or a Parquet file carries its recording's
metadata."""

_WALL = Column("wall", "wall", "the same moment on the wall clock, UTC")
_CLIENT = Column(
    "client",
    "maybe whole",
    "at a server: the number of the client whose it is; none where it is everybody's, or at a "
    "client",
)

SCHEMA: dict[str, tuple[Column, ...]] = {
    "events": (
        Column("time_s", "number", "when it came; at a server: when it was sent"),
        _WALL,
        Column("name", "label", "the event's name"),
        Column(
            "sequence",
            "maybe whole",
            "its number in the session; none for telemetry, and at a server, which counts for each "
            "client",
        ),
        Column("data", "text", "what it carried, as JSON text"),
    ),
    "latency": (
        Column("sent_s", "number", "when the ping was sent"),
        Column("received_s", "number", "when its pong was read"),
        _WALL,
        Column("id", "whole", "the ping's id, by which its pong was found"),
        Column("rtt_ms", "number", "the round trip: received minus sent"),
        Column(
            "loop_lag_ms",
            "number",
            "the longest time within it for which a loop of this process on its way was blocked "
            "(the client's, a relay's, the "
            "server's); 0 below 1 ms",
        ),
        Column("profile", "label", "of the connection: extended or baseline"),
        Column(
            "impairment",
            "label",
            "the network that a relay of this process plays on the way; none if there is no relay",
        ),
    ),
    "batches": (
        Column("time_s", "number", "when the frame was handed to the transport, or came"),
        _WALL,
        Column("direction", "label", "out: from here, in: to here"),
        Column(
            "reason",
            "label",
            "why then: size, window, flush (an answer is awaited), urgent, resend, idle, bytes, "
            "unbatched; "
            "none if it came, or a server sent it",
        ),
        Column("messages", "whole", "messages in this frame"),
        Column("bytes", "whole", "length of the frame's text"),
        Column("wait_mean_ms", "number", "mean time its commands had waited in the queue"),
        Column("wait_max_ms", "number", "longest time one of them had"),
        Column("waits_ms", "text", "how long each of them had, in their order, as JSON text"),
        _CLIENT,
    ),
    "commands": (
        Column("name", "label", "the command's name"),
        Column(
            "sequence",
            "maybe whole",
            "its number in the session; none for a stop, which overtakes, and for what was never "
            "sent",
        ),
        Column("queued_s", "number", "when it was given to the client; at a server: when it came"),
        _WALL,
        Column(
            "sent_s",
            "number",
            "when it was handed to the transport, empty if it never was; at a server: when its "
            "handler began",
        ),
        Column(
            "acknowledged_s",
            "number",
            "when the server's acknowledgement came; at a server: when it was sent",
        ),
        Column(
            "answered_s", "number", "when the answer came, or was sent, where one was asked for"
        ),
        Column(
            "outcome",
            "label",
            "done, delivered, sent, rejected, expired, unknown, timeout, unsent; none while it is "
            "under way",
        ),
        Column("error", "text", "what went wrong, in words"),
        _CLIENT,
    ),
    "states": (
        Column("time_s", "number", "when it came; at a server: when it was noticed"),
        _WALL,
        Column(
            "field",
            "label",
            "what has this value from here on, as `pose.x`; at the beginning and with each "
            "snapshot: every field",
        ),
        Column("value", "text", "the value as JSON text; none: the field is gone"),
        Column(
            "revision",
            "maybe whole",
            "the number of the state's change; fields with the same one changed together",
        ),
    ),
    "connection": (
        Column("time_s", "number", "when it changed"),
        _WALL,
        Column("state", "label", "connecting, connected, reconnecting, error or disconnected"),
        Column("previous", "label", "the state before"),
        Column("attempt", "whole", "attempts begun since the connection was lost"),
        Column(
            "next_attempt_in_s", "number", "seconds until the next attempt, where one is planned"
        ),
        Column("reason", "text", "why the connection was lost"),
        Column(
            "resumed", "maybe flag", "on a reconnect: whether the server still knew this session"
        ),
        _CLIENT,
    ),
    "frames": (
        Column("time_s", "number", "when the frame was handed to the transport, or came"),
        _WALL,
        Column("direction", "label", "out: from here, in: to here"),
        Column(
            "type",
            "label",
            "state, command, event, ping, pong, error or auth; none for what cannot be read",
        ),
        Column("sequence", "maybe whole", "the message's number, where it has one"),
        Column("bytes", "whole", "length of the message's text, in UTF-8"),
        Column(
            "frame", "whole", "running number of the frame; the messages of one batch have the same"
        ),
        Column(
            "batch",
            "maybe whole",
            "running number of the batch in which it travelled; none if it travelled alone",
        ),
        Column("position", "whole", "its place in the batch, from 0"),
        Column("text", "text", "the message itself, if the recorder was made with `text=True`"),
        _CLIENT,
    ),
    "stalls": (
        Column("begin_s", "number", "since when an event loop was blocked that is on the way"),
        _WALL,
        Column("end_s", "number", "until when"),
        Column("blocked_ms", "number", "how long: 50 ms or more"),
        Column(
            "loop",
            "label",
            "which one: the caller's loop (in a notebook: the cells'), or the I/O thread",
        ),
    ),
}

JSON = {
    "data": ("events", "data"),
    "value": ("states", "value"),
    "waits_ms": ("batches", "waits_ms"),
}
"""Columns that hold JSON text: in which table, and what the columns that `expand` makes of them
begin with."""

SUBJECTS = {
    "events": "event of the robot, the server or a handler",
    "latency": "round trip",
    "batches": "frame of commands, and batch that came",
    "commands": "command",
    "states": "field of the robot's state that got a value",
    "connection": "change of the connection",
    "frames": "message on the wire",
    "stalls": "time a loop on the way was blocked, 50 ms or more",
}


def known(name: str) -> str:
    """The name of a table, checked.

    Raises:
        UsageError: no table is called so.
    """
    if name not in SCHEMA:
        raise UsageError(f"there is no table {name!r}; there are {', '.join(SCHEMA)}")
    return name
