"""Stops and their releases: each goes at once and alone; a stop goes again after every cut, until
it is answered."""

from __future__ import annotations

from typing import Any

from .. import messages as m
from ..codec import Envelope, encode, with_field
from .outbox import OutgoingCommand, SentBatch, command_payload

__all__ = ["StopCommands"]

RELEASE = "release_stop"
"""Is never sent twice: another stop may have come in between."""


class StopCommands:
    """The stops that have not been answered, by their ids."""

    def __init__(self) -> None:
        self._open: dict[str, OutgoingCommand] = {}
        self._count = 0

    def new(self, name: str, params: Any, after: int, now: float) -> OutgoingCommand:
        """Make a new one.

        ``after`` is the highest number assigned so far: motion up to it shall not run any more.

        Raises:
            ValueError, TypeError: the parameters are not plain, finite data, or too large.
        """
        id = f"urgent-{self._count + 1}"
        payload = command_payload(m.CommandPayload(name, params, id))
        self._count += 1
        command = self._open[id] = OutgoingCommand(name, payload, now, False, True)
        command.id = id
        command.after = after
        return command

    def transmit(self, command: OutgoingCommand, now: float, timestamp: int) -> SentBatch:
        """Encode one of them as it goes out now: a frame of its own."""
        command.sent_at = now
        payload = with_field(command.payload, "after", command.after or 0)
        frame = encode(Envelope("command", payload, timestamp))
        return SentBatch(now, [command], frame, "urgent")

    def open(self) -> list[OutgoingCommand]:
        """All of them, oldest first."""
        return list(self._open.values())

    def pop(self, id: object) -> OutgoingCommand | None:
        """The one with this id, which is open no longer; None if there is none."""
        return self._open.pop(id, None) if isinstance(id, str) else None

    def pop_releases(self) -> list[OutgoingCommand]:
        """The releases that were transmitted: after a cut their outcome is unknown."""
        gone = [
            command
            for command in self._open.values()
            if command.name == RELEASE and command.sent_at is not None
        ]
        for command in gone:
            self.pop(command.id)
        return gone

    def restart(self) -> None:
        """Numbers start at 1 again: what was assigned before means nothing any more."""
        for command in self._open.values():
            command.after = 0

    def clear(self) -> list[OutgoingCommand]:
        """Forget all of them; returns them."""
        gone = self.open()
        self._open.clear()
        return gone
