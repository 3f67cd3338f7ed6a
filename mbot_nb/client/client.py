"""The client itself: opening and closing, events, and what happens on the way."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..address import normalise
from ..commands import URGENT
from ..errors import CommandTimeoutError, MbotError, NotConnectedError, UsageError
from ..loops.call import call
from ..loops.home import Home
from ..protocol.client import ClientSession
from ..protocol.client.events import (
    Acknowledged,
    ClientEvent,
    ConnectionChanged,
    EventReceived,
    EventsMissed,
    PingLost,
    RoundTrip,
    Settled,
    Trouble,
)
from ..protocol.client.outbox import Outgoing, SentBatch
from ..protocol.loss import Loss, LossKind
from ..protocol.settings import Settings
from .base import AGAIN, Calls
from .conditions import wake
from .connect_errors import connect_error
from .link import FrameTap, Line
from .subscriptions import Event, EventStream, Handler, Subscription, Subscriptions

if TYPE_CHECKING:
    import ssl as tls
    from types import TracebackType

__all__ = ["Client"]

_log = logging.getLogger("mbot_nb")

FIRST_STATE = 1.8
"""Seconds for the first connect as a whole, the snapshot included."""
CLOSE_GRACE = 1.0

Tap = Callable[[ClientEvent | SentBatch], None]


class Client(Calls):
    """A robot's remote control. Made by :func:`mbot_nb.connect`.

    Its coroutines may be awaited on any loop, its other methods called from any thread.
    """

    _call_name = "bot"

    def __init__(
        self,
        url: str,
        home: Home,
        *,
        settings: Settings,
        token: str | None = None,
        ssl: tls.SSLContext | None = None,
        retry: bool = False,
        shortcut: Callable[[str], bool] | None = None,
    ) -> None:
        self._wall_offset = time.time() - time.monotonic()
        session = ClientSession(
            settings,
            secrets.token_hex(16),
            wall=lambda now: int((now + self._wall_offset) * 1000),
            random_source=random.random,
            token=token,
            persistent=retry,
        )
        url = normalise(url)
        line = Line(home, session, url, ssl, self._tell, self._told)
        super().__init__(url, home, settings, session, line, shortcut, self._stop_beside)
        self._ssl = ssl
        self._subscriptions = Subscriptions(home)
        self._streams: weakref.WeakSet[EventStream] = weakref.WeakSet()
        self._taps: list[Tap] = []
        self._frame_taps: list[FrameTap] = []
        self._connecting: asyncio.Future[None] | None = None
        self._asked_anew = False
        self._lost_said = False
        session.on_batch = self._batch_sent

    # Opening and closing.

    async def open(self) -> Client:
        """Connect; returns when the first snapshot is applied. Called by :func:`mbot_nb.connect`.

        Raises:
            ConnectError: it cannot be done, and `retry` was not asked for.
        """
        connected = self._will_connect()
        self._line.connect()
        try:
            async with asyncio.timeout(None if self._session.persistent else FIRST_STATE):
                await asyncio.shield(connected)
        except BaseException as error:
            self._shut()
            if isinstance(error, TimeoutError):
                words = f"something answered there, but sent no state within {FIRST_STATE:.1f} s"
                raise connect_error(self.url, Loss(LossKind.TIMEOUT, words), silent=True) from None
            raise
        return self

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _stop_beside(self) -> None:
        """On the I/O thread: stop the robot over another connection, while home is blocked.

        Raises:
            MbotError: no connection could be made, or the stop was not answered.
        """
        other = Client(
            self._url,
            Home.io_thread(),
            settings=self.settings,
            token=self._session.token,
            ssl=self._ssl,
        )
        await other.open()
        try:
            await other.stop()
        finally:
            await other.close()

    @call
    async def close(self) -> None:
        """Send what is queued, say goodbye, and end the session. Once more changes nothing."""
        if not self._closed and self.connected:
            outbox = self._session.outbox
            self._flush_queue()
            try:
                async with asyncio.timeout(CLOSE_GRACE):
                    await self._conditions.until(lambda: not outbox.unacknowledged)
            except TimeoutError:
                _log.warning(
                    "%s: closed before the server had acknowledged %d commands",
                    self.url,
                    len(outbox.unacknowledged),
                )
        if not self._closed:
            self._shut()
        await self._line.over(CLOSE_GRACE)

    @call
    async def reconnect(self) -> None:
        """Connect anew now: also ends a wait for the next attempt, and brings a fresh snapshot.

        Raises:
            ConnectError: the attempt failed for a reason that trying again cannot mend.
        """
        if self._closed:
            raise UsageError("this client was closed; make a new one with `await mb.connect()`")
        connected = self._will_connect()
        self._asked_anew = True
        try:
            self._line.connect()
        finally:
            self._asked_anew = False
        await asyncio.shield(connected)

    def cut(self, seconds: float = 0.0) -> None:
        """Break the connection for real, as a pulled cable does, and let no new one be made for
        ``seconds``; from any thread.

        For lessons and tests: afterwards it heals by itself, as after any cut. While there is none,
        it stays away for longer.

        Raises:
            NotConnectedError: the client is closed, or has given up.
            UsageError: ``seconds`` is negative or not a finite number.
        """
        if not 0 <= seconds < float("inf"):
            raise UsageError(
                "cut(seconds) takes the seconds for which nothing gets through, 0 or more, not "
                f"{seconds!r}"
            )
        if self.connection_state in ("disconnected", "error"):
            raise NotConnectedError(
                "there is no connection to cut, and none is being made. Make one with `bot = await "
                "mb.connect()`."
            )
        self.home.post(self._line.cut, seconds)

    def _will_connect(self) -> asyncio.Future[None]:
        """What everybody who wants a connection waits for."""
        if self._connecting is None or self._connecting.done():
            self._connecting = self.home.loop.create_future()
        return self._connecting

    def _settle_connecting(self, error: MbotError | None) -> bool:
        """Tell them; whether anybody waited."""
        connecting, self._connecting = self._connecting, None
        if connecting is None or connecting.done():
            return False
        if error is None:
            connecting.set_result(None)
        else:
            connecting.set_exception(error)
            connecting.exception()  # it may be that nobody waits any more
        return True

    @property
    def closed(self) -> bool:
        """Whether it has ended, by :meth:`close`."""
        return self._closed

    def _shut(self) -> None:
        """End everything at once."""
        self._closed = True
        self._line.shut()
        self._settle_connecting(
            NotConnectedError("this client was closed while it was being connected")
        )
        for stream in list(self._streams):
            stream.end()
        self._conditions.give_up()

    # Events.

    def subscribe(self, event: str, handler: Handler) -> Subscription:
        """Call ``handler(event)``, plain or async, at each event of this name, or at all with
        ``"*"``.

        Running the same cell again replaces the handler. Returns the subscription; call it to stop
        listening. The client's own events are `connection` (a change of the connection) and `gap`
        (events that were lost).
        """
        if not callable(handler):
            raise UsageError(
                f"subscribe({event!r}, ...) needs a function to call, not "
                f"{type(handler).__name__}: pass its name without ()"
            )
        return self._subscriptions.add(event, handler)

    def events(self, event: str = "*", *, maxlen: int = 1024) -> EventStream:
        """Events to loop over: ``async for event in bot.events("telemetry")``. Ends when the client
        is closed."""
        stream = EventStream(self._subscriptions, event, maxlen)
        self._streams.add(stream)
        if self._closed:
            stream.end()
        return stream

    @property
    def handler_errors(self) -> list[tuple[Subscription, Event, BaseException]]:
        """The last failures of handlers."""
        return list(self._subscriptions.errors)

    def tap(self, tap: Tap) -> Callable[[], None]:
        """Tell ``tap`` everything that happens, on the home loop; returns what ends it. For
        recorders."""
        self._taps.append(tap)

        def end() -> None:
            if tap in self._taps:
                self._taps.remove(tap)

        return end

    def tap_frames(self, tap: FrameTap) -> Callable[[], None]:
        """Tell ``tap`` of every frame that goes out or comes in, on the home loop; returns what
        ends that. For recorders."""
        self._frame_taps.append(tap)
        self._tell_frames()

        def end() -> None:
            if tap in self._frame_taps:
                self._frame_taps.remove(tap)
            self._tell_frames()

        return end

    def _tell_frames(self) -> None:
        """Nobody pays for it while nobody listens."""
        taps = self._frame_taps
        told = None if not taps else taps[0] if len(taps) == 1 else self._frames_passed
        self._line.on_frames = self._session.on_frame = told

    # What happens (on the home loop).

    def _tell(self, event: ClientEvent) -> None:
        # Recorders first: what a handler does to an event's data is not what came.
        for tap in tuple(self._taps):  # one may end itself by what it is told
            tap(event)
        if isinstance(event, EventReceived):
            self._subscriptions.deliver(
                Event(
                    name=event.name,
                    data=event.data,
                    sequence=event.sequence,
                    time=event.timestamp / 1000,
                    received=event.at,
                )
            )
        elif isinstance(event, Acknowledged):
            for command in event.commands:
                if command.waiter is not None:
                    wake(command.waiter)
        elif isinstance(event, Settled):
            self._settled(event.command)
        elif isinstance(event, RoundTrip):
            self._round_trips.append(event.seconds)
            waiter = self._pings.pop(event.id, None)
            if waiter is not None and not waiter.done():
                waiter.set_result(event.seconds)
        elif isinstance(event, PingLost):
            waiter = self._pings.pop(event.id, None)
            if waiter is not None and not waiter.done():
                waiter.set_exception(
                    CommandTimeoutError(
                        f"ping: no answer came within {event.seconds:.1f} s, and the connection "
                        "still stands: the server is "
                        "busy, or does not give back what a ping holds. Try again.",
                        command="ping",
                    )
                )
        elif isinstance(event, ConnectionChanged):
            self._connection_changed(event)
        elif isinstance(event, EventsMissed):
            _log.warning(
                "%s: events %d to %d were lost on the way", self.url, event.expected, event.got - 1
            )
            self._own_event("gap", {"expected": event.expected, "got": event.got}, event.at)
        elif isinstance(event, Trouble):
            _log.warning("%s: %s: %s", self.url, event.code, event.message)

    def _told(self) -> None:
        if self._conditions:
            self._conditions.look()

    def _settled(self, command: Outgoing) -> None:
        if command.waiter is not None:
            wake(command.waiter)
        elif command.error is not None and (not command.reply or command.name in URGENT):
            # Nobody waits for it. An urgent command is always answered, asked for or not.
            _log.warning("%s", command.error)

    def _connection_changed(self, change: ConnectionChanged) -> None:
        state = change.state
        if state != "connected":
            pings, self._pings = self._pings, {}
            for waiter in pings.values():
                if not waiter.done():
                    waiter.set_exception(
                        NotConnectedError(
                            f"the connection broke before the answer to the ping came. {AGAIN}"
                        )
                    )
        if state == change.previous:
            return
        if state == "connected":
            self._settle_connecting(None)
            if self._lost_said:
                _log.warning(
                    "%s: connected again%s",
                    self.url,
                    "" if change.resumed else ", to a server that starts afresh",
                )
                self._lost_said = False
        elif state == "error":
            error = connect_error(self.url, change.loss)
            if not self._settle_connecting(error):
                _log.error("%s", error)
            self._conditions.give_up()
        elif state == "reconnecting" and not self._asked_anew:
            _log.warning(
                "%s: %s; trying again by itself, see bot.connection_state", self.url, change.loss
            )
            self._lost_said = True
        wait = (
            None
            if change.next_attempt_at is None
            else round(max(0.0, change.next_attempt_at - change.at), 3)
        )
        self._own_event(
            "connection",
            {
                "state": state,
                "previous": change.previous,
                "attempt": change.attempt,
                "next_attempt_in": wait,
                "reason": str(change.loss) if change.loss is not None else None,
                "resumed": change.resumed,
            },
            change.at,
        )

    def _own_event(self, name: str, data: dict[str, Any], at: float) -> None:
        self._subscriptions.deliver(
            Event(name=name, data=data, time=at + self._wall_offset, received=at)
        )

    def _batch_sent(self, batch: SentBatch) -> None:
        self._batches += 1
        self._last_batch = batch
        for tap in self._taps:
            tap(batch)

    def _frames_passed(
        self, at: float, frames: Sequence[bytes] | str, messages: Sequence[Any] | None
    ) -> None:
        for tap in self._frame_taps:
            tap(at, frames, messages)
