"""The line of a client: keeps its session connected, carries its frames, and wakes it at its
deadlines."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..address import with_query
from ..loops.home import Home
from ..protocol.client import ClientSession
from ..protocol.client import State as SessionState
from ..protocol.client.events import ClientEvent, Dial, Drop
from ..protocol.loss import CloseCode, Loss, LossKind
from ..transport.websocket import DialError, Wire, dial

if TYPE_CHECKING:
    import ssl as tls

__all__ = ["FrameTap", "Line"]

_log = logging.getLogger("mbot_nb")

OPEN_TIMEOUT = 1.6
"""Seconds for one attempt: a user is told within two."""

FrameTap = Callable[[float, Sequence[bytes] | str, Sequence[Any] | None], None]
"""Is told when frames went out, and their texts; or when one came in, its text, and the messages
that were read in it."""


class Line:
    """One wire after the other under one session. All of it on the home loop.

    ``tell`` is told everything that happens to the session, ``after`` is called when all of it has
    been told.
    """

    def __init__(
        self,
        home: Home,
        session: ClientSession,
        url: str,
        ssl: tls.SSLContext | None,
        tell: Callable[[ClientEvent], None],
        after: Callable[[], None],
    ) -> None:
        self.home = home
        self.session = session
        self.now = home.clock
        self._url = url
        self._ssl = ssl
        self._tell = tell
        self._told = after
        self.on_frames: FrameTap | None = None
        """Told of the frames that go out, if set."""
        self._wire: Wire | None = None
        self._leaving: set[Wire] = set()
        self._dialling: asyncio.Task[Any] | None = None
        self._cut_until = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")

    def pump(self) -> None:
        """Hand over the session's frames, tell its events, set the timer."""
        session = self.session
        while True:
            if self._wire is not None:
                frames = session.take_frames()
                if frames:
                    self._wire.send(frames)
                    if self.on_frames is not None:
                        self.on_frames(self.now(), frames, None)
            events = session.take_events()
            if not events:
                break
            for event in events:
                if type(event) is Dial:
                    self._dialling = self.home.spawn(self._dial(), "dial")
                elif type(event) is Drop and session.pending_close is not None:
                    self.take_down(session.pending_close, event.code)
                self._tell(event)
        self.arm()
        self._told()

    def arm(self) -> None:
        """Set the timer to the session's next deadline."""
        deadline = self.session.next_deadline()
        if deadline is not None:
            self.arm_for(deadline)
        elif self._timer is not None:
            self._timer.cancel()
            self._timer, self._timer_at = None, float("inf")

    def arm_for(self, deadline: float | None) -> None:
        """See to it that the timer fires by then. One that fires early finds nothing to do and is
        set again."""
        if deadline is not None and deadline < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self.home.loop.call_at(deadline, self._due)
            self._timer_at = deadline

    def connect(self) -> None:
        """Connect now, whatever there is or was."""
        loss = Loss(LossKind.CLOSED, "a new connection was asked for", CloseCode.GOING_AWAY)
        self._stop_dialling()
        self.take_down(loss)
        if self.session.state not in (SessionState.WAITING, SessionState.FAILED, SessionState.IDLE):
            self.session.lost(loss, self.now())
        self.session.dial(self.now())
        self.pump()

    def take_down(self, loss: Loss, code: int = CloseCode.GOING_AWAY) -> None:
        """Give up the present connection, without waiting for it to end."""
        if self._wire is not None:
            self._leave(code, loss.detail)
            self.session.lost(loss, self.now())

    def cut(self, seconds: float) -> None:
        """Break the connection as a pulled cable does, without goodbye; let none be made for
        ``seconds``."""
        now = self.now()
        self._cut_until = now + seconds
        loss = Loss(LossKind.RESET, f"the cable was pulled for {seconds:g} s (bot.cut)")
        self._stop_dialling()
        wire, self._wire = self._wire, None
        if wire is not None:
            self._leaving.add(wire)
            wire.abort()
        self.session.lost(loss, now)
        self.pump()

    def shut(self) -> None:
        """End for good, at once."""
        self._stop_dialling()
        self._leave(CloseCode.NORMAL, "the client was closed")
        self.session.close(self.now())
        self.pump()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def over(self, seconds: float) -> None:
        """Wait until nothing is left of the connections, at most so long; then hang up."""
        wires = list(self._leaving)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for wire in wires:
                    await wire.over()
        for wire in wires:
            wire.abort()
            await wire.over()

    # The wire's side.

    def wire_open(self, wire: Wire, extended: bool) -> None:
        self._wire = wire
        self.session.opened(extended, self.now())
        self.pump()

    def wire_text(self, wire: Wire, text: str) -> None:
        if wire is self._wire:
            self.session.receive(text, self.now())
            self.pump()

    def wire_heard(self, wire: Wire) -> None:
        if wire is self._wire:
            self.session.note_activity(self.now())

    def wire_writable(self, wire: Wire, writable: bool) -> None:
        if wire is self._wire:
            self.session.outbox.queue.in_flight = not writable
            self.arm()

    def wire_lost(self, wire: Wire, loss: Loss, clean: bool) -> None:
        self._leaving.discard(wire)
        if wire is self._wire:
            self._wire = None
            self.session.lost(self.session.pending_close or loss, self.now())
            self.pump()

    # Inside.

    def _due(self) -> None:
        self._timer, self._timer_at = None, float("inf")
        self.session.timeout(self.now())
        self.pump()

    async def _dial(self) -> None:
        session = self.session
        token = session.token
        headers = {"Authorization": f"Bearer {token}"} if token is not None else None
        me = asyncio.current_task()
        try:
            if self.now() < self._cut_until:
                raise DialError(Loss(LossKind.RESET, "the cable is still pulled (bot.cut)"))
            await dial(
                with_query(self._url, session.query()),
                self,
                timeout=OPEN_TIMEOUT,
                headers=headers,
                ssl=self._ssl,
            )
        except DialError as error:
            self._failed(me, error.loss)
        except Exception as error:
            _log.error(
                "an attempt to connect failed inside: %s: %s",
                type(error).__name__,
                error,
                exc_info=error,
            )
            self._failed(me, Loss(LossKind.RESET, f"{type(error).__name__}: {error}"))
        finally:
            if self._dialling is me:
                self._dialling = None

    def _failed(self, attempt: asyncio.Task[Any] | None, loss: Loss) -> None:
        """The attempt came to nothing, also if its handshake had just been done."""
        if self._dialling is attempt:
            self._wire = None
            self.session.lost(loss, self.now())
            self.pump()

    def _stop_dialling(self) -> None:
        dialling, self._dialling = self._dialling, None
        if dialling is not None:
            dialling.cancel()

    def _leave(self, code: int, reason: str) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            self._leaving.add(wire)
            wire.close(code, reason, deaf=True)
