"""Commands whose outcome is awaited, and stops."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from .. import commands as c
from ..command_methods import CommandResult
from ..commands import Command
from ..errors import CommandRejectedError, NotConnectedError, SendBufferFullError
from ..loops.call import Call
from ..loops.home import Home
from ..protocol.client import ClientSession, ClientState
from ..protocol.client.outbox import OutgoingCommand
from .connect_errors import RECONNECT_ADVICE
from .link import ClientLink

__all__ = ["NEW_CLIENT_ADVICE", "NOT_JSON", "CommandCalls", "buffer_full", "not_plain"]

_log = logging.getLogger("mbot_nb")

ANSWER_TIMEOUT = 5.0
"""Seconds for an answer, beyond what the motion itself takes."""
HOME_GRACE = 0.1
"""Seconds that home has to send a stop, before another connection sends it."""
UNSENT_STOP_LOG_DELAY = 0.5
"""Seconds after which a stop that could not be sent is logged, because no task awaits it."""
NEW_CLIENT_ADVICE = "Make a new one with `bot = await mb.connect()`."
_PLAIN_DATA = (
    "Parameters are plain data: numbers, text, true and false, None, and lists and dicts of them."
)
NOT_JSON = (TypeError, ValueError, RecursionError)
"""What the encoder raises for parameters that are no JSON."""


class CommandCalls:
    """The awaited commands of one client, and its stops, which may be called in any thread.

    Args:
        home: the loop that the client lives on.
        session: the client's session.
        link: the client's link to the server.
        in_process_stop: stops a robot of this process without the link, by the command's name;
            returns whether it reached one. None if the robot is elsewhere.
        fallback_stop: stops the robot over a connection of its own, on the I/O thread.
    """

    def __init__(
        self,
        home: Home,
        session: ClientSession,
        link: ClientLink,
        in_process_stop: Callable[[str], bool] | None,
        fallback_stop: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self.in_process_stop = in_process_stop
        self._home = home
        self._session = session
        self._link = link
        self._now = link.now
        self._fallback_stop = fallback_stop

    def require_open(self, command: str) -> None:
        """Check that there is a connection, or that one is being made.

        Raises:
            NotConnectedError: the client is closed, or has given up.
        """
        state = self._session.state
        if state is ClientState.CLOSED:
            raise NotConnectedError(
                f"{command} was not sent: this client was closed. {NEW_CLIENT_ADVICE}"
            )
        if state is ClientState.FAILED:
            raise NotConnectedError(
                f"{command} was not sent: there is no connection ({self._session.last_loss}). "
                f"{RECONNECT_ADVICE}"
            )

    def start(self, command: Command, *, wait: bool) -> Call[CommandResult]:
        """A call that performs one command when it is awaited; a stop acts at once."""
        params = command.params()
        if isinstance(command, (c.Stop, c.EmergencyStop)):
            return self._stop(command, params)
        return Call(
            lambda: self._home,
            lambda: self.perform(command.name, params, command, wait=wait),
            f"bot.{command.name}()",
        )

    async def perform(
        self,
        name: str,
        params: dict[str, Any],
        command: Command | None,
        *,
        wait: bool = True,
        timeout: float | None = None,
    ) -> CommandResult:
        """Send one command and return its outcome; ``timeout`` in seconds.

        Raises:
            CommandRejectedError, CommandExpiredError, DeliveryUnknownError, CommandTimeoutError,
                NotConnectedError
        """
        self.require_open(name)
        if timeout is None:
            timeout = ANSWER_TIMEOUT + _motion_seconds(command)
        try:
            sent = self._session.command(name, params, self._now(), reply=wait, timeout=timeout)
        except NOT_JSON as error:
            sent = self.send_as_plain(error, name, params, reply=wait, timeout=timeout)
        if wait:
            self._link.pump()
        else:
            self._link.flush()
        try:
            return await self._outcome(sent)
        except asyncio.CancelledError:
            # Who interrupts the wait for a motion wants the motion to end.
            if (
                sent.motion
                and sent.outcome is None
                and self._session.state is not ClientState.CLOSED
            ):
                self._session.command("stop", {}, self._now(), reply=True, timeout=ANSWER_TIMEOUT)
                self._link.pump()
            raise

    def send_as_plain(
        self, error: Exception, name: str, params: Any, **options: Any
    ) -> OutgoingCommand:
        """Send again with NumPy's numbers turned into plain ones.

        Raises:
            CommandRejectedError: the parameters are no plain data.
        """
        if isinstance(error, TypeError):
            try:
                return self._session.command(name, c.plain(params), self._now(), **options)
            except NOT_JSON as again:
                error = again
        raise not_plain(name, error) from None

    def _stop(self, command: Command, params: dict[str, Any]) -> Call[CommandResult]:
        """Stop by both routes: in this process, if the robot is in it, and over the link."""
        reached = False
        if self.in_process_stop is not None:
            try:
                reached = self.in_process_stop(command.name)
            except Exception as error:
                _log.error(
                    "%s did not reach the robot directly: %s: %s",
                    command.name,
                    type(error).__name__,
                    error,
                )
        sent: concurrent.futures.Future[OutgoingCommand] = concurrent.futures.Future()
        arrived_home = threading.Event()

        def send() -> None:
            arrived_home.set()
            try:
                self.require_open(command.name)
                outgoing = self._session.command(
                    command.name, params, self._now(), reply=True, timeout=ANSWER_TIMEOUT
                )
            except Exception as error:
                sent.set_exception(error)
                if not reached:
                    self._home.loop.call_later(UNSENT_STOP_LOG_DELAY, log_unsent, str(error))
            else:
                sent.set_result(outgoing)
                self._link.pump()

        def log_unsent(message: str) -> None:
            if not outcome.is_started:  # if it is awaited, the error itself is raised there
                _log.error("%s", message)

        async def answer() -> CommandResult:
            return await self._outcome(await asyncio.wrap_future(sent))

        outcome = Call(lambda: self._home, answer, f"bot.{command.name}()")
        outcome.acts_unawaited()
        if not self._home.post(send) and not reached:
            _log.error(
                "%s was not sent: the event loop of this client is gone. %s",
                command.name,
                NEW_CLIENT_ADVICE,
            )
        elif not reached and not arrived_home.is_set() and not self._home.is_io_thread:
            # A robot elsewhere, and home may be blocked by a cell: the I/O thread never is.
            outcome.fallback = Home.on_io_thread().submit(self._fall_back(arrived_home))
        return outcome

    async def _fall_back(self, arrived_home: threading.Event) -> None:
        """On the I/O thread: stop over a connection of its own, if home does not get to it."""
        await asyncio.sleep(HOME_GRACE)
        if not arrived_home.is_set():
            await self._fallback_stop()

    async def _outcome(self, sent: OutgoingCommand) -> CommandResult:
        if sent.outcome is None:
            sent.waiter = self._home.loop.create_future()
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


def buffer_full(command: str, held: int) -> SendBufferFullError:
    """The error of a command for which the send buffer has no room."""
    return SendBufferFullError(
        f"{command} was not sent: {held / 2**20:.1f} MiB of commands wait for the server to "
        "acknowledge them. `await bot.drain()` waits until there is room (`bot.drain()`, where the "
        "bot is one of mb.sync)."
    )


def not_plain(name: str, error: Exception) -> CommandRejectedError:
    """The error of a command whose parameters are no plain data."""
    reason = str(error).removeprefix(f"{name}: ")
    return CommandRejectedError("INVALID_PARAMS", f"{name}: {reason}. {_PLAIN_DATA}", command=name)


def _motion_seconds(command: Command | None) -> float:
    """How long the motion that a command starts may take."""
    if isinstance(command, (c.Drive, c.Move)):
        return command.duration
    return c.MAX_DRAWING_SECONDS if isinstance(command, c.StartDrawing) else 0.0
