"""Listening to a server: what all of its clients send and are sent, what is done, and what the
robot is like meanwhile."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from msgspec import Raw, Struct

from ...protocol.messages import CommandMessage
from ...protocol.server.sessions import Received, ServerSession, SessionState
from ...server import Server
from ..tables.command_table import CommandTable, command_columns
from ..tables.state_table import StateReport
from .listener import Listener

__all__ = ["ServerListener"]

_NAN = float("nan")
ACKS_KEPT = 4096
"""Acknowledgements of a session; a command that begins when even more have been sent gets a later
one's time."""


class _Payload(Struct, gc=False):
    event: str
    data: Raw = Raw(b"null")


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

    def begun(self, sequence: int, command: _ServerCommand) -> None:
        """Stamp it with the first acknowledgement that was for it, or let it wait for one."""
        if self._sent and self._sent[-1][0] >= sequence:
            command.acknowledged_at = next(at for cursor, at in self._sent if cursor >= sequence)
        else:
            self._waiting.append(command)

    def sent(self, at: float, cursor: int) -> None:
        """All up to this number have been acknowledged."""
        self._sent.append((cursor, at))
        still = []
        for command in self._waiting:
            if command.sequence is not None and command.sequence <= cursor:
                command.acknowledged_at = at
            else:
                still.append(command)
        self._waiting = still


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
        self._payload = msgspec.json.Decoder(_Payload).decode

    def _listen(self) -> list[Callable[[], None]]:
        now = time.monotonic()
        for client in self.server.clients:
            self._connection(now, "connected", None, None, None, client.id)
        return [self.server.tap(self), self._under_way.clear, self._acks.clear]

    def state_now(self) -> dict[str, Any]:
        """The robot's state as the server knows it now."""
        return dict(self.server._hub.store.state)

    def _record_state(self, at: float) -> None:
        store = self.server._hub.store
        self._add_state(StateReport(at, True, store.state, store.revision))

    def _number(self, session: ServerSession | None) -> int | None:
        if session is None or session.state is SessionState.ENDED:
            return None
        return self.server._clients[session].id

    def _connection(
        self,
        at: float,
        state: str,
        previous: str | None,
        reason: str | None,
        resumed: bool | None,
        client: int | None,
    ) -> None:
        self.tables["connection"].append(at, state, previous, 0, _NAN, reason, resumed, client)

    # What a server tells.

    def event(self, at: float, payload: bytes, session: ServerSession | None) -> None:
        """An event was sent."""
        said = self._payload(payload)
        self.tables["events"].append(at, said.event, None, bytes(said.data).decode())

    def state(self, at: float, delta: dict[str, Any], revision: int) -> None:
        """The robot's state has changed."""
        whole = delta.get("delta") is not True
        self._add_state(
            StateReport(at, whole, self.server._hub.store.state if whole else delta, revision)
        )

    def began(self, at: float, session: ServerSession, received: Received) -> None:
        """A command is carried out from here on."""
        message = received.message
        payload = message.payload
        # What nobody asks to be answered is at its end for its client as soon as it is here.
        waits = payload.reply or message.sequence is None
        handled = _ServerCommand(
            payload.command,
            message.sequence,
            received.arrived,
            at,
            None if waits else "delivered",
            client=self._number(session),
        )
        self._under_way[id(message)] = handled
        # A baseline client is sent none.
        if message.sequence is not None and session.extended:
            self._acks_of(session).begun(message.sequence, handled)
        self.commands.begun([handled])

    def ended(
        self,
        at: float,
        session: ServerSession,
        message: CommandMessage,
        refusal: tuple[str, str, Any] | None,
    ) -> None:
        """A command has come to its end."""
        handled = self._under_way.pop(id(message), None)
        if handled is None:
            return  # it began before this recorder did
        if refusal is not None:
            code, words, *_ = refusal
            handled.outcome = "expired" if code == "EXPIRED" else "rejected"
            handled.error = f"{code}: {words}"
            handled.answered_at = at
        elif handled.outcome is None:
            handled.outcome = "done"
            handled.answered_at = at

    def acknowledged(self, at: float, session: ServerSession, cursor: int) -> None:
        """A client was told that its commands up to this number have come."""
        self._acks_of(session).sent(at, cursor)

    def _acks_of(self, session: ServerSession) -> _Acks:
        found = self._acks.get(session)
        if found is None:
            found = self._acks[session] = _Acks()
        return found

    def came(self, at: float, session: ServerSession, *, resumed: bool) -> None:
        """A client has connected."""
        self._connection(at, "connected", "disconnected", None, resumed, self._number(session))

    def left(self, at: float, session: ServerSession, reason: str) -> None:
        """A client's connection has ended."""
        self._connection(
            at, "disconnected", "connected", reason, None, self.server._clients[session].id
        )

    def closed(self, at: float) -> None:
        """The server has ended."""
        self.stop()

    def frame(
        self, at: float, session: ServerSession | None, text: str, messages: Sequence[Any]
    ) -> None:
        """A frame has come."""
        self._on_frames(at, text, messages, self._number(session))

    def frames(self, at: float, session: ServerSession | None, texts: Sequence[bytes]) -> None:
        """Frames were sent."""
        number = self._number(session)
        self._on_frames(at, texts, None, number)
        for text in texts:
            if text.startswith(b'{"version":2,"type":"batch"'):
                self._batches.add((at, "out", 0, text, number))
