"""Rows of what happens at a server: what all of its clients send and are sent, what is done, and
what the robot is like meanwhile."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from msgspec import Struct

from ...protocol.codec import is_batch
from ...protocol.messages import EventPayload
from ...protocol.server.events import (
    AcknowledgementSent,
    ClientConnected,
    ClientDisconnected,
    CommandEnded,
    CommandStarted,
    EventSent,
    FrameReceived,
    FramesSent,
    RobotStateChanged,
    ServerClosed,
    ServerEvent,
)
from ...protocol.server.sessions import ServerSession
from ...server import Server
from ..tables.command_table import CommandTable, command_columns
from ..tables.state_table import StateReport
from .listener import Listener

__all__ = ["ServerListener"]

_NAN = float("nan")
ACKS_KEPT = 4096
"""Acknowledgements of a session; a command that begins when even more have been sent gets a later
one's time."""


class _ServerCommand(Struct, gc=False, eq=False):
    """A command as the server sees it; the fields are those of the table of commands."""

    name: str
    sequence: int | None
    queued_at: float
    sent_at: float
    outcome: str | None = None
    answered_at: float | None = None
    acknowledged_at: float | None = None
    error: str | None = None
    client: int | None = None


def _columns(commands: Sequence[_ServerCommand]) -> list[Any]:
    """The columns of these commands; at a server each has a client."""
    columns = command_columns(commands)
    columns[-1] = [command.client for command in commands]
    return columns


def _is_final(command: _ServerCommand) -> bool:
    return command.outcome is not None


class _Acks:
    """Which commands of a session have been acknowledged when: a command may begin before that, or
    long after."""

    def __init__(self) -> None:
        self._sent: deque[tuple[int, float]] = deque(maxlen=ACKS_KEPT)
        self._waiting: list[_ServerCommand] = []

    def on_started(self, sequence: int, command: _ServerCommand) -> None:
        """Stamp it with the first acknowledgement that was for it, or let it wait for one."""
        if self._sent and self._sent[-1][0] >= sequence:
            command.acknowledged_at = next(at for cursor, at in self._sent if cursor >= sequence)
        else:
            self._waiting.append(command)

    def on_acknowledged(self, at: float, cursor: int) -> None:
        """All up to this number have been acknowledged."""
        self._sent.append((cursor, at))
        waiting, self._waiting = self._waiting, []
        for command in waiting:
            if command.sequence is not None and command.sequence <= cursor:
                command.acknowledged_at = at
            else:
                self._waiting.append(command)


class ServerListener(Listener):
    """Fills the tables of a recorder with what happens at a server."""

    def __init__(
        self, server: Server, *, max_rows: int, keep_text: bool = False, path: Path | None = None
    ) -> None:
        super().__init__(
            server.home,
            max_rows=max_rows,
            keep_text=keep_text,
            path=path,
            command_table=partial(CommandTable, columns_of=_columns, is_final=_is_final),
        )
        self.server = server
        self._under_way: dict[int, _ServerCommand] = {}
        """By the identity of the message, which lives as long as its command is at work."""
        self._acks: WeakKeyDictionary[ServerSession, _Acks] = WeakKeyDictionary()
        self._payload = msgspec.json.Decoder(EventPayload).decode
        self._on: Mapping[type[Any], Callable[[Any], None]] = {
            EventSent: self._event_sent,
            RobotStateChanged: self._state_changed,
            CommandStarted: self._command_started,
            CommandEnded: self._command_ended,
            AcknowledgementSent: self._acknowledged,
            ClientConnected: self._client_connected,
            ClientDisconnected: self._client_disconnected,
            FrameReceived: self._frame_received,
            FramesSent: self._frames_sent,
            ServerClosed: lambda event: self.stop(),
        }

    def _listen(self) -> list[Callable[[], None]]:
        now = time.monotonic()
        for client in self.server.clients:
            self._connection(now, "connected", None, client.id)
        return [self.server.tap(self._on_event), self._under_way.clear, self._acks.clear]

    def state_now(self) -> dict[str, Any]:
        """The robot's state as the server knows it now."""
        return self.server.state

    def _record_state(self, at: float) -> None:
        self._add_state(StateReport(at, True, self.server.state, self.server.revision))

    def _connection(
        self,
        at: float,
        state: str,
        previous: str | None,
        client: int | None,
        *,
        reason: str | None = None,
        resumed: bool | None = None,
    ) -> None:
        self.tables["connection"].append(at, state, previous, 0, _NAN, reason, resumed, client)

    # What happens at the server.

    def _on_event(self, event: ServerEvent) -> None:
        self._on[type(event)](event)

    def _event_sent(self, event: EventSent) -> None:
        sent = self._payload(event.payload)
        self.tables["events"].append(event.at, sent.event, None, str(sent.data, "utf-8"))

    def _state_changed(self, event: RobotStateChanged) -> None:
        whole = event.payload.get("delta") is not True
        payload = self.server.state if whole else event.payload
        self._add_state(StateReport(event.at, whole, payload, event.revision))

    def _command_started(self, event: CommandStarted) -> None:
        session, message = event.session, event.message
        payload = message.payload
        # What nobody asks to be answered is at its end for its client as soon as it is here.
        waits = payload.reply or message.sequence is None
        handled = _ServerCommand(
            payload.command,
            message.sequence,
            event.arrived,
            event.at,
            None if waits else "delivered",
            client=session.number,
        )
        self._under_way[id(message)] = handled
        # A baseline client is sent none.
        if message.sequence is not None and session.extended:
            self._acks_of(session).on_started(message.sequence, handled)
        self.commands.on_started([handled])

    def _command_ended(self, event: CommandEnded) -> None:
        handled = self._under_way.pop(id(event.message), None)
        if handled is None:
            return  # it began before this recorder did
        if event.refusal is not None:
            code, words, _ = event.refusal
            handled.outcome = "expired" if code == "EXPIRED" else "rejected"
            handled.error = f"{code}: {words}"
        elif handled.outcome is not None:
            return
        else:
            handled.outcome = "done"
        handled.answered_at = event.at

    def _acknowledged(self, event: AcknowledgementSent) -> None:
        self._acks_of(event.session).on_acknowledged(event.at, event.cursor)

    def _acks_of(self, session: ServerSession) -> _Acks:
        found = self._acks.get(session)
        if found is None:
            found = self._acks[session] = _Acks()
        return found

    def _client_connected(self, event: ClientConnected) -> None:
        number, resumed = event.session.number, event.resumed
        self._connection(event.at, "connected", "disconnected", number, resumed=resumed)

    def _client_disconnected(self, event: ClientDisconnected) -> None:
        number, reason = event.session.number, event.reason
        self._connection(event.at, "disconnected", "connected", number, reason=reason)

    def _frame_received(self, event: FrameReceived) -> None:
        self._on_frames(event.at, event.text, event.messages, _number(event.session))

    def _frames_sent(self, event: FramesSent) -> None:
        at, session, frames = event
        number = _number(session)
        self._on_frames(at, frames, None, number)
        for frame in frames:
            if is_batch(frame):
                self._batches.add((at, "out", 0, frame, number))


def _number(session: ServerSession | None) -> int | None:
    return None if session is None else session.number
