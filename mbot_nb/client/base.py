"""What a client is told to do: commands, pings, and waiting for what becomes of them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from .. import commands as c
from ..command_methods import CommandMethods, CommandResult
from ..commands import Command
from ..errors import CommandRejectedError, MbotError, NotConnectedError, SendBufferFullError
from ..loops.call import Call, call
from ..loops.home import Home, running_loop
from ..protocol.client import ClientSession
from ..protocol.client import State as SessionState
from ..protocol.client.outbox import Outgoing
from ..protocol.codec import to_json
from ..protocol.settings import MAX_FRAME, Settings
from .conditions import Conditions
from .link import Line
from .status import Look

__all__ = ["AGAIN", "Calls"]

_log = logging.getLogger("mbot_nb")

ANSWER_TIMEOUT = 5.0
"""Seconds for an answer, beyond what the motion itself takes."""
HOME_HAS = 0.1
"""Seconds that home is given to send a stop, before another connection does."""
TELL_AFTER = 0.5
"""Seconds after which nobody will await a stop any more that could not be sent."""
IDENTIFYING_TONES = (660.0, 880.0, 660.0)
IDENTIFYING_BLINK = 0.15
"""Seconds that it is bright, and dark."""
AGAIN = "`await bot.reconnect()` tries again."
_ANEW = "Make a new one with `bot = await mb.connect()`."
_PLAIN = (
    "Parameters are plain data: numbers, text, true and false, None, and lists and dicts of them."
)
_MOST = MAX_FRAME - 2048
_AROUND = len('{"command":"","params":')
_NO_JSON = (TypeError, ValueError, RecursionError)
_CONNECTED = SessionState.CONNECTED


class Calls(Look, CommandMethods[Call[CommandResult]]):
    """The commanding side of a client."""

    def __init__(
        self,
        url: str,
        home: Home,
        settings: Settings,
        session: ClientSession,
        line: Line,
        shortcut: Callable[[str], bool] | None,
        beside: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        super().__init__(url, settings, session)
        self.home = home
        self._loop = home.loop
        self._now = home.clock
        self._line = line
        self._pump = line.pump
        self._shortcut = shortcut
        self._beside = beside
        self._pings: dict[int, asyncio.Future[float]] = {}
        self._conditions = Conditions(home.loop)
        self._posted = self._taken_over = 0
        """Bytes of the commands that other threads have sent so far; and of those that have come
        here, counted without a lock."""
        self._posting = threading.Lock()
        self._closed = False

    def send(self, command: str, /, **params: Any) -> None:
        """Queue a command into the current batch, and do not wait.

        What comes of it is in the recorder's `commands`; a refusal is also told in the log and as
        the event `command_result`.

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
        self._must_be_alive(command)
        # What the caller does with its lists and dicts afterwards must not change what is sent.
        try:
            text = to_json(c.plain(params))
            if len(text) > _MOST:
                raise ValueError(
                    f"{len(text)} bytes of parameters do not fit into a frame of 1 MiB"
                )
        except _NO_JSON as error:
            raise _not_plain(command, error) from None
        params = msgspec.json.decode(text)
        size = _AROUND + len(command) + len(text)
        with self._posting:
            held = self._session.outbox.held_bytes + self._posted - self._taken_over
            if held >= self.settings.send_buffer and command not in c.URGENT:
                raise _full(command, held)
            self._posted += size
        if not self.home.post(self._send_later, command, params, size):
            raise NotConnectedError(
                f"{command} was not sent: the event loop of this client is gone. {_ANEW}"
            )

    def _send(self, command: str, params: dict[str, Any], *, accepted: bool = False) -> None:
        session = self._session
        if session.state is not _CONNECTED:
            self._must_be_alive(command)
        outbox = session.outbox
        if (
            outbox.held_bytes >= self.settings.send_buffer
            and not accepted
            and command not in c.URGENT
        ):
            raise _full(command, outbox.held_bytes)
        try:
            session.command(command, params, self._now())
        except _NO_JSON as error:
            self._retry(error, command, params)
        if session.frames or session.events:
            self._pump()
        elif len(outbox.queue.items) == 1:
            self._line.arm_for(outbox.queue.next_deadline())

    def _send_later(self, command: str, params: dict[str, Any], size: int) -> None:
        """The same for another thread, which is not there any more to be told what went wrong."""
        try:
            self._send(command, params, accepted=True)
        except MbotError as error:
            _log.error("%s", error)
        finally:
            self._taken_over += size

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
        return await self._perform(command, params, known, wait=True, timeout=timeout)

    def _command(self, command: Command, *, wait: bool = True) -> Call[CommandResult]:
        """A command of the vocabulary. A stop acts before anybody awaits it."""
        params = command.params()
        if isinstance(command, (c.Stop, c.EmergencyStop)):
            return self._stop_now(command, params)
        words = f"bot.{command.name}()"
        return Call(
            lambda: self.home,
            lambda: self._perform(command.name, params, command, wait=wait, timeout=None),
            words,
        )

    def _stop_now(self, command: Command, params: dict[str, Any]) -> Call[CommandResult]:
        """Stop by every way there is: straight to a robot of this process, and over the wire."""
        reached = False
        if self._shortcut is not None:
            try:
                reached = self._shortcut(command.name)
            except Exception as error:
                _log.error(
                    "%s did not reach the robot directly: %s: %s",
                    command.name,
                    type(error).__name__,
                    error,
                )
        sent: list[Outgoing] = []
        came = threading.Event()

        def send() -> None:
            came.set()
            try:
                self._must_be_alive(command.name)
            except NotConnectedError as error:
                if not reached:
                    self._loop.call_later(TELL_AFTER, complain, str(error))
            else:
                sent.append(
                    self._session.command(
                        command.name, params, self._now(), reply=True, timeout=ANSWER_TIMEOUT
                    )
                )
                self._pump()

        def complain(words: str) -> None:
            if not outcome.begun:  # who awaits it is told by the error itself
                _log.error("%s", words)

        async def answer() -> CommandResult:
            while not sent:
                self._must_be_alive(command.name)
                await asyncio.sleep(0)
            return await self._outcome(sent[0])

        outcome = Call(lambda: self.home, answer, f"bot.{command.name}()")
        outcome.acts_unawaited()
        if not self.home.post(send) and not reached:
            _log.error(
                "%s was not sent: the event loop of this client is gone. %s", command.name, _ANEW
            )
        elif not reached and not came.is_set() and not self.home.is_io_thread:
            # A robot elsewhere, and home may be blocked by a cell: the I/O thread never is.
            outcome.also = Home.io_thread().submit(self._past_home(came))
        return outcome

    async def _past_home(self, came: threading.Event) -> None:
        """On the I/O thread: stop over a connection of its own, if home does not get to it."""
        await asyncio.sleep(HOME_HAS)
        if not came.is_set():
            await self._beside()

    async def _perform(
        self,
        name: str,
        params: dict[str, Any],
        command: Command | None,
        *,
        wait: bool,
        timeout: float | None,
    ) -> CommandResult:
        self._must_be_alive(name)
        if timeout is None:
            timeout = ANSWER_TIMEOUT + _length(command)
        try:
            sent = self._session.command(name, params, self._now(), reply=wait, timeout=timeout)
        except _NO_JSON as error:
            sent = self._retry(error, name, params, reply=wait, timeout=timeout)
        if wait:
            self._pump()
        else:
            self._flush_queue()
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
        value = sent.result
        ended = value.get("ended") if isinstance(value, dict) else None
        finished = sent.answered_at or sent.acknowledged_at or sent.sent_at or sent.queued_at
        answered = sent.outcome != "sent"
        return CommandResult(
            command=sent.name,
            value=value,
            ended=ended,
            seconds=finished - sent.queued_at,
            answered=answered,
        )

    @call
    async def identify(self) -> None:
        """Let the robot blink and beep, so that you see which one it is; afterwards its lights are
        as they were.

        Raises:
            CommandRejectedError: the robot cannot be reached.
        """
        before = [tuple(led) for led in self.state.get("leds", ())]
        for frequency in IDENTIFYING_TONES:
            await self.set_led(255, 255, 255)
            await self.play_tone(frequency, IDENTIFYING_BLINK)
            await asyncio.sleep(IDENTIFYING_BLINK)
            await self.set_led(0, 0, 0)
            await asyncio.sleep(IDENTIFYING_BLINK)
        if len(set(before)) == 1:
            await self.set_led(*before[0])
            return
        for index, (red, green, blue) in enumerate(before, 1):
            await self.set_led(red, green, blue, index=index)

    @call
    async def ping(self) -> float:
        """One round trip to the server and back, in seconds.

        Raises:
            NotConnectedError: there is no connection now, or it broke before the answer came.
            CommandTimeoutError: the connection stands, but no answer came within 5 s
                (`pong_timeout`).
        """
        id = self._session.ping(self._now(), awaited=True)
        if id is None:
            raise NotConnectedError(
                f"no ping without a connection; this one is {self.connection_state}. {AGAIN}"
            )
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
            await self._conditions.until(lambda: outbox.held_bytes < self.settings.send_buffer // 2)

    @call
    async def flush(self) -> None:
        """Send what is queued now; returns when everything sent so far has been acknowledged, or
        has failed and said so."""
        self._must_be_alive("flush")
        self._flush_queue()
        outbox = self._session.outbox
        waiting = deque([*outbox.unacknowledged, *outbox.queue.items])

        def done() -> bool:
            while waiting and (
                waiting[0].acknowledged_at is not None or waiting[0].outcome is not None
            ):
                waiting.popleft()
            return not waiting

        await self._conditions.until(done)

    def _flush_queue(self) -> None:
        """Send what is queued, and ask for its acknowledgement, which rides on whatever comes back:
        a pong comes at once."""
        self._session.flush(self._now())
        self._session.ping(self._now())
        self._pump()

    def _must_be_alive(self, command: str) -> None:
        state = self._session.state
        if state is SessionState.CLOSED:
            raise NotConnectedError(f"{command} was not sent: this client was closed. {_ANEW}")
        if state is SessionState.FAILED:
            raise NotConnectedError(
                f"{command} was not sent: there is no connection ({self._session.last_loss}). "
                f"{AGAIN}"
            )

    def _retry(self, error: Exception, name: str, params: Any, **more: Any) -> Outgoing:
        """Once more without what JSON does not know but means a number (NumPy's), or say what is
        wrong."""
        if isinstance(error, TypeError):
            try:
                return self._session.command(name, c.plain(params), self._now(), **more)
            except _NO_JSON as again:
                error = again
        raise _not_plain(name, error) from None

    def _standing_latch(self) -> str:
        latch = self._session.mirror.state.get("latch")
        return latch if isinstance(latch, str) else ""


def _full(command: str, held: int) -> SendBufferFullError:
    return SendBufferFullError(
        f"{command} was not sent: {held / 2**20:.1f} MiB of commands wait for the server to "
        "acknowledge them. "
        "`await bot.drain()` waits until there is room (`bot.drain()`, where the bot is one of "
        "mb.sync)."
    )


def _not_plain(name: str, error: Exception) -> CommandRejectedError:
    words = str(error).removeprefix(f"{name}: ")
    return CommandRejectedError("INVALID_PARAMS", f"{name}: {words}. {_PLAIN}", command=name)


def _length(command: Command | None) -> float:
    """How long the motion that a command starts may take, in seconds."""
    if isinstance(command, (c.Drive, c.Move)):
        return command.duration
    return c.LONGEST_DRAWING if isinstance(command, c.StartDrawing) else 0.0
