"""The commands of a client that are under way: each is settled once, and reported as an event."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ...errors import (
    CommandError,
    CommandRejectedError,
    CommandTimeoutError,
    DeliveryUnknownError,
    MbotError,
    NotConnectedError,
)
from ..loss import Loss
from ..settings import Settings
from .events import Acknowledged, ClientEvent, Settled
from .outbox import Outbox, Outcome, OutgoingCommand, unknown
from .stop_commands import RELEASE, StopCommands

__all__ = ["PendingCommands"]

_ERRORS_BY_NAME = {error.__name__: error for error in (CommandTimeoutError, DeliveryUnknownError)}
"""What may become of a command behind the server, between it and its robot: the answer's details
name the error."""


class PendingCommands:
    """The commands that are under way: those with a number in the ``outbox``, the ``stops``,
    and the deadlines of those that are awaited.

    ``emit`` is called with the event of each outcome.
    """

    def __init__(self, settings: Settings, emit: Callable[[ClientEvent], None]) -> None:
        self.outbox = Outbox(settings)
        self.stops = StopCommands()
        self._emit = emit
        self._awaited: set[OutgoingCommand] = set()

    def expect(self, command: OutgoingCommand, deadline: float) -> None:
        """Give the command up if it is not settled by then."""
        command.deadline = deadline
        self._awaited.add(command)

    def next_deadline(self) -> float | None:
        """When the next command is given up."""
        if not self._awaited:
            return None
        return min(
            (command.deadline for command in self._awaited if command.deadline is not None),
            default=None,
        )

    def expire(self, now: float) -> None:
        """Give up what was to be settled by now."""
        if not self._awaited:
            return
        late = [
            command
            for command in self._awaited
            if command.deadline is not None and now >= command.deadline
        ]
        for command in sorted(late, key=lambda command: command.queued_at):
            self._give_up(command, now)

    def report(self, commands: Iterable[OutgoingCommand], now: float) -> None:
        """Emit the events of these commands, which have their outcome already."""
        for command in commands:
            self._report(command, now)

    def report_expired(self, now: float) -> None:
        """Report the motion that was found too old when it was to be sent."""
        expired, self.outbox.expired = self.outbox.expired, []
        self.report(expired, now)

    def mark_sent(self, commands: list[OutgoingCommand], now: float) -> None:
        """Report commands that went to a server which acknowledges nothing."""
        sent = [command for command in commands if command.outcome == "sent"]
        self._awaited.difference_update(sent)
        if sent:
            self._emit(Acknowledged(now, sent))

    def acknowledge(self, cursor: int, now: float) -> None:
        """The server has everything up to this number."""
        settled = self.outbox.acknowledge(cursor, now)
        if settled:
            self._emit(Acknowledged(now, settled))

    def answer(self, data: dict[str, Any], now: float) -> None:
        """Settle the command that an answer names, by id or by number."""
        command = self.stops.pop(data.get("id"))
        if command is None:
            sequence = data.get("sequence")
            command = self.outbox.find(sequence) if type(sequence) is int else None
        if command is None:
            return
        command.answered_at = now
        if data.get("ok") is True:
            command.result = data.get("result")
            self._settle(command, "done", None, now)
        else:
            self._settle(command, "rejected", _refusal(command, data.get("error")), now)

    def reject_skipped(self, first: int, last: int, now: float) -> None:
        """Reject the commands with these numbers, which the server has given up."""
        self.report(self.outbox.reject_skipped(first, last), now)

    def connection_lost(self, now: float) -> None:
        """The connection is gone: a release that was on its way is not sent again."""
        for command in self.stops.pop_releases():
            self._settle(command, "unknown", unknown(command), now)

    def restart(self, now: float) -> None:
        """The server does not know us: what was transmitted can no longer be known, and numbers
        start at 1."""
        self.report(self.outbox.restart(), now)
        self.stops.restart()

    def fail(self, loss: Loss | None, now: float) -> None:
        """There will be no connection any more, for this reason or because of a close: nothing may
        wait for one."""
        why = (
            f"there is no connection ({loss}); bot.reconnect() tries again"
            if loss
            else "the client was closed"
        )
        for command in [*self.outbox.drop_all(), *self.stops.clear()]:
            if command.sent_at is None:
                error = NotConnectedError(f"{command.name} was not delivered: {why}.")
                self._settle(command, "unsent", error, now)
            else:
                self._settle(command, "unknown", unknown(command), now)
        self._awaited.clear()

    def _give_up(self, command: OutgoingCommand, now: float) -> None:
        """An awaited command got no answer in time."""
        if command.sent_at is None:
            where, then = "no connection came", "It was not sent."
            self.outbox.withdraw(command)
        else:
            where, then = "no answer came", "It may still be carried out: look at bot.state."
        if command.name == RELEASE:
            self.stops.pop(command.id)
        elif command.id is not None:
            then = "It is sent again after every reconnect, until it is answered."
        text = f"{command.name}: {where} within {now - command.queued_at:.1f} s. {then}"
        self._settle(command, "timeout", CommandTimeoutError(text, command=command.name), now)

    def _settle(
        self, command: OutgoingCommand, outcome: Outcome, error: MbotError | None, now: float
    ) -> None:
        if command.settle(outcome, error):
            self._report(command, now)

    def _report(self, command: OutgoingCommand, now: float) -> None:
        self._awaited.discard(command)
        self.outbox.mark_settled(command)
        self._emit(Settled(now, command))


def _refusal(command: OutgoingCommand, error: Any) -> CommandError:
    """A refusal in the server's words; an error that has a name of its own, as that."""
    error = error if isinstance(error, dict) else {}
    details = error.get("details")
    details = details if isinstance(details, dict) else {}
    message = str(error.get("message", "the server gave no reason"))
    kind = _ERRORS_BY_NAME.get(str(details.get("error")))
    if kind is not None:
        return kind(f"{command.name}: {message}", command=command.name)
    return CommandRejectedError(
        str(error.get("code", "INTERNAL_ERROR")), message, command=command.name, details=details
    )
