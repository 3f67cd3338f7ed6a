"""What a server remembers of a client, beyond any connection: cursors, and the events it may have
to send again."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from msgspec import Struct

from .. import messages as m
from ..ordering import Orderer
from ..settings import Settings

__all__ = [
    "TRANSITIONS",
    "ReceivedCommand",
    "ServerSession",
    "SessionQuery",
    "SessionState",
    "Sessions",
]


class SessionState(Enum):
    """Where a session stands."""

    ATTACHED = "attached"
    DETACHED = "detached"
    ENDED = "ended"


TRANSITIONS: dict[tuple[SessionState, str], SessionState] = {
    (SessionState.DETACHED, "attach"): SessionState.ATTACHED,
    (SessionState.ATTACHED, "attach"): SessionState.ATTACHED,
    (SessionState.ATTACHED, "detach"): SessionState.DETACHED,
    (SessionState.ATTACHED, "end"): SessionState.ENDED,
    (SessionState.DETACHED, "end"): SessionState.ENDED,
    (SessionState.ENDED, "end"): SessionState.ENDED,
}
"""The session's state machine; attaching while attached is a takeover."""

ANSWERS_KEPT = 64
SKIPPED_KEPT = 1024
"""A client has read of the older ones long ago: each went to it as an error, too."""
_session_id = re.compile(r"[A-Za-z0-9_-]{8,128}")


class SessionQuery(NamedTuple):
    """What a connect says of its session: ``?session=ID&epoch=E&last=N&attempt=K``."""

    id: str
    epoch: str
    last: int
    attempt: int

    @classmethod
    def parse(cls, query: dict[str, str]) -> SessionQuery | None:
        """Read it out of the address's query; None where that names no (usable) session."""
        id = query.get("session", "")
        if not _session_id.fullmatch(id):
            return None
        return cls(
            id,
            query.get("epoch", "")[:128],
            _number(query.get("last")),
            _number(query.get("attempt")),
        )


def _number(text: str | None) -> int:
    return (
        int(text)
        if text is not None and text.isascii() and text.isdigit() and len(text) <= 16
        else 0
    )


class ReceivedCommand(Struct, gc=False):
    """A command as it arrived; ``stamp`` shows whether a stop or a cut has come since."""

    message: m.CommandMessage
    arrived: float
    stamp: tuple[int, int]


