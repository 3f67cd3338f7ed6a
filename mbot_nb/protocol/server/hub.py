"""What all connections of a server share: the state and its revisions, the sessions, and what goes
to everybody."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Raw

from ...commands import MOTIONS, URGENT
from .. import messages as m
from ..codec import clean, encode, to_json
from ..mirror import StateStore
from ..settings import KIB, MAX_FRAME, MAX_INTEGER, Settings
from .events import CommandEnded, EventSent, RobotStateChanged, ServerEvent, Tap
from .sessions import ReceivedCommand, ServerSession, Sessions, SessionState

__all__ = ["MAX_STATE", "Hub", "Subscriber", "encode_event"]

_MAX_PAYLOAD = MAX_FRAME - 1024
MAX_STATE = MAX_FRAME - 64 * KIB
"""Bytes of a state: on connect its frame also holds the metadata and up to 1024 ranges of skipped
numbers."""


class Subscriber(Protocol):
    """Gets what a hub has for one client: the outgoing half of a connection."""

    def pump(self, now: float) -> None:
        """Send the events that its session has recorded."""

    def state_changed(self, delta: bytes, now: float) -> None:
        """Send the state's new revision."""

    def telemetry(self, payload: bytes, now: float) -> None:
        """Send the newest telemetry."""

    def send_error(self, error: dict[str, Any], now: float) -> None:
        """Report trouble that belongs to no numbered command."""

    def fence(self) -> None:
        """End: a newer connection of the same client has taken over."""


