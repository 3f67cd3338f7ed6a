"""A run in a few numbers, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from .tables.schema import SUBJECTS

if TYPE_CHECKING:
    from .tables.run_tables import RunTables

__all__ = ["MIME_TYPE", "RunSummary", "distance_driven", "overview", "summarise"]

MIME_TYPE = "application/vnd.mbot-nb.summary+json"
"""Under this type a displayed summary carries its numbers, for programs that execute notebooks."""
HELD_UP_MS = 5.0
"""A round trip during which the loop was blocked for this long or more says nothing about the
network."""


class RunSummary(Struct, frozen=True, kw_only=True):
    """What a recorder has seen; shown as a small table.

    The latency is that of the round trips during which this notebook's loop was not blocked for 5
    ms or more; how many were, is ``held_up``. Numbers that could not be measured are None.
    """

    seconds: float
    distance_cm: float | None
    events: int
    commands: int
    frames: int
    round_trips: int
    held_up: int
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    stalls: int
    longest_stall_ms: float
    reconnects: int
    cut: str | None = None
    """What of the run is missing, in words."""

    @property
    def commands_per_frame(self) -> float:
        """What batching has saved: 1 is nothing."""
        return self.commands / self.frames if self.frames else 0.0

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunSummary:
        """Make a summary of what :meth:`to_dict` returned."""
        return msgspec.convert(data, cls)

    def to_dict(self) -> dict[str, Any]:
        """Its numbers as plain data."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data

    def lines(self) -> list[tuple[str, str]]:
        """The summary as pairs of a name and a text."""
        distance, latency = "not told by the robot", "not measured"
        if self.distance_cm is not None:
            distance = f"{self.distance_cm:.1f} cm"
        if self.latency_p50_ms is not None and self.latency_p99_ms is not None:
            held = f", without {self.held_up} held up by the notebook" if self.held_up else ""
            latency = (
                f"p50 {self.latency_p50_ms:.2f} ms, p99 {self.latency_p99_ms:.2f} ms "
                f"({self.round_trips} round trips{held})"
            )
        lines = [
            ("recorded", f"{self.seconds:.1f} s"),
            ("distance driven", distance),
            ("events", str(self.events)),
            ("commands", _commands_in_frames(self.commands, self.frames)),
            ("latency", latency),
        ]
        if self.stalls:
            times = "once" if self.stalls == 1 else f"{self.stalls} times"
            lines.append(
                ("notebook blocked", f"{times}, {self.longest_stall_ms:.0f} ms at the longest")
            )
        if self.reconnects:
            lines.append(("reconnects", str(self.reconnects)))
        if self.cut is not None:
            lines.append(("not complete", self.cut))
        return lines

    def __str__(self) -> str:
        return "\n".join(f"{name:<17} {text}" for name, text in self.lines())

    def __repr__(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th>"
            f"<td style='text-align:left'>{escape(text)}</td></tr>"
            for name, text in self.lines()
        )
        return {
            "text/plain": str(self),
            "text/html": f"<table>{rows}</table>",
            MIME_TYPE: self.to_dict(),
        }


def summarise(run: RunTables) -> RunSummary:
    """The numbers of a run; ``run`` has to have every row of it."""
    latency, stalls, connection = run.latency, run.stalls, run.connection
    free = latency.rtt_ms[latency.loop_lag_ms < HELD_UP_MS]
    again = (connection.state == "connected") & (connection.previous == "reconnecting")
    return RunSummary(
        seconds=round(run.seconds, 3),
        distance_cm=distance_driven(run),
        events=len(run.events),
        commands=len(run.commands),
        frames=_frames(run),
        round_trips=len(latency),
        held_up=len(latency) - len(free),
        latency_p50_ms=round(float(free.quantile(0.5)), 4) if len(free) else None,
        latency_p99_ms=round(float(free.quantile(0.99)), 4) if len(free) else None,
        stalls=len(stalls),
        longest_stall_ms=round(float(stalls.blocked_ms.max()), 1) if len(stalls) else 0.0,
        reconnects=int(again.sum()),
        cut=getattr(run, "cut", None),
    )


def _frames(run: RunTables) -> int:
    """Frames of commands: those that a client sent, or that came to a server."""
    if run.metadata.get("side") != "server":
        return int((run.batches.direction == "out").sum())
    frames = run.frames
    return int(frames.frame[(frames.direction == "in") & (frames["type"] == "command")].nunique())


def distance_driven(run: RunTables) -> float | None:
    """How far the robot has gone while it was recorded, cm, by its own account (`driven` in its
    telemetry).

    None if it gave none. A robot that begins anew counts from 0 again.
    """
    events = run.events
    counts = [json.loads(data).get("driven") for data in events.data[events.name == "telemetry"]]
    known = [float(count) for count in counts if isinstance(count, (int, float))]
    if not known:
        return None
    steps = (after - before if after >= before else after for before, after in pairwise(known))
    return round(sum(steps), 3)


def _commands_in_frames(commands: int, frames: int) -> str:
    if not commands:
        return "none"
    if not frames:
        return f"{commands}, none of them sent"
    return (
        f"{commands} in {frames} frame{'' if frames == 1 else 's'}, {commands / frames:.1f} a frame"
    )


def overview(title: str, words: str, rows: Sequence[tuple[str, int, str]], variable: str) -> str:
    """A small table of the tables: name, rows, what one row is, what else is to be said of it."""
    left = "style='text-align:left'"
    body = "".join(
        f"<tr><td {left}><code>{variable}.{name}</code></td><td>{count}</td><td {left}>"
        f"{escape(SUBJECTS[name])}{f' ({escape(more)})' if more else ''}</td></tr>"
        for name, count, more in rows
    )
    caption = f"<caption {left}><b>{title}</b>, {escape(words)}</caption>"
    return (
        f"<table>{caption}<tr><th {left}>table</th><th>rows</th><th {left}>one row for "
        f"each</th></tr>{body}</table>"
    )
