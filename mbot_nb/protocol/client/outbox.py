"""The commands a client has sent or is about to send, until their outcome is known."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Literal

from msgspec import Raw, Struct

from ...errors import CommandExpiredError, CommandRejectedError, DeliveryUnknownError, MbotError
from .. import messages as m
from ..batching import Batcher, FlushReason
from ..codec import ENVELOPE_BYTES, Envelope, encode, frame, to_json, with_field
from ..settings import MAX_FRAME, BatchPolicy, Settings

__all__ = ["Outbox", "Outcome", "OutgoingCommand", "SentBatch", "command_payload", "unknown"]

Outcome = Literal[
    "sent", "delivered", "done", "rejected", "expired", "unknown", "timeout", "unsent"
]
_VOID = Raw(encode(m.CommandPayload("void", {})))
_MAX_PAYLOAD = MAX_FRAME - 1024
Expiry = Callable[[float, float], float | None]


class OutgoingCommand(Struct, gc=False, eq=False):
    """One command on its way. Times are the caller's monotonic seconds, None while they have not
    come.

    ``outcome`` is None while it is under way, then one of: sent (to a server that does not
    acknowledge), delivered (acknowledged, no answer asked for), done (answered), rejected, expired,
    unknown, timeout, unsent; ``error`` is the exception that says so in words.
    """

    name: str
    payload: bytes
    """As JSON."""
    queued_at: float
    motion: bool
    reply: bool
    id: str | None = None
    after: int | None = None
    sequence: int | None = None
    sent_at: float | None = None
    acknowledged_at: float | None = None
    answered_at: float | None = None
    deadline: float | None = None
    outcome: Outcome | None = None
    error: MbotError | None = None
    result: Any = None
    waiter: Any = None
    """A future of the shell that waits for the outcome."""

    def __repr__(self) -> str:
        number = f" #{self.sequence}" if self.sequence is not None else ""
        return f"<{self.name}{number}: {self.outcome or 'under way'}>"

    def settle(self, outcome: Outcome, error: MbotError | None = None) -> bool:
        """Set the outcome; returns False if there was one already."""
        if self.outcome is not None and not (self.outcome == "delivered" and outcome == "rejected"):
            return False
        self.outcome = outcome
        self.error = error
        return True

    def expire(self, age: float) -> bool:
        """Settle a motion that is too old to be performed, as `expired`."""
        return self.settle(
            "expired",
            CommandExpiredError(
                f"{self.name} waited {age:.1f} s for the connection; a motion is not performed "
                "late. Send it again if it is still wanted.",
                command=self.name,
            ),
        )


class SentBatch:
    """One frame of commands as it was handed to the transport, a message for each command."""

    __slots__ = ("at", "commands", "frame", "reason")

    def __init__(
        self,
        at: float,
        commands: list[OutgoingCommand],
        frame: bytes,
        reason: FlushReason,
    ) -> None:
        self.at = at
        self.commands = commands
        self.frame = frame
        self.reason = reason

    @property
    def nbytes(self) -> int:
        """The length of the frame."""
        return len(self.frame)


class Outbox:
    """The sending end of the commands: queue, numbers, and the window of what is not acknowledged
    yet.

    ``acknowledging`` says whether the server acknowledges; if not, a command is settled when it is
    sent.
    """

    RECENT = 1024
    """Acknowledged commands kept, so that a late refusal finds its command."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.queue: Batcher[OutgoingCommand] = Batcher(
            settings.batch_window, settings.max_batch_size, settings.batch_policy
        )
        self.acknowledging = True
        self.next_sequence = 1
        self.unacknowledged: deque[OutgoingCommand] = deque()
        self._recent: deque[OutgoingCommand] = deque(maxlen=self.RECENT)
        self._unanswered: dict[int, OutgoingCommand] = {}
        """Acknowledged calls whose answer has not come: a long motion's may come after any number
        of others."""
        self.held_bytes = 0
        """Of what is queued or not acknowledged."""
        self.expired: list[OutgoingCommand] = []
        """Motion that was found too old when it was to be sent; its reader empties it."""

    @property
    def is_full(self) -> bool:
        """Whether `send` must wait for acknowledgements."""
        return self.held_bytes >= self._settings.send_buffer

    def set_batching(self, window: float, size: int, policy: BatchPolicy) -> None:
        """Batch by these numbers from now on; what is queued stays queued."""
        old = self.queue
        queue: Batcher[OutgoingCommand] = Batcher(window, size, policy)
        queue.items, queue.bytes = old.items, old.bytes
        queue.deadline, queue.in_flight = old.deadline, old.in_flight
        self.queue = queue

    def find(self, sequence: int) -> OutgoingCommand | None:
        """The command with this number, if it waits for its answer or was sent lately."""
        if sequence in self._unanswered:
            return self._unanswered[sequence]
        for window in (self.unacknowledged, self._recent):
            if window:
                # Numbers are contiguous within each window.
                index = sequence - (window[0].sequence or 0)
                if 0 <= index < len(window):
                    return window[index]
        return None

    def flush(
        self, now: float, timestamp: int, reason: FlushReason, expiry: Expiry
    ) -> SentBatch | None:
        """Number everything queued and make one frame of it; None if nothing is left to send."""
        commands = self.queue.take(now)
        if not commands:
            return None
        sequence = self.next_sequence
        messages = []
        for command in commands:
            command.sequence = sequence
            command.sent_at = now
            payload = self._motion(command, now, expiry) if command.motion else Raw(command.payload)
            messages.append(Envelope("command", payload, timestamp, sequence))
            sequence += 1
        self.next_sequence = sequence
        if self.acknowledging:
            self.unacknowledged += commands
        else:
            for command in commands:
                self.held_bytes -= len(command.payload)
                command.settle("sent")
        return SentBatch(now, commands, frame(messages, timestamp), reason)

    def resend(self, now: float, timestamp: int, expiry: Expiry) -> Iterator[SentBatch]:
        """Encode every unacknowledged command again under its number, in batches formed anew."""
        messages: list[Envelope] = []
        commands: list[OutgoingCommand] = []
        nbytes = 0
        for command in self.unacknowledged:
            size = len(command.payload) + ENVELOPE_BYTES
            if commands and (
                len(commands) >= self.queue.size or nbytes + size > self.queue.max_bytes
            ):
                yield SentBatch(now, commands, frame(messages, timestamp), "resend")
                messages, commands, nbytes = [], [], 0
            payload = self._motion(command, now, expiry) if command.motion else Raw(command.payload)
            messages.append(Envelope("command", payload, timestamp, command.sequence))
            commands.append(command)
            nbytes += size
        if commands:
            yield SentBatch(now, commands, frame(messages, timestamp), "resend")

    def add(self, command: OutgoingCommand, now: float) -> FlushReason | None:
        """Queue a command; returns why the batch is due now, if it is."""
        size = len(command.payload)
        self.held_bytes += size
        return self.queue.add(command, size + ENVELOPE_BYTES, now)

    def acknowledge(self, cursor: int, now: float) -> list[OutgoingCommand]:
        """The server has everything up to ``cursor``; returns what that settles."""
        settled: list[OutgoingCommand] = []
        window = self.unacknowledged
        if not window:
            return settled
        # Numbers are contiguous, so that the first one says how many are acknowledged.
        count = min(len(window), cursor + 1 - (window[0].sequence or 0))
        recent = self._recent
        freed = 0
        for _ in range(count):
            command = window.popleft()
            command.acknowledged_at = now
            freed += len(command.payload)
            recent.append(command)
            if command.outcome is None:
                if command.reply:
                    self._unanswered[command.sequence or 0] = command
                else:
                    command.outcome = "delivered"
                    settled.append(command)
        self.held_bytes -= freed
        return settled

    def mark_settled(self, command: OutgoingCommand) -> None:
        """Wait for no answer to a command whose outcome is known."""
        self._unanswered.pop(command.sequence or 0, None)

    def requeue(self, now: float) -> Iterator[FlushReason]:
        """Queue again what waits, as if it came now; yields whenever a batch is due."""
        queue = self.queue
        waiting = queue.items
        queue.items, queue.bytes, queue.deadline = [], 0, None
        for command in waiting:
            self.held_bytes -= len(command.payload)
            if queue.overflows(len(command.payload) + ENVELOPE_BYTES):
                yield "bytes"
            due = self.add(command, now)
            if due is not None:
                yield due

    def reject_skipped(self, first: int, last: int) -> list[OutgoingCommand]:
        """Reject the commands that the server never received and has given up; returns those that
        this settles."""
        error = "{} was lost on the way: the server never received it. Send it again."
        return [
            command
            for window in (self.unacknowledged, self._recent)
            for command in window
            if first <= (command.sequence or 0) <= last
            and command.settle(
                "rejected",
                CommandRejectedError(
                    "SEQUENCE_GAP", error.format(command.name), command=command.name
                ),
            )
        ]

    def restart(self) -> list[OutgoingCommand]:
        """The server has forgotten us: number from 1; returns what was transmitted and can no
        longer be known."""
        open_ends = [*self._unanswered.values(), *self.unacknowledged]
        lost = [command for command in open_ends if command.settle("unknown", unknown(command))]
        self.held_bytes -= sum(len(command.payload) for command in self.unacknowledged)
        self.unacknowledged.clear()
        self._unanswered.clear()
        self._recent.clear()
        self.next_sequence = 1
        return lost

    def withdraw(self, command: OutgoingCommand) -> bool:
        """Take one command out of the queue; False if it is not there (any more)."""
        return bool(self._drop(lambda queued: queued is command))

    def drop_old_motion(self, now: float) -> list[OutgoingCommand]:
        """Take motion out of the queue that has grown too old while there was no connection."""
        limit = self._settings.motion_max_age
        return self._drop(
            lambda command: (
                command.motion
                and now - command.queued_at > limit
                and command.expire(now - command.queued_at)
            )
        )

    def drop_motion(self) -> list[OutgoingCommand]:
        """Take all motion out of the queue, because a stop was asked for."""
        return self._drop(lambda command: command.motion and _stopped(command))

    def drop_all(self) -> list[OutgoingCommand]:
        """Empty the queue, for a client that closes; nothing is settled."""
        return self._drop(lambda command: True)

    def _drop(self, unwanted: Callable[[OutgoingCommand], bool]) -> list[OutgoingCommand]:
        queue = self.queue
        dropped = [command for command in queue.items if unwanted(command)]
        if dropped:
            gone = set(map(id, dropped))
            queue.items = [command for command in queue.items if id(command) not in gone]
            sizes = sum(len(command.payload) for command in dropped)
            queue.bytes -= sizes + len(dropped) * ENVELOPE_BYTES
            self.held_bytes -= sizes
            if not queue.items:
                queue.deadline = None
        return dropped

    def _motion(self, command: OutgoingCommand, now: float, expiry: Expiry) -> Raw:
        """A motion's payload as it is (re)sent now: with its expiry on the server's clock, or void
        if it is too old."""
        age = now - command.queued_at
        if command.outcome is not None or age > self._settings.motion_max_age:
            if command.expire(age):
                self.expired.append(command)
            return _VOID
        expires = expiry(now, self._settings.motion_max_age - age)
        if expires is None:
            return Raw(command.payload)
        return with_field(command.payload, "expires", Raw(b"%.3f" % expires))


def command_payload(payload: m.CommandPayload) -> bytes:
    """The payload of a command as JSON.

    Raises:
        ValueError, TypeError: the parameters are not plain, finite data, or too large.
    """
    text = to_json(payload, 1)
    if len(text) > _MAX_PAYLOAD:
        raise ValueError(
            f"{payload.command}: {len(text)} bytes of parameters do not fit into a frame of 1 MiB"
        )
    return text


def unknown(command: OutgoingCommand) -> DeliveryUnknownError:
    """The error of a command that was transmitted and whose outcome will stay unknown."""
    return DeliveryUnknownError(
        f"{command.name} was sent, then its connection was lost for good (the server was "
        "restarted, we were away too long, or it was given up): it may or may not have been "
        "carried out. Look at bot.state, and send it again if it was not.",
        command=command.name,
    )


def _stopped(command: OutgoingCommand) -> bool:
    return command.settle(
        "rejected",
        CommandRejectedError(
            "STOPPED",
            f"{command.name} was still waiting when stop was called; it is not sent",
            command=command.name,
        ),
    )
