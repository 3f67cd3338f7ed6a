"""The client: one object that stays itself across every cut of its connection."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import msgspec

from .. import commands as c
from ..address import normalise, without_secrets
from ..command_methods import CommandMethods, CommandResult
from ..errors import ConnectError, MbotError, NotConnectedError, UsageError
from ..loops.call import Call, ClosedAtEnd, call
from ..loops.home import Home, running_loop
from ..protocol.client import ClientSession, ClientState
from ..protocol.client.events import (
    Acknowledged,
    ClientEvent,
    ConnectionChanged,
    ErrorReceived,
    EventReceived,
    EventsMissed,
    PingLost,
    PingSent,
    RoundTrip,
    Settled,
)
from ..protocol.client.outbox import OutgoingCommand, SentBatch, command_payload
from ..protocol.loss import Loss, LossKind
from ..protocol.messages import CommandPayload
from ..protocol.settings import BatchPolicy, Settings
from ..state import StateView
from .batching import BatchingContext
from .command_calls import NEW_CLIENT_ADVICE, NOT_JSON, CommandCalls, buffer_full, not_plain
from .connect_errors import connect_error
from .identify import identify
from .link import ClientLink, FrameTap
from .pings import Pings
from .status import Batch, ClockEstimate, Latency, Stats
from .subscriptions import Event, EventStream, Handler, Subscription, Subscriptions
from .waiters import Connecting, Waiters, wake

if TYPE_CHECKING:
    import ssl as tls

__all__ = ["Client"]

_log = logging.getLogger("mbot_nb")

FIRST_STATE_TIMEOUT = 1.8
"""Seconds for the first connect as a whole, the snapshot included."""
CLOSE_GRACE = 1.0
_CONNECTED = ClientState.CONNECTED

Tap = Callable[[ClientEvent | SentBatch], None]


class Client(ClosedAtEnd, CommandMethods[Call[CommandResult]]):
    """A robot's remote control. Made by :func:`mbot_nb.connect`.

    Its coroutines may be awaited on any loop, its other methods called from any thread, and its
    properties read in any thread.
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
        in_process_stop: Callable[[str], bool] | None = None,
    ) -> None:
        self.home = home
        self.settings = settings
        self._url = normalise(url)
        self._ssl = ssl
        self._loop = home.loop
        self._now = home.clock
        self._wall_offset = time.time() - time.monotonic()
        self._session = ClientSession(
            settings,
            secrets.token_hex(16),
            wall=lambda now: int((now + self._wall_offset) * 1000),
            random_source=random.random,
            token=token,
            persistent=retry,
        )
        self._session.on_batch = self._on_batch
        self._link = ClientLink(
            home, self._session, self._url, ssl, self._on_event, self._after_events
        )
        self._calls = CommandCalls(
            home, self._session, self._link, in_process_stop, self._fallback_stop
        )
        self._pings = Pings(home, self._session, self._link)
        self._waiters = Waiters(home.loop)
        self._subscriptions = Subscriptions(home)
        self._streams: weakref.WeakSet[EventStream] = weakref.WeakSet()
        self._taps: list[Tap] = []
        self._frame_taps: list[FrameTap] = []
        self._connecting = Connecting(home.loop)
        self._reconnect_requested = False
        self._loss_logged = False
        self._batches = 0
        self._last_batch: SentBatch | None = None
        self._posted = self._arrived_bytes = 0
        """Bytes of the commands that other threads have sent so far; and of those that have come
        here, counted without a lock."""
        self._posting = threading.Lock()

    def __repr__(self) -> str:
        words = [self.connection_state]
        if self.connected:
            words.append(f"{self.profile} profile")
            if self._session.round_trip is not None:
                words.append(f"{self._session.round_trip * 1e3:.2f} ms away")
        elif (at := self.next_attempt_at) is not None:
            words.append(
                f"attempt {self.reconnect_attempts + 1} in {max(0.0, at - time.monotonic()):.0f} s"
            )
        elif self._session.last_loss is not None:
            words.append(str(self._session.last_loss))
        return f"<robot at {self.url}: {', '.join(words)}>"

    def _repr_html_(self) -> str:
        color = {"connected": "#2e7d32", "error": "#c62828"}.get(self.connection_state, "#b26a00")
        return f"<div><b style='color:{color}'>&#9679;</b> {escape(repr(self)[1:-1])}</div>"

    # Opening and closing.

    async def open(self) -> Client:
        """Connect; returns when the first snapshot is applied. Called by :func:`mbot_nb.connect`.

        Raises:
            ConnectError: it cannot be done, and `retry` was not asked for.
        """
        connected = self._connecting.future()
        self._link.connect()
        try:
            async with asyncio.timeout(None if self._session.persistent else FIRST_STATE_TIMEOUT):
                await asyncio.shield(connected)
        except BaseException as error:
            self._end()
            if isinstance(error, TimeoutError):
                words = (
                    "something answered there, but sent no state within "
                    f"{FIRST_STATE_TIMEOUT:.1f} s"
                )
                raise connect_error(self.url, Loss(LossKind.TIMEOUT, words), silent=True) from None
            raise
        return self

    async def _fallback_stop(self) -> None:
        """On the I/O thread: stop the robot over another connection, while home is blocked.

        Raises:
            MbotError: no connection could be made, or the stop was not answered.
        """
        other = Client(
            self._url,
            Home.on_io_thread(),
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
        """Send what is queued, say goodbye, and end the session. Idempotent."""
        if self.connected:
            outbox = self._session.outbox
            self._link.flush()
            try:
                async with asyncio.timeout(CLOSE_GRACE):
                    await self._waiters.until(lambda: not outbox.unacknowledged)
            except TimeoutError:
                _log.warning(
                    "%s: closed before the server had acknowledged %d commands",
                    self.url,
                    len(outbox.unacknowledged),
                )
        if not self.closed:
            self._end()
        await self._link.wait_closed(CLOSE_GRACE)

    @call
    async def reconnect(self) -> None:
        """Connect anew now: also ends a wait for the next attempt, and brings a fresh snapshot.

        Raises:
            ConnectError: the attempt failed for a reason that trying again cannot mend.
        """
        if self.closed:
            raise UsageError("this client was closed; make a new one with `await mb.connect()`")
        connected = self._connecting.future()
        self._reconnect_requested = True
        try:
            self._link.connect()
        finally:
            self._reconnect_requested = False
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
        self.home.post(self._link.cut, seconds)

    @property
    def closed(self) -> bool:
        """Whether the client has been closed, by :meth:`close`."""
        return self._session.state is ClientState.CLOSED

    def _end(self) -> None:
        """End everything at once."""
        self._link.close()
        self._connecting.resolve(
            NotConnectedError("this client was closed while it was being connected")
        )
        for stream in list(self._streams):
            stream.end()
        self._waiters.wake_all()

    # Commands.

    def send(self, command: str, /, **params: Any) -> None:
        """Queue a command into the current batch, and do not wait.

        Its outcome is in the recorder's `commands`; a refusal is also logged, and delivered as the
        event `command_result`.

        Raises:
            CommandRejectedError: the parameters of a known command are wrong, or no plain data.
            NotConnectedError: the client is closed, or has given up.
            SendBufferFullError: more than 1 MiB waits for an acknowledgement.
        """
        if command in c.ALL:
            c.parse(command, params)
        if running_loop() is self._loop:
            self._send(command, params)
            return
        self._calls.require_open(command)
        # What the caller does with its lists and dicts afterwards must not change what is sent.
        try:
            payload = command_payload(CommandPayload(command, c.plain(params)))
        except NOT_JSON as error:
            raise not_plain(command, error) from None
        params = msgspec.json.decode(payload)["params"]
        size = len(payload)
        with self._posting:
            held = self._session.outbox.held_bytes + self._posted - self._arrived_bytes
            if held >= self.settings.send_buffer and command not in c.URGENT:
                raise buffer_full(command, held)
            self._posted += size
        if not self.home.post(self._send_posted, command, params, size):
            raise NotConnectedError(
                f"{command} was not sent: the event loop of this client is gone. "
                f"{NEW_CLIENT_ADVICE}"
            )

    def _send(
        self, command: str, params: dict[str, Any], *, accepted: bool = False
    ) -> OutgoingCommand:
        session = self._session
        if session.state is not _CONNECTED:
            self._calls.require_open(command)
        outbox = session.outbox
        if (
            outbox.held_bytes >= self.settings.send_buffer
            and not accepted
            and command not in c.URGENT
        ):
            raise buffer_full(command, outbox.held_bytes)
        try:
            sent = session.command(command, params, self._now())
        except NOT_JSON as error:
            sent = self._calls.send_as_plain(error, command, params)
        if session.frames or session.events:
            self._link.pump()
        elif (
            len(outbox.queue.items) == 1 and (deadline := outbox.queue.next_deadline()) is not None
        ):
            self._link.timer.set(deadline)
        return sent

    def _send_posted(self, command: str, params: dict[str, Any], size: int) -> None:
        """Send for another thread; what goes wrong is logged, since its call has returned."""
        try:
            self._send(command, params, accepted=True)
        except MbotError as error:
            _log.error("%s", error)
        finally:
            self._arrived_bytes += size

    @call
    async def send_command(
        self, command: str, /, *, timeout: float | None = None, **params: Any
    ) -> CommandResult:
        """Send any command by its name, and return its answer; ``timeout`` in seconds.

        Raises:
            CommandRejectedError, CommandExpiredError, DeliveryUnknownError, CommandTimeoutError,
                NotConnectedError
        """
        known = c.parse(command, params) if command in c.ALL else None
        return await self._calls.perform(command, params, known, timeout=timeout)

    def _command(self, command: c.Command, *, wait: bool = True) -> Call[CommandResult]:
        return self._calls.start(command, wait=wait)

    @property
    def _active_latch(self) -> str:
        """The id of the emergency stop that is active, or an empty text."""
        latch = self._session.mirror.state.get("latch")
        return latch if isinstance(latch, str) else ""

    @call
    async def identify(self) -> None:
        """Let the robot blink and beep, so that you see which one it is; afterwards its lights are
        as they were.

        Raises:
            CommandRejectedError: the robot cannot be reached.
        """
        await identify(self, self.state.get("leds", ()))

    @call
    async def ping(self) -> float:
        """One round trip to the server and back, in seconds.

        Raises:
            NotConnectedError: there is no connection now, or it broke before the answer came.
            CommandTimeoutError: the connection stands, but no answer came within 5 s
                (`pong_timeout`).
        """
        return await self._pings.round_trip()

    @call
    async def drain(self) -> None:
        """Wait until there is room to send again; also lets the loop do its other work."""
        outbox = self._session.outbox
        await asyncio.sleep(0)
        if outbox.is_full:
            await self._waiters.until(lambda: outbox.held_bytes < self.settings.send_buffer // 2)

    @call
    async def flush(self) -> None:
        """Send what is queued now; returns when everything sent so far has been acknowledged, or
        has failed and said so."""
        self._calls.require_open("flush")
        self._link.flush()
        outbox = self._session.outbox
        waiting = deque([*outbox.unacknowledged, *outbox.queue.items])

        def done() -> bool:
            while waiting and (
                waiting[0].acknowledged_at is not None or waiting[0].outcome is not None
            ):
                waiting.popleft()
            return not waiting

        await self._waiters.until(done)

    # For experiments.

    def batching(
        self,
        *,
        window: float | None = None,
        size: int | None = None,
        policy: BatchPolicy | None = None,
    ) -> BatchingContext:
        """Batch commands by other numbers inside a `with` block: ``with bot.batching(size=4):``.

        Before and after it, what is queued is sent; what cannot be sent now stays queued. Blocks
        must be left in the reverse order of their beginning.

        Args:
            window: seconds that the first command of a batch waits for others; 0 for no batches.
            size: the most commands in one batch.
            policy: "window" or "adaptive". What is not given stays as it is now.

        Returns:
            A context manager with the attributes ``window``, ``size`` and ``policy``.

        Raises:
            UsageError: a number that makes no sense, or an unknown policy.
        """
        return BatchingContext(
            self.home, self._session, self._link, window=window, size=size, policy=policy
        )

    def enqueue(self, command: str, /, **params: Any) -> OutgoingCommand:
        """Queue a command as :meth:`send` does, and return the record of it. On the home loop only.

        Returns:
            The command on its way; its times and its outcome are filled in as they become known.

        Raises:
            UsageError: called elsewhere than on the client's home loop.
            CommandRejectedError, NotConnectedError, SendBufferFullError: as of :meth:`send`.
        """
        self._require_home("enqueue")
        if command in c.ALL:
            c.parse(command, params)
        return self._send(command, params)

    def send_ping(self) -> PingSent | None:
        """Send a ping without waiting for its answer, which :meth:`tap` reports as a `RoundTrip`
        with the same id. On the home loop only.

        Returns:
            The ping's id and when it was sent (monotonic seconds); None without a connection.

        Raises:
            UsageError: called elsewhere than on the client's home loop.
        """
        self._require_home("send_ping")
        return self._pings.send()

    def clock_estimate(self, at: float | None = None) -> ClockEstimate | None:
        """How far the server's monotonic clock is ahead of this process's.

        Args:
            at: the time (monotonic seconds) for which the error is stated; now if None.

        Returns:
            The estimate; None before the first pong, and if the server does not send its clock.
        """
        clock = self._session.clock
        now = time.monotonic() if at is None else at
        latest = clock.latest(now)
        if latest is None:
            return None
        bound = clock.bound(now)
        return ClockEstimate(ahead=latest - now - bound, bound=bound)

    def _require_home(self, method: str) -> None:
        if not self.home.is_here:
            raise UsageError(
                f"bot.{method}() follows one message closely, so it is only called on the loop "
                "that the client lives on: from a handler, a tap, or with `bot.home.post(function)`"
            )

    # Events.

    def subscribe(self, event: str, handler: Handler, *, replace: bool = True) -> Subscription:
        """Call a function at each event of one name.

        The client's own events are `connection` (a change of the connection) and `gap` (events that
        were lost).

        Args:
            event: the event's name, or ``"*"`` for all.
            handler: called with the event; plain or async.
            replace: whether the same handler, or the same cell run again, takes the place of its
                earlier subscription.

        Returns:
            The subscription; call it to stop listening.

        Raises:
            UsageError: the handler cannot be called.
        """
        if not callable(handler):
            raise UsageError(
                f"subscribe({event!r}, ...) needs a function to call, not "
                f"{type(handler).__name__}: pass its name without ()"
            )
        if replace:
            return self._subscriptions.add(event, handler)
        return self._subscriptions.listen(event, handler)

    def events(self, event: str = "*", *, maxlen: int = 1024) -> EventStream:
        """Events to loop over: ``async for event in bot.events("telemetry")``. Ends when the client
        is closed."""
        stream = EventStream(self._subscriptions, event, maxlen)
        self._streams.add(stream)
        if self.closed:
            stream.end()
        return stream

    @property
    def handler_errors(self) -> list[tuple[Subscription, Event, BaseException]]:
        """The last failures of handlers."""
        return list(self._subscriptions.errors)

    def tap(self, callback: Tap) -> Callable[[], None]:
        """Observe everything that happens, for recorders and experiments.

        Args:
            callback: called on the home loop with each event of `mbot_nb.protocol.client.events`,
                and with a `SentBatch` for each frame of commands.

        Returns:
            A function that ends it.
        """
        self._taps.append(callback)

        def end() -> None:
            if callback in self._taps:
                self._taps.remove(callback)

        return end

    def tap_frames(self, callback: FrameTap) -> Callable[[], None]:
        """Observe every frame that goes out or comes in, for recorders.

        Args:
            callback: called on the home loop with the time and the texts of frames that went out,
                and None; or with the time and the text of one that came in, and its messages.

        Returns:
            A function that ends it.
        """
        self._frame_taps.append(callback)
        self._update_frame_taps()

        def end() -> None:
            if callback in self._frame_taps:
                self._frame_taps.remove(callback)
            self._update_frame_taps()

        return end

    def _update_frame_taps(self) -> None:
        """Connect the callbacks; without a tap, frames cost nothing."""
        taps = self._frame_taps
        callback = None if not taps else taps[0] if len(taps) == 1 else self._pass_frames
        self._link.on_frames = self._session.on_frame = callback

    # Status.

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
        return self._session.state is ClientState.CONNECTED

    @property
    def reconnecting(self) -> bool:
        """Whether the connection was lost and is being made again."""
        return self.connection_state == "reconnecting"

    @property
    def reconnect_attempts(self) -> int:
        """Attempts started since the connection was lost; 0 while it stands."""
        return self._session.backoff.attempts

    @property
    def next_attempt_at(self) -> float | None:
        """When the next attempt begins (`time.monotonic()` seconds), or None."""
        return self._session.next_attempt_at

    @property
    def connection_error(self) -> ConnectError | None:
        """The error that says why there is no connection; None while there is one, and before the
        first attempt has ended."""
        loss = self._session.last_loss
        if self.connected or loss is None:
            return None
        return connect_error(
            self.url, loss, trying=self.connection_state in ("connecting", "reconnecting")
        )

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
        return self._pings.latency

    @property
    def stats(self) -> Stats:
        """What went over the wire so far."""
        outbox = self._session.outbox
        waiting = len(outbox.queue) + len(outbox.unacknowledged)
        return Stats(waiting=waiting, **self._session.counters.as_dict())

    @property
    def batch(self) -> Batch:
        """The batch that is being filled now, and the last one that left."""
        queue, last = self._session.outbox.queue, self._last_batch
        leaves = queue.deadline
        return Batch(
            queued=len(queue),
            size=queue.size,
            window=queue.window,
            policy=queue.policy,
            leaves_in=None if leaves is None else max(0.0, leaves - time.monotonic()),
            frames=self._batches,
            last_messages=0 if last is None else len(last.commands),
            last_bytes=0 if last is None else last.nbytes,
            last_reason="" if last is None else last.reason,
        )

    # Called by the link and the session, on the home loop.

    def _on_event(self, event: ClientEvent) -> None:
        # Recorders first: what a handler does to an event's data is not what came.
        for tap in tuple(self._taps):  # one may end itself when it is called
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
            self._on_settled(event.command)
        elif isinstance(event, RoundTrip):
            self._pings.on_round_trip(event)
        elif isinstance(event, PingLost):
            self._pings.on_lost(event)
        elif isinstance(event, ConnectionChanged):
            self._on_connection_changed(event)
        elif isinstance(event, EventsMissed):
            _log.warning(
                "%s: events %d to %d were lost on the way", self.url, event.expected, event.got - 1
            )
            self._deliver_own("gap", {"expected": event.expected, "got": event.got}, event.at)
        elif isinstance(event, ErrorReceived):
            _log.warning("%s: %s: %s", self.url, event.code, event.message)

    def _after_events(self) -> None:
        if self._waiters:
            self._waiters.check()

    def _on_settled(self, command: OutgoingCommand) -> None:
        if command.waiter is not None:
            wake(command.waiter)
        elif command.error is not None and (not command.reply or command.name in c.URGENT):
            # No task awaits it. An urgent command is always answered, asked for or not.
            _log.warning("%s", command.error)

    def _on_connection_changed(self, change: ConnectionChanged) -> None:
        state = change.state
        if state != "connected":
            self._pings.on_disconnected()
        if state == change.previous:
            return
        if state == "connected":
            self._connecting.resolve(None)
            if self._loss_logged:
                _log.warning(
                    "%s: connected again%s",
                    self.url,
                    "" if change.resumed else ", to a server that starts afresh",
                )
                self._loss_logged = False
        elif state == "error":
            error = connect_error(self.url, change.loss)
            if not self._connecting.resolve(error):
                _log.error("%s", error)
            self._waiters.wake_all()
        elif state == "reconnecting" and not self._reconnect_requested:
            _log.warning(
                "%s: %s; trying again by itself, see bot.connection_state", self.url, change.loss
            )
            self._loss_logged = True
        self._deliver_own("connection", change.as_dict(), change.at)

    def _deliver_own(self, name: str, data: dict[str, Any], at: float) -> None:
        self._subscriptions.deliver(
            Event(name=name, data=data, time=at + self._wall_offset, received=at)
        )

    def _on_batch(self, batch: SentBatch) -> None:
        self._batches += 1
        self._last_batch = batch
        for tap in self._taps:
            tap(batch)

    def _pass_frames(
        self, at: float, frames: Sequence[bytes] | str, messages: Sequence[Any] | None
    ) -> None:
        for tap in self._frame_taps:
            tap(at, frames, messages)
