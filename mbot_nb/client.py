"""The client of a notebook: one object, made once, that stays itself across every cut of its connection."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from html import escape
from types import TracebackType
from typing import TYPE_CHECKING, Any

import msgspec

from . import commands as c
from .address import normalise, with_query, without_secrets
from .commands import Command
from .errors import ConnectError, NotConnectedError, SendBufferFullError, UsageError
from .home import Call, Home, call
from .protocol.backoff import CloseCode, Loss, LossKind
from .protocol.client import ClientSession
from .protocol.client import State as SessionState
from .protocol.events import (
    Acknowledged,
    ClientEvent,
    ConnectionChanged,
    Dial,
    Drop,
    EventReceived,
    EventsMissed,
    RoundTrip,
    Settled,
    Trouble,
)
from .protocol.outgoing import Outgoing, SentBatch
from .protocol.settings import Settings
from .state import StateView
from .subscriptions import Event, EventStream, Handler, Subscription, Subscriptions
from .transport.websocket import ClientWire, DialError, Wire, dial
from .vocabulary import CommandResult, Vocabulary

if TYPE_CHECKING:
    import ssl as tls

__all__ = ["Client", "Latency", "Stats"]

_log = logging.getLogger("mbot_nb")

OPEN_TIMEOUT = 1.6
"""Seconds for one attempt: a user is told within two."""
FIRST_STATE = 1.8
"""Seconds for the first connect as a whole, the snapshot included."""
ANSWER_TIMEOUT = 5.0
"""Seconds for an answer, beyond what the motion itself takes."""
DRAWING_TIMEOUT = 120.0
CLOSE_GRACE = 1.0

Tap = Callable[[ClientEvent | SentBatch], None]


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Round trips, in seconds: the ``last`` one, the ``median`` and 99th percentile (``p99``) of the last ``count``."""

    last: float
    median: float
    p99: float
    count: int

    def __repr__(self) -> str:
        if not self.count:
            return "<latency: not measured yet>"
        return f"<latency: {self.last * 1e3:.2f} ms, median {self.median * 1e3:.2f}, p99 {self.p99 * 1e3:.2f} (n={self.count})>"


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """What went over the wire since the client was made: counts, and bytes of text."""

    frames_in: int
    frames_out: int
    messages_in: int
    messages_out: int
    bytes_in: int
    bytes_out: int
    connections: int
    duplicates: int
    gaps: int
    malformed: int
    waiting: int
    """Commands queued, or sent and not acknowledged."""

    @property
    def messages_per_frame(self) -> float:
        """How much batching saves: messages sent for each frame sent."""
        return self.messages_out / self.frames_out if self.frames_out else 0.0


