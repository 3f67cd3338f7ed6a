"""What a robot on a cable tells of its connection, and of what went wrong: plain data for the state and for events."""

from __future__ import annotations

from typing import Any

from .link import Link

__all__ = ["of_connection", "of_error"]


def of_connection(link: Link, port: str, wall_offset: float) -> dict[str, Any]:
    """The section `connection` of the state; ``wall_offset`` is Unix time less that of ``time.monotonic``, seconds."""
    told: dict[str, Any] = {
        "port": port,
        "ready": link.state == "ready",
        "state": link.state,
        "reason": link.reason,
        "guarded": link.guarded,
    }
    if link.next_attempt is not None:
        told |= {"attempts": link.attempts, "next_attempt_at": round((link.next_attempt + wall_offset) * 1000)}
    return told


def of_error(command: str, error: BaseException) -> dict[str, Any]:
    """The event `error`."""
    return {
        "code": getattr(error, "code", "INTERNAL_ERROR"),
        "error": type(error).__name__,
        "command": command,
        "message": str(error),
    }