class ServerSession:
    """One client as the server remembers it.

    Events are numbered as they are made and kept (encoded payload and time) for replay; ``sent`` is
    the number of the last one handed to the present connection. ``number`` counts the sessions of
    a server, from 1.
    """

    def __init__(
        self,
        id: str | None,
        epoch: str,
        settings: Settings,
        *,
        number: int,
        baseline: bool,
        created: float,
    ) -> None:
        self.id = id
        self.number = number
        self.extended = not baseline
        self.epoch = epoch
        self.state = SessionState.DETACHED
        self.attempt = 0
        self.detached_at = created
        self.orderer: Orderer[Any] = Orderer(
            start=None if baseline else 0,
            messages=settings.reorder_messages,
            nbytes=settings.reorder_bytes,
            wait=settings.reorder_wait,
        )
        self.events: deque[tuple[bytes, int]] = deque()
        self.last_event = 0
        self.sent = 0
        self.unsent_bytes = 0
        """Size of the events that the present connection has not been given yet."""
        self.skipped: deque[tuple[int, int]] = deque(maxlen=SKIPPED_KEPT)
        """Ranges of numbers that were given up, until the client has read of them."""
        self.stopped_through = 0
        """Motion numbered up to here was overtaken by a stop of this client's."""
        self.cuts = 0
        self._answered: dict[str | int, tuple[bytes, int]] = {}
        self.backlog: deque[ReceivedCommand] = deque()
        """Commands delivered but not yet run, because an earlier one's handler is still at work."""
        self.busy = False
        self._settings = settings
        self._bytes = 0

    @property
    def first_event(self) -> int:
        """The number of the oldest event that can be replayed."""
        return self.last_event - len(self.events) + 1

    def transition(self, event: str) -> None:
        """Go to the state that the table names."""
        self.state = TRANSITIONS[self.state, event]

    def record(self, payload: bytes, timestamp: int) -> int:
        """Number and keep one event; returns its number. What is not sent yet is kept beyond the
        limit of messages."""
        self.last_event += 1
        self.events.append((payload, timestamp))
        self._bytes += len(payload)
        self.unsent_bytes += len(payload)
        limit = self._settings.replay_messages if self.id is not None else 0
        attached = self.state is SessionState.ATTACHED
        while len(self.events) > limit or self._bytes > self._settings.replay_bytes:
            if attached and self.first_event > self.sent:
                break
            self._bytes -= len(self.events.popleft()[0])
        return self.last_event

    def next_unsent(self) -> tuple[int, bytes, int] | None:
        """The next event to hand to the connection: number, payload, time."""
        if self.sent >= self.last_event:
            return None
        self.sent = number = max(self.sent + 1, self.first_event)
        payload, timestamp = self.events[number - self.last_event - 1]
        self.unsent_bytes -= len(payload)
        return number, payload, timestamp

    def rewind(self, last: int) -> None:
        """The client has delivered everything up to ``last``: what follows is to be sent
        (again)."""
        self.sent = max(last, self.first_event - 1)
        unsent = self.last_event - self.sent
        self.unsent_bytes = sum(len(self.events[index][0]) for index in range(-unsent, 0))

    def remember_answer(self, id: str | int, payload: bytes) -> None:
        """Keep the answer to an urgent command: one that is sent again after a cut is not run
        again."""
        self._answered.pop(id, None)
        self._answered[id] = payload, self.cuts
        if len(self._answered) > ANSWERS_KEPT:
            del self._answered[next(iter(self._answered))]

    def answer_before_cut(self, id: str | int) -> bytes | None:
        """The answer to the urgent command of this id, if it ran on an earlier connection.

        On the same connection nothing is sent twice: a client that uses an id again there wants to
        stop again.
        """
        payload, cuts = self._answered.get(id, (None, self.cuts))
        return None if cuts == self.cuts else payload


class Sessions:
    """All resumable sessions of a server."""

    def __init__(self, settings: Settings, new_epoch: Callable[[], str]) -> None:
        self._settings = settings
        self._new_epoch = new_epoch
        self._by_id: dict[str, ServerSession] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, id: str) -> ServerSession | None:
        return self._by_id.get(id)

    def open(
        self, query: SessionQuery | None, *, baseline: bool, now: float
    ) -> tuple[ServerSession, bool]:
        """The session for a new connection, and whether it is a resumed one."""
        known = None if baseline or query is None else self._by_id.get(query.id)
        if (
            query is not None
            and known is not None
            and known.epoch == query.epoch
            and query.last <= known.last_event
        ):
            known.attempt = query.attempt
            return known, True
        self._count += 1
        session = ServerSession(
            None if baseline or query is None else query.id,
            self._new_epoch(),
            self._settings,
            number=self._count,
            baseline=baseline,
            created=now,
        )
        if query is not None and session.id is not None:
            session.attempt = query.attempt
            self._by_id[session.id] = session
        return session, False

    def end(self, session: ServerSession) -> None:
        """Forget a session for good."""
        session.transition("end")
        if session.id is not None and self._by_id.get(session.id) is session:
            del self._by_id[session.id]

    def expire(self, now: float) -> None:
        """Forget what has been detached for too long, and the longest detached ones above the
        limit."""
        ttl = self._settings.session_ttl
        detached = [
            session for session in self._by_id.values() if session.state is SessionState.DETACHED
        ]
        detached.sort(key=lambda session: session.detached_at)
        surplus = len(detached) - self._settings.max_sessions
        for index, session in enumerate(detached):
            if index < surplus or now - session.detached_at >= ttl:
                self.end(session)

    def next_deadline(self) -> float | None:
        """When the next session is forgotten."""
        times = [
            session.detached_at
            for session in self._by_id.values()
            if session.state is SessionState.DETACHED
        ]
        return min(times) + self._settings.session_ttl if times else None

    def detached(self) -> list[ServerSession]:
        """Sessions whose events go on collecting while the client is away."""
        return [
            session for session in self._by_id.values() if session.state is SessionState.DETACHED
        ]
