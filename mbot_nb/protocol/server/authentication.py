"""The wait for a connection's token."""

from __future__ import annotations

from typing import Any

from ..heartbeat import PeerTimeout
from ..settings import Settings

__all__ = ["Authentication"]


class Authentication:
    """The wait for the token of a connection that came without one: how long, and what is said
    meanwhile.

    Nothing is looked up, made or taken over for a connection before its token is accepted.
    """

    def __init__(self, settings: Settings, now: float) -> None:
        self._timeout = PeerTimeout(
            settings.auth_timeout, settings.stall, settings.pong_timeout, now
        )
        self._interval = settings.auth_hint
        self._hinted = False
        self._hint_at = now + settings.auth_hint
        """When a silent client gets the hint; or may get it again."""

    def has_timed_out(self, now: float) -> bool:
        """Whether no token came in time."""
        return self._timeout.has_expired(now)

    def hint_due(self, now: float) -> bool:
        """Whether the client has been silent for so long that it needs the hint."""
        return not self._hinted and now >= self._hint_at

    def hint(self, now: float) -> dict[str, Any] | None:
        """The error that asks for the token: at once, and then not for each and every message."""
        if self._hinted and now < self._hint_at:
            return None
        self._hinted = True
        self._hint_at = now + self._interval
        return {
            "code": "AUTH_REQUIRED",
            "message": (
                'this server wants a token: send {"version": 2, "type": "auth", "payload": '
                '{"token": ...}} first'
            ),
        }

    def next_deadline(self) -> float:
        """When to hint or to give up."""
        deadline = self._timeout.deadline
        return deadline if self._hinted else min(deadline, self._hint_at)