class Hub:
    """What all connections of a server share.

    Args:
        settings: the numbers of the wire contract.
        read_state: the robot's state now.
        wall: Unix milliseconds for a monotonic time.
        new_id: a fresh random text, for epochs.
        metadata: `robotId` and `version` for the snapshot's metadata.
        token: what a client must show, None if anybody may connect.
        on_takeover: called before a client's new connection replaces its old one.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        read_state: Callable[[], dict[str, Any]],
        wall: Callable[[float], int],
        new_id: Callable[[], str],
        metadata: dict[str, Any],
        now: float,
        token: str | None = None,
        on_takeover: Callable[[ServerSession], None] = lambda session: None,
    ) -> None:
        self.settings = settings
        self.wall = wall
        self.token = token
        self.on_takeover = on_takeover
        self.metadata = metadata
        self.started_at = now
        self.sessions = Sessions(settings, new_id)
        self.subscribers: dict[ServerSession, Subscriber] = {}
        """Who is connected."""
        self.tap: Tap | None = None
        """Called with what happens, if set: nobody pays for it while nobody listens."""
        self._taps: list[Tap] = []
        self.stops = 0
        """Counts the stops: motion that arrived before the last one is not performed after it."""
        self._read_state = read_state
        self.store = StateStore(read_state())
        self._snapshot: tuple[int, bytes] | None = None

    def accepts(self, token: str) -> bool:
        """Whether this is the token, in constant time."""
        return self.token is not None and hmac.compare_digest(_bytes(token), _bytes(self.token))

    def add_tap(self, tap: Tap) -> Callable[[], None]:
        """Call ``tap`` with each event from now on; returns what ends that."""

        def end() -> None:
            if tap in self._taps:
                self._taps.remove(tap)
            self._choose_tap()

        self._taps.append(tap)
        self._choose_tap()
        return end

    def _choose_tap(self) -> None:
        taps = self._taps
        self.tap = None if not taps else taps[0] if len(taps) == 1 else self._call_taps

    def _call_taps(self, event: ServerEvent) -> None:
        for tap in tuple(self._taps):  # one may end itself at an event
            tap(event)

    def refresh(self, now: float) -> bool:
        """Read the robot's state, and send everybody what changed; whether anything did."""
        delta = self.store.update(self._read_state())
        if delta is None:
            return False
        if self.tap is not None:
            self.tap(RobotStateChanged(now, delta, self.store.revision))
        payload = encode(delta)
        if len(payload) > _MAX_PAYLOAD:
            payload = self.snapshot()  # which says each value once, and not also the one before
        for subscriber in list(self.subscribers.values()):
            subscriber.state_changed(payload, now)
        return True

    def snapshot(self) -> bytes:
        """The snapshot's payload as JSON, made once for each revision."""
        if self._snapshot is None or self._snapshot[0] != self.store.revision:
            self._snapshot = self.store.revision, encode(self.store.snapshot())
        return self._snapshot[1]

    def emit(self, event: str, data: Any, now: float, *, only: ServerSession | None = None) -> None:
        """Send an event to everybody, or to one session; its payload is encoded once.

        Raises:
            ValueError, TypeError: no client could read it: the name or the data is too long or too
                deep, or no plain data.
        """
        self.send(encode_event(event, data), now, only=only)

    def send(self, payload: bytes, now: float, *, only: ServerSession | None = None) -> None:
        """The same for an event whose payload was made before, with :func:`encode_event`, in
        whatever thread."""
        timestamp = self.wall(now)
        if only is not None:
            self._send_to(only, payload, timestamp, now)
            return
        if self.tap is not None:
            self.tap(EventSent(now, payload, None))
        for session in self.sessions.detached():
            session.record(payload, timestamp)
        for session, subscriber in list(self.subscribers.items()):
            session.record(payload, timestamp)
            subscriber.pump(now)

    def telemetry(self, payload: bytes, now: float) -> None:
        """Send a telemetry event, made with :func:`encode_event`, to everybody; a slow reader gets
        the latest only."""
        if self.tap is not None:
            self.tap(EventSent(now, payload, None))
        for subscriber in list(self.subscribers.values()):
            subscriber.telemetry(payload, now)

    def answer(
        self,
        session: ServerSession,
        message: m.CommandMessage,
        now: float,
        *,
        result: Any = None,
        refusal: tuple[str, str, dict[str, Any] | None] | None = None,
    ) -> None:
        """Answer a command to its client, if it asked for that or must know.

        Raises:
            ValueError, TypeError: the result is too large or too deep for a frame, or no plain
                data.
        """
        if self.tap is not None:
            self.tap(CommandEnded(now, session, message, refusal))
        command = message.payload
        urgent = command.command in URGENT
        labels: dict[str, Any] = {}
        if message.sequence is not None:
            labels["sequence"] = message.sequence
        if command.id is not None:
            labels["id"] = command.id
        if refusal is None:
            if command.reply or (urgent and command.id is not None):
                data = {**labels, "ok": True, "result": result}
                self._result(session, data, command.id if urgent else None, now)
            return
        code, text, details = refusal
        error: dict[str, Any] = {"code": code, "message": text}
        if details:
            error["details"] = details
        self.refuse(
            session,
            labels,
            error,
            now,
            wanted=command.reply or urgent,
            urgent_id=command.id if urgent else None,
        )

    def refuse(
        self,
        session: ServerSession,
        labels: dict[str, Any],
        error: dict[str, Any],
        now: float,
        *,
        wanted: bool = False,
        urgent_id: Any = None,
    ) -> None:
        """Refuse something to one client: as the answer to its command, or as an error."""
        subscriber = self.subscribers.get(session)
        if (wanted and labels) or (session.extended and "sequence" in labels):
            self._result(session, {**labels, "ok": False, "error": error}, urgent_id, now)
        elif subscriber is not None:
            subscriber.send_error({**labels, **error}, now)

    def _result(
        self, session: ServerSession, data: dict[str, Any], urgent_id: Any, now: float
    ) -> None:
        payload = encode_event("command_result", data)
        if urgent_id is not None:
            session.remember_answer(urgent_id, payload)
        self._send_to(session, payload, self.wall(now), now)

    def _send_to(self, session: ServerSession, payload: bytes, timestamp: int, now: float) -> None:
        if session.state is SessionState.ENDED:
            return
        if self.tap is not None:
            self.tap(EventSent(now, payload, session))
        session.record(payload, timestamp)
        subscriber = self.subscribers.get(session)
        if subscriber is not None:
            subscriber.pump(now)

    def objection(
        self, session: ServerSession, received: ReceivedCommand, now: float
    ) -> tuple[str, str] | None:
        """Why a motion must not begin any more: code and words; None if it may."""
        message = received.message
        command = message.payload
        if command.command not in MOTIONS:
            return None
        stops, cuts = received.stamp
        if stops != self.stops or (message.sequence or MAX_INTEGER) <= session.stopped_through:
            return (
                "STOPPED",
                (
                    f"{command.command}: a stop came after it was sent; send it again if it is "
                    "still wanted"
                ),
            )
        if cuts != session.cuts:
            return (
                "STOPPED",
                f"{command.command}: the connection that sent it ended before it could begin",
            )
        age = now - received.arrived
        if age > self.settings.motion_max_age or (
            command.expires is not None and now * 1000 > command.expires
        ):
            return (
                "EXPIRED",
                (
                    f"{command.command}: it came too late to begin; send it again if it is still "
                    "wanted"
                ),
            )
        return None

    def answer_again(self, session: ServerSession, id: Any, now: float) -> bool:
        """Answer an urgent command that was run before; False if it was not."""
        payload = session.answer_before_cut(id)
        if payload is None:
            return False
        self._send_to(session, payload, self.wall(now), now)
        return True


def encode_event(name: str, data: Any) -> bytes:
    """The payload of an event, as every client can read it.

    Raises:
        ValueError, TypeError: no client could read it: the name or the data is too long or too
            deep, or no plain data.
    """
    if not 0 < len(name) <= m.MAX_NAME:
        raise ValueError(f"an event's name has 1 to {m.MAX_NAME} characters, not {len(name)}")
    payload = encode(m.EventPayload(name, Raw(to_json(clean(data)))))
    if len(payload) > _MAX_PAYLOAD:
        raise ValueError(
            f"the event {name!r} has {len(payload)} bytes and does not fit into a frame of 1 MiB: "
            "send it in pieces"
        )
    return payload


def _bytes(token: str) -> bytes:
    """A header may hold what is no UTF-8."""
    return token.encode(errors="surrogateescape")