class Client(Vocabulary[Call[CommandResult]]):
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
        shortcut: Callable[[str], None] | None = None,
    ) -> None:
        self.home = home
        self._now = home.loop.time
        self.settings = settings
        self._url = normalise(url)
        self._ssl = ssl
        self._wall_offset = time.time() - time.monotonic()
        self._session = ClientSession(
            settings,
            secrets.token_hex(16),
            wall=lambda now: int((now + self._wall_offset) * 1000),
            luck=random.random,
            token=token,
            persistent=retry,
        )
        self._shortcut = shortcut
        self._wire: Wire | None = None
        self._dialling: asyncio.Task[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")
        self._subscriptions = Subscriptions(home)
        self._streams: list[EventStream] = []
        self._taps: list[Tap] = []
        self._round_trips: deque[float] = deque(maxlen=1000)
        self._pings: dict[int, asyncio.Future[float]] = {}
        self._room_waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._first: asyncio.Future[None] | None = None
        self._closed = False
        self._lost_said = False

    # What it looks like.

    def __repr__(self) -> str:
        words = [self.connection_state]
        if self.connected:
            words.append(f"{'extended' if self._session.extended else 'baseline'} profile")
            if self._session.round_trip is not None:
                words.append(f"{self._session.round_trip * 1e3:.2f} ms away")
        elif self.next_attempt_at is not None:
            words.append(f"attempt {self.reconnect_attempts + 1} in {max(0.0, self.next_attempt_at - time.monotonic()):.0f} s")
        elif self._session.last_loss is not None:
            words.append(str(self._session.last_loss))
        return f"<robot at {self.url}: {', '.join(words)}>"

    def _repr_html_(self) -> str:
        colour = {"connected": "#2e7d32", "error": "#c62828"}.get(self.connection_state, "#b26a00")
        return f"<div><b style='color:{colour}'>&#9679;</b> {escape(repr(self)[1:-1])}</div>"

    @property
    def url(self) -> str:
        """The server's address, without what is secret in it."""
        return without_secrets(self._url)

    @property
    def state(self) -> StateView:
        """The robot's state as this client knows it now."""
        return StateView(self._session.mirror.state)

    @property
    def state_age(self) -> float:
        """Seconds since the last change of the state came; infinite before the first."""
        updated = self._session.mirror.updated_at
        return float("inf") if updated is None else time.monotonic() - updated

    @property
    def revision(self) -> int | None:
        """The number of the state's last change."""
        return self._session.mirror.revision

    @property
    def connection_state(self) -> str:
        """disconnected, connecting, connected, reconnecting or error."""
        return self._session.connection_state

    @property
    def connected(self) -> bool:
        """Whether commands go out now."""
        return self._session.state is SessionState.CONNECTED

    @property
    def reconnecting(self) -> bool:
        """Whether the connection was lost and is being made again."""
        return self.connection_state == "reconnecting"

    @property
    def reconnect_attempts(self) -> int:
        """Attempts begun since the connection was lost; 0 while it stands."""
        return self._session.backoff.attempts

    @property
    def next_attempt_at(self) -> float | None:
        """When the next attempt begins (`time.monotonic()` seconds), or None."""
        return self._session.next_attempt_at

    @property
    def profile(self) -> str:
        """`extended` with a server of this protocol's full kind, else `baseline`."""
        return "extended" if self._session.extended else "baseline"

    @property
    def metadata(self) -> dict[str, Any]:
        """What the server said of itself: robotId, version, uptime (ms) at the connect."""
        return dict(self._session.metadata)

    @property
    def latency(self) -> Latency:
        """The last round trips."""
        trips = sorted(self._round_trips)
        if not trips:
            return Latency(last=float("nan"), median=float("nan"), p99=float("nan"), count=0)
        last = self._session.round_trip
        return Latency(
            last=trips[-1] if last is None else last,
            median=trips[len(trips) // 2],
            p99=trips[min(len(trips) - 1, int(len(trips) * 0.99))],
            count=len(trips),
        )

    @property
    def stats(self) -> Stats:
        """What went over the wire so far."""
        outbox = self._session.outbox
        waiting = len(outbox.queue) + len(outbox.unacknowledged)
        return Stats(waiting=waiting, **self._session.counters.as_dict())

    # Opening and closing.

    async def open(self) -> Client:
        """Connect; returns when the first snapshot is applied. Called by :func:`mbot_nb.connect`.

        Raises:
            ConnectError: it cannot be done, and `retry` was not asked for.
        """
        self._first = self.home.loop.create_future()
        self._session.dial(self._now())
        self._pump()
        try:
            async with asyncio.timeout(None if self._session.persistent else FIRST_STATE):
                await self._first
        except BaseException as error:
            self._shut()
            if isinstance(error, TimeoutError):
                raise ConnectError(
                    f"No connection to {self.url}: something answered there, but sent no state within {FIRST_STATE:.1f} s. "
                    "Is it a WebSocket V2 server? With retry=True it keeps trying."
                ) from None
            raise
        return self

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @call
    async def close(self) -> None:
        """Send what is queued, say goodbye, and end the session. Once more changes nothing."""
        if self._closed:
            return
        if self.connected:
            self._session.flush(self._now())
            self._session.ping(self._now())
            self._pump()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._until(lambda: not self._session.outbox.unacknowledged), CLOSE_GRACE)
        self._shut()

    @call
    async def reconnect(self) -> None:
        """Connect anew now: also ends a wait for the next attempt, and brings a fresh snapshot.

        Raises:
            ConnectError: the attempt failed for a reason that trying again cannot mend.
        """
        if self._closed:
            raise UsageError("this client was closed; make a new one with `await mb.connect()`")
        self._first = self.home.loop.create_future()
        self._take_down(Loss(LossKind.CLOSED, "a new connection was asked for", CloseCode.GOING_AWAY))
        if self._dialling is not None:
            self._dialling.cancel()
            self._dialling = None
        if self._session.state not in (SessionState.WAITING, SessionState.FAILED):
            self._session.lost(Loss(LossKind.CLOSED, "a new connection was asked for"), self._now())
        self._session.dial(self._now())
        self._pump()
        await self._first

    # Commands.

    def send(self, command: str, /, **params: Any) -> None:
        """Queue a command into the current batch, and do not wait.

        What comes of it is in the recorder's `commands`; a refusal is also told in the log and as the event `command_result`.

        Raises:
            CommandRejectedError: the parameters of a known command are wrong.
            NotConnectedError: the client is closed, or has given up.
            SendBufferFullError: more than 1 MiB waits for an acknowledgement.
        """
        if command in c.ALL:
            c.parse(command, params)
        if not self.home.is_here:
            self._must_be_alive(command)
            self.home.post(self._send_later, command, params)
            return
        self._send(command, params)

    def _send(self, command: str, params: dict[str, Any]) -> None:
        session = self._session
        if session.state is not SessionState.CONNECTED:
            self._must_be_alive(command)
        outbox = session.outbox
        if outbox.held_bytes >= self.settings.send_buffer:
            raise SendBufferFullError(
                f"{command} was not sent: 1 MiB of commands waits for the server to acknowledge. "
                "`await bot.drain()` waits until there is room."
            )
        session.command(command, params, self._now())
        if session.has_output:
            self._pump()
        elif len(outbox.queue.items) == 1:
            self._arm()

    def _send_later(self, command: str, params: dict[str, Any]) -> None:
        """The same for another thread, which is not there any more to be told what went wrong."""
        try:
            self._send(command, params)
        except Exception as error:
            _log.error("%s", error)

    @call
    async def send_command(self, command: str, /, *, timeout: float | None = None, **params: Any) -> CommandResult:
        """Send any command by its name, and return its answer; ``timeout`` in seconds.

        Raises:
            CommandRejectedError, CommandExpiredError, DeliveryUnknownError, CommandTimeoutError, NotConnectedError
        """
        known = c.parse(command, params) if command in c.ALL else None
        return await self._perform(command, params, known, wait=True, timeout=timeout)

    def _command(self, command: Command, *, wait: bool = True) -> Call[CommandResult]:
        """A command of the vocabulary. A stop acts before anybody awaits it."""
        params = command.params()
        if isinstance(command, (c.Stop, c.EmergencyStop)):
            return self._stop_now(command, params)
        words = f"bot.{command.name}()"
        return Call(lambda: self.home, lambda: self._perform(command.name, params, command, wait=wait, timeout=None), words)

    def _stop_now(self, command: Command, params: dict[str, Any]) -> Call[CommandResult]:
        """Stop by every way there is: straight to a robot of this process, and over the wire."""
        if self._shortcut is not None:
            self._shortcut(command.name)
        sent: list[Outgoing] = []

        def send() -> None:
            if not self._closed:
                sent.append(self._session.command(command.name, params, self._now(), reply=True, timeout=ANSWER_TIMEOUT))
                self._pump()

        self.home.post(send)

        async def answer() -> CommandResult:
            while not sent:
                self._must_be_alive(command.name)
                await asyncio.sleep(0)
            return await self._outcome(sent[0])

        outcome = Call(lambda: self.home, answer, f"bot.{command.name}()")
        outcome.acts_unawaited()
        return outcome

    async def _perform(
        self, name: str, params: dict[str, Any], command: Command | None, *, wait: bool, timeout: float | None
    ) -> CommandResult:
        self._must_be_alive(name)
        if timeout is None:
            timeout = ANSWER_TIMEOUT + _length(command)
        sent = self._session.command(name, params, self._now(), reply=wait, timeout=timeout)
        if not wait:
            self._session.flush(self._now())
        self._pump()
        try:
            return await self._outcome(sent)
        except asyncio.CancelledError:
            # Whoever interrupts the wait for a motion wants the motion to end.
            if sent.motion and sent.outcome is None and not self._closed:
                self._session.command("stop", {}, self._now(), reply=True, timeout=ANSWER_TIMEOUT)
                self._pump()
            raise

    async def _outcome(self, sent: Outgoing) -> CommandResult:
        if sent.outcome is None:
            sent.waiter = self.home.loop.create_future()
            await sent.waiter
        if sent.error is not None:
            raise sent.error
        answered = sent.outcome == "done"
        value = sent.result
        ended = value.get("ended") if isinstance(value, dict) else None
        finished = sent.answered_at or sent.acknowledged_at or sent.sent_at or sent.queued_at
        return CommandResult(
            command=sent.name, value=value, ended=ended, seconds=finished - sent.queued_at, answered=answered or not sent.reply
        )

    @call
    async def ping(self) -> float:
        """One round trip to the server and back, in seconds.

        Raises:
            NotConnectedError: there is no connection now, or it broke before the answer came.
        """
        id = self._session.ping(self._now())
        if id is None:
            raise NotConnectedError(f"no ping without a connection; this one is {self.connection_state}. See bot.connection_state.")
        waiter = self._pings[id] = self.home.loop.create_future()
        self._pump()
        seconds: float = await waiter
        return seconds

    @call
    async def drain(self) -> None:
        """Wait until there is room to send again; also lets the loop do its other work."""
        outbox = self._session.outbox
        await asyncio.sleep(0)
        if outbox.is_full:
            await self._until(lambda: outbox.held_bytes < self.settings.send_buffer // 2)

    @call
    async def flush(self) -> None:
        """Send what is queued now; returns when everything sent so far has been acknowledged."""
        self._must_be_alive("flush")
        self._session.flush(self._now())
        # Acknowledgements ride on whatever comes back, and a pong comes back at once.
        self._session.ping(self._now())
        self._pump()
        outbox = self._session.outbox
        target = outbox.next_sequence - 1
        epoch = self._session.epoch

        def done() -> bool:
            window = outbox.unacknowledged
            return self._session.epoch != epoch or not window or (window[0].sequence or 0) > target

        await self._until(done)

    # Events.

    def subscribe(self, event: str, handler: Handler) -> Subscription:
        """Call ``handler(event)``, plain or async, at each event of this name, or at all with ``"*"``.

        Running the same cell again replaces the handler. Returns the subscription; call it to stop listening.
        The client's own events are `connection` (a change of the connection) and `gap` (events that were lost).
        """
        if not callable(handler):
            raise UsageError(f"subscribe({event!r}, ...) needs a function to call, not {type(handler).__name__}: pass its name without ()")
        return self._subscriptions.add(event, handler)

    def events(self, event: str = "*", *, maxlen: int = 1024) -> EventStream:
        """Events to loop over: ``async for event in bot.events("telemetry")``. Ends when the client is closed."""
        stream = EventStream(self._subscriptions, event, maxlen)
        self._streams.append(stream)
        return stream

    @property
    def handler_errors(self) -> list[tuple[Subscription, Event, BaseException]]:
        """The last failures of handlers."""
        return list(self._subscriptions.errors)

    def tap(self, tap: Tap) -> Callable[[], None]:
        """Tell ``tap`` everything that happens, on the home loop; returns what ends it. For recorders."""
        self._taps.append(tap)
        self._session.on_batch = self._batch_sent

        def end() -> None:
            if tap in self._taps:
                self._taps.remove(tap)
            if not self._taps:
                self._session.on_batch = None

        return end

    # The wire's side (all on the home loop).

    def wire_open(self, wire: Wire, extended: bool) -> None:
        self._wire = wire
        self._session.opened(extended, self._now())
        self._pump()

    def wire_text(self, wire: Wire, text: str) -> None:
        if wire is self._wire:
            self._session.receive(text, self._now())
            self._pump()

    def wire_heard(self, wire: Wire) -> None:
        self._session.heard(self._now())

    def wire_writable(self, wire: Wire, writable: bool) -> None:
        if wire is self._wire:
            self._session.outbox.queue.in_flight = not writable
            self._arm()

    def wire_lost(self, wire: Wire, loss: Loss, clean: bool) -> None:
        if wire is self._wire:
            self._wire = None
            self._session.lost(self._session.condemned or loss, self._now())
            self._pump()

    # Inside.

    def _must_be_alive(self, command: str) -> None:
        state = self._session.state
        if state is SessionState.CLOSED:
            raise NotConnectedError(f"{command} was not sent: this client was closed. Make a new one with `bot = await mb.connect()`.")
        if state is SessionState.FAILED:
            raise NotConnectedError(
                f"{command} was not sent: there is no connection ({self._session.last_loss}). `await bot.reconnect()` tries again."
            )

    def _pump(self) -> None:
        """Hand over the session's frames, tell its events, set the timer."""
        session = self._session
        while True:
            if self._wire is not None:
                frames = session.take_frames()
                if frames:
                    self._wire.send(frames)
            events = session.take_events()
            if not events:
                break
            for event in events:
                self._tell(event)
                for tap in self._taps:
                    tap(event)
        self._arm()

    def _arm(self) -> None:
        deadline = self._session.next_deadline()
        if deadline is None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer, self._timer_at = None, float("inf")
        elif deadline < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self.home.loop.call_at(deadline, self._due)
            self._timer_at = deadline

    def _due(self) -> None:
        self._timer, self._timer_at = None, float("inf")
        self._session.timeout(self._now())
        self._pump()

    def _tell(self, event: ClientEvent) -> None:
        if isinstance(event, EventReceived):
            self._subscriptions.deliver(
                Event(name=event.name, data=event.data, sequence=event.sequence, time=event.timestamp / 1000, received=event.at)
            )
        elif isinstance(event, Acknowledged):
            for command in event.commands:
                if command.waiter is not None:
                    _wake(command.waiter)
            self._wake_waiters()
        elif isinstance(event, Settled):
            self._settled(event.command)
            self._wake_waiters()
        elif isinstance(event, RoundTrip):
            self._round_trips.append(event.seconds)
            waiter = self._pings.pop(event.id, None)
            if waiter is not None and not waiter.done():
                waiter.set_result(event.seconds)
        elif isinstance(event, Dial):
            self._dialling = self.home.spawn(self._dial(), "dial")
        elif isinstance(event, Drop):
            loss = self._session.condemned
            if loss is not None:
                self._take_down(loss, event.code)
        elif isinstance(event, ConnectionChanged):
            self._connection_changed(event)
        elif isinstance(event, EventsMissed):
            _log.warning("events %d to %d were lost while there was no connection", event.expected, event.got - 1)
            self._own_event("gap", {"expected": event.expected, "got": event.got}, event.at)
        elif isinstance(event, Trouble):
            _log.warning("%s: %s", event.code, event.message)

    def _settled(self, command: Outgoing) -> None:
        if command.waiter is not None:
            _wake(command.waiter)
        elif command.error is not None and not command.reply:
            _log.warning("%s", command.error)

    def _connection_changed(self, change: ConnectionChanged) -> None:
        if change.state != "connected":
            for waiter in self._pings.values():
                if not waiter.done():
                    waiter.set_exception(NotConnectedError("the connection broke before the answer to the ping came."))
            self._pings.clear()
        if change.state == change.previous:
            return
        first = self._first
        if change.state == "connected" and first is not None and not first.done():
            first.set_result(None)
        if change.state == "error":
            error = self._connect_error(change.loss)
            if first is not None and not first.done():
                first.set_exception(error)
            else:
                _log.error("%s", error)
            self._wake_waiters()
        elif change.state == "reconnecting" and self._session.ever_connected:
            _log.warning("%s: %s; trying again by itself, see bot.connection_state", self.url, change.loss)
            self._lost_said = True
        elif change.state == "connected" and self._lost_said:
            _log.warning("%s: connected again%s", self.url, "" if change.resumed else ", to a server that starts afresh")
            self._lost_said = False
        wait = None if change.next_attempt_at is None else round(max(0.0, change.next_attempt_at - change.at), 3)
        self._own_event(
            "connection",
            {
                "state": change.state,
                "previous": change.previous,
                "attempt": change.attempt,
                "next_attempt_in": wait,
                "reason": str(change.loss) if change.loss is not None else None,
                "resumed": change.resumed,
            },
            change.at,
        )

    def _own_event(self, name: str, data: dict[str, Any], at: float) -> None:
        self._subscriptions.deliver(Event(name=name, data=data, time=at + self._wall_offset, received=at))

    def _batch_sent(self, batch: SentBatch) -> None:
        for tap in self._taps:
            tap(batch)

    async def _dial(self) -> None:
        url = with_query(self._url, self._session.query())
        token = self._session.token
        headers = {"Authorization": f"Bearer {token}"} if token is not None else None
        try:
            await dial(url, self, timeout=OPEN_TIMEOUT, headers=headers, ssl=self._ssl)
        except DialError as error:
            self._session.lost(error.loss, self._now())
            self._pump()
        finally:
            self._dialling = None

    def _take_down(self, loss: Loss, code: int = CloseCode.GOING_AWAY) -> None:
        """Give up the present connection, without waiting for it to end."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close(code, loss.detail, deaf=True)
            self._session.lost(loss, self._now())

    def _shut(self) -> None:
        """End everything at once."""
        self._closed = True
        if self._dialling is not None:
            self._dialling.cancel()
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close(CloseCode.NORMAL, "the client was closed", deaf=True)
        self._session.close(self._now())
        self._pump()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for stream in self._streams:
            stream.end()
        self._streams.clear()
        self._wake_waiters()

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds, looked at whenever commands are settled; or until there is no hope."""
        if condition():
            return
        waiter = self.home.loop.create_future()
        self._room_waiters.append((condition, waiter))
        await waiter

    def _wake_waiters(self) -> None:
        if not self._room_waiters:
            return
        hopeless = self._session.state in (SessionState.CLOSED, SessionState.FAILED)
        waiting = []
        for condition, waiter in self._room_waiters:
            if hopeless or condition():
                _wake(waiter)
            elif not waiter.done():
                waiting.append((condition, waiter))
        self._room_waiters = waiting

    def _standing_latch(self) -> str:
        latch = self._session.mirror.state.get("latch")
        return latch if isinstance(latch, str) else ""

    def _connect_error(self, loss: Loss | None) -> ConnectError:
        detail = str(loss) if loss is not None else "for an unknown reason"
        kind = loss.kind if loss is not None else None
        advice = _ADVICE.get(kind, "Look at the server's output, then try again.") if kind is not None else ""
        if loss is not None and loss.code in (CloseCode.UNAUTHORISED, 401):
            advice = _ADVICE[LossKind.TOKEN]
        elif loss is not None and loss.code == CloseCode.REPLACED:
            advice = "Another client took this session over; make a new client with `await mb.connect()`."
        return ConnectError(f"No connection to {self.url}: {detail}. {advice}")


_ADVICE = {
    LossKind.REFUSED: "Start a server there first (`server = await mb.serve()`), check the port, or leave the address out: "
    "`await mb.connect()` brings its own. With retry=True it keeps trying.",
    LossKind.NAME: "Check the spelling, or use the number, as in ws://192.168.1.20:4000.",
    LossKind.TIMEOUT: "Is the other machine on, in the same network, and not behind a firewall? With retry=True it keeps trying.",
    LossKind.TLS: "The server's certificate is not trusted here: pass ssl=ssl.create_default_context(cafile=...) with its certificate.",
    LossKind.HTTP: "Something else answers at this address: check host and port.",
    LossKind.ADDRESS: "An address looks like ws://localhost:4000.",
    LossKind.VERSION: "Update mbot_nb on both sides.",
    LossKind.TOKEN: 'The server was started with a token: pass it, `await mb.connect("...", token="...")`.',
    LossKind.RESET: "Is it a WebSocket server? Check host and port; with retry=True it keeps trying.",
    LossKind.CLOSED: "Look at the server's output, then `await bot.reconnect()`.",
}


def _length(command: Command | None) -> float:
    """How long the motion that a command starts may take, in seconds."""
    if isinstance(command, (c.Drive, c.Move)):
        return command.duration
    return DRAWING_TIMEOUT if isinstance(command, c.StartDrawing) else 0.0


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


_ = ClientWire  # the wire that a client is the receiver of
