"""When a robot on a cable reports its telemetry; parts of its state and events as plain data."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from .connection.link import LinkState, SerialLink

__all__ = ["Telemetry", "connection_lost_event", "connection_section", "error_event"]

MIN_INTERVAL = 0.05
"""Seconds between two reports of the telemetry, at least."""


class Telemetry:
    """Reports telemetry soon after a sensor value changed; nothing twice, nothing when silent.

    ``read`` gives it, ``report`` takes it, both in the link's thread.
    """

    def __init__(
        self,
        link: SerialLink,
        read: Callable[[], dict[str, Any]],
        report: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._link = link
        self._read = read
        self._report = report
        self._at = 0.0
        self._due = False
        self._last: dict[str, Any] | None = None

    def schedule(self) -> None:
        """Report soon: what changes within a moment is reported together."""
        if not self._due:
            # first: the link's thread may report before this one goes on
            self._due = True
            self._link.call_at(max(time.monotonic(), self._at + MIN_INTERVAL), self._report_changes)

    def resend(self) -> None:
        """Report all values again, for a client that has just come."""
        self._last = None
        self.schedule()

    def _report_changes(self) -> None:
        self._due = False
        if self._link.state != "ready":
            return
        values = self._read()
        if values != self._last:
            self._at, self._last = time.monotonic(), values
            self._report(values)


def connection_section(link: SerialLink, port: str, wall_offset: float) -> dict[str, Any]:
    """The section `connection`; ``wall_offset`` is Unix time less that of ``time.monotonic``, s."""
    section: dict[str, Any] = {
        "port": port,
        "ready": link.state == "ready",
        "state": link.state,
        "reason": link.reason,
        "guarded": link.guarded,
    }
    if link.next_attempt is not None:
        section |= {
            "attempts": link.attempts,
            "next_attempt_at": round((link.next_attempt + wall_offset) * 1000),
        }
    return section


def connection_lost_event(
    port: str, reason: str, state: LinkState, *, moving: bool
) -> dict[str, Any]:
    """The event `robot_connection` of a robot that does not answer any more."""
    if moving and state == "lost":
        reason += " (it was driving, and nothing can stop it now: lift it, or switch it off)"
    elif moving:
        reason += (
            " (it was driving; it is told to stop again and again: if it drives on, lift it, or "
            "switch it off)"
        )
    return {"connected": False, "port": port, "reason": reason}


def error_event(command: str, error: BaseException) -> dict[str, Any]:
    """The event `error`."""
    return {
        "code": getattr(error, "code", "INTERNAL_ERROR"),
        "error": type(error).__name__,
        "command": command,
        "message": str(error),
    }
