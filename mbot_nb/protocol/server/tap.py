"""What a server tells those who listen in: recorders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ..messages import CommandMessage
from .sessions import Received, ServerSession

__all__ = ["Tap", "Taps"]


class Tap(Protocol):
    """Is told what happens at a server. Times are the caller's monotonic seconds; a session is None
    where it is everybody's."""

    def event(self, at: float, payload: bytes, session: ServerSession | None) -> None:
        """An event was sent, with this payload as JSON."""

    def state(self, at: float, delta: dict[str, Any], revision: int) -> None:
        """The robot's state has changed: a delta, or a snapshot."""

    def began(self, at: float, session: ServerSession, received: Received) -> None:
        """A command is carried out from here on."""

    def ended(
        self,
        at: float,
        session: ServerSession,
        message: CommandMessage,
        refusal: tuple[str, str, Any] | None,
    ) -> None:
        """A command has come to its end: done, or refused with a code and words."""

    def acknowledged(self, at: float, session: ServerSession, cursor: int) -> None:
        """A client was told that its messages up to this number have come; some may have yet to be
        carried out."""

    def came(self, at: float, session: ServerSession, *, resumed: bool) -> None:
        """A client has connected."""

    def left(self, at: float, session: ServerSession, reason: str) -> None:
        """A client's connection has ended."""

    def closed(self, at: float) -> None:
        """The server has ended."""

    def frame(
        self, at: float, session: ServerSession | None, text: str, messages: Sequence[Any]
    ) -> None:
        """A frame has come, with these messages in it."""

    def frames(self, at: float, session: ServerSession | None, texts: Sequence[bytes]) -> None:
        """Frames were sent."""


class Taps:
    """Several taps as one."""

    def __init__(self, taps: Sequence[Tap]) -> None:
        self._taps = tuple(taps)

    def __getattr__(self, name: str) -> Any:
        methods = [getattr(tap, name) for tap in self._taps]

        def tell(*args: Any, **kwargs: Any) -> None:
            for method in methods:
                method(*args, **kwargs)

        setattr(self, name, tell)
        return tell
