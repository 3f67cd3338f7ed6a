"""The tables of a recorder, column by column. Units are in the names: `_s` seconds, `_ms` milliseconds.

Columns in `_s` are readings of the monotonic clock (`time.monotonic()`): differences between them are durations, also
from one table to the other. `wall` is the same moment on the wall clock, for people and for other machines' logs.
"""

from __future__ import annotations

from .tables import Column

__all__ = ["SCHEMA"]

_WALL = Column("wall", "wall", "the same moment on the wall clock, UTC")

SCHEMA: dict[str, tuple[Column, ...]] = {
    "events": (
        Column("time_s", "number", "when it came"),
        _WALL,
        Column("name", "text", "the event's name"),
        Column("sequence", "maybe whole", "its number in the session; none for telemetry"),
        Column("data", "text", "what it carried, as JSON text"),
    ),
    "latency": (
        Column("sent_s", "number", "when the ping was sent"),
        Column("received_s", "number", "when its pong was read"),
        _WALL,
        Column("id", "whole", "the ping's id, by which its pong was found"),
        Column("rtt_ms", "number", "the round trip: received minus sent"),
        Column("loop_lag_ms", "number", "the longest time within it for which this event loop was blocked; 0 below 1 ms"),
    ),
    "batches": (
        Column("time_s", "number", "when the frame was handed to the transport"),
        _WALL,
        Column("reason", "text", "why then: size, window, flush (an answer is awaited), urgent, resend, idle, bytes, unbatched"),
        Column("messages", "whole", "commands in this frame"),
        Column("bytes", "whole", "length of the frame's text"),
        Column("wait_mean_ms", "number", "mean time its commands had waited in the queue"),
        Column("wait_max_ms", "number", "longest time one of them had"),
    ),
    "commands": (
        Column("name", "text", "the command's name"),
        Column(
            "sequence", "maybe whole", "its number in the session; none for a stop, which overtakes, and for what was never sent"
        ),
        Column("queued_s", "number", "when it was given to the client"),
        _WALL,
        Column("sent_s", "number", "when it was handed to the transport; empty if it never was"),
        Column("acknowledged_s", "number", "when the server's acknowledgement came"),
        Column("answered_s", "number", "when the answer came, where one was asked for"),
        Column(
            "outcome", "text", "done, delivered, sent, rejected, expired, unknown, timeout, unsent; none while it is under way"
        ),
        Column("error", "text", "what went wrong, in words"),
    ),
    "connection": (
        Column("time_s", "number", "when it changed"),
        _WALL,
        Column("state", "text", "connecting, connected, reconnecting, error or disconnected"),
        Column("previous", "text", "the state before"),
        Column("attempt", "whole", "attempts begun since the connection was lost"),
        Column("next_attempt_in_s", "number", "seconds until the next attempt, where one is planned"),
        Column("reason", "text", "why the connection was lost"),
        Column("resumed", "maybe flag", "on a reconnect: whether the server still knew this session"),
    ),
    "stalls": (
        Column("begin_s", "number", "since when this event loop was blocked"),
        _WALL,
        Column("end_s", "number", "until when"),
        Column("blocked_ms", "number", "how long: 50 ms or more"),
    ),
}
