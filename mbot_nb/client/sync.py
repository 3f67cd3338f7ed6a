"""The client without `await`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, TypeVar

from ..command_methods import CommandMethods, CommandResult
from ..commands import Command, EmergencyStop, Stop
from ..errors import ConnectError
from ..loops.blocking import wait
from ..loops.home import Home
from ..protocol.client.events import PingSent
from ..protocol.client.outbox import OutgoingCommand
from ..protocol.settings import BatchPolicy
from ..state import StateView
from .batching import BatchingContext
from .client import Client
from .link import FrameTap
from .status import Batch, ClockEstimate, Latency, Stats
from .subscriptions import Event, EventStream, Handler, Subscription

__all__ = ["SyncClient"]

T = TypeVar("T")


class SyncClient(CommandMethods[CommandResult]):
    """A robot's remote control without `await`. Made by :func:`mbot_nb.sync.connect`.

    Every method does what the one of :class:`mbot_nb.Client` does, and returns when it is done.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        """The async client underneath, for what has no synchronous form."""

    def __repr__(self) -> str:
        return repr(self.client)

    def _repr_html_(self) -> str:
        return self.client._repr_html_()

    def __enter__(self) -> SyncClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _command(self, command: Command, *, wait: bool = True) -> CommandResult:
        call = self.client._command(command, wait=wait)
        if self.client.home.is_here and isinstance(command, (Stop, EmergencyStop)):
            # It has acted already; only its answer cannot be waited for here.
            return CommandResult(command=command.name, answered=False)
        return _wait_for(call, self.client)

    @property
    def _active_latch(self) -> str:
        """The id of the emergency stop that is active, or an empty text."""
        return self.client._active_latch

    def send(self, command: str, /, **params: Any) -> None:
        """Queue a command into the current batch, and do not wait. See
        :meth:`mbot_nb.Client.send`."""
        self.client.send(command, **params)

    def send_command(
        self, command: str, /, *, timeout: float | None = None, **params: Any
    ) -> CommandResult:
        """Send any command by its name, and return its answer; ``timeout`` in seconds."""
        return _wait_for(self.client.send_command(command, timeout=timeout, **params), self.client)

    def identify(self) -> None:
        """Let the robot blink and beep, so that you see which one it is; afterwards its lights are
        as they were."""
        _wait_for(self.client.identify(), self.client)

    def ping(self) -> float:
        """One round trip to the server and back, in seconds."""
        return _wait_for(self.client.ping(), self.client)

    def drain(self) -> None:
        """Wait until there is room to send again."""
        _wait_for(self.client.drain(), self.client)

    def flush(self) -> None:
        """Send what is queued now; returns when everything sent so far has been acknowledged."""
        _wait_for(self.client.flush(), self.client)

    def reconnect(self) -> None:
        """Connect anew now."""
        _wait_for(self.client.reconnect(), self.client)

    def cut(self, seconds: float = 0.0) -> None:
        """Break the connection for real, as a pulled cable does, and let no new one be made for
        ``seconds``."""
        self.client.cut(seconds)

    def close(self) -> None:
        """Send what is queued, say goodbye, and end the session. Idempotent."""
        _wait_for(self.client.close(), self.client)

    def batching(
        self,
        *,
        window: float | None = None,
        size: int | None = None,
        policy: BatchPolicy | None = None,
    ) -> BatchingContext:
        """Batch commands by other numbers inside a `with` block. See
        :meth:`mbot_nb.Client.batching`."""
        return self.client.batching(window=window, size=size, policy=policy)

    def enqueue(self, command: str, /, **params: Any) -> OutgoingCommand:
        """Queue a command and return the record of it; on the I/O thread only. See
        :meth:`mbot_nb.Client.enqueue`."""
        return self.client.enqueue(command, **params)

    def send_ping(self) -> PingSent | None:
        """Send a ping without waiting for its answer; on the I/O thread only. See
        :meth:`mbot_nb.Client.send_ping`."""
        return self.client.send_ping()

    def clock_estimate(self, at: float | None = None) -> ClockEstimate | None:
        """How far the server's monotonic clock is ahead of this process's. See
        :meth:`mbot_nb.Client.clock_estimate`."""
        return self.client.clock_estimate(at)

    def subscribe(self, event: str, handler: Handler, *, replace: bool = True) -> Subscription:
        """Call ``handler(event)`` at each event of this name, on the I/O thread. See
        :meth:`mbot_nb.Client.subscribe`."""
        return self.client.subscribe(event, handler, replace=replace)

    def events(self, event: str = "*", *, maxlen: int = 1024) -> Iterator[Event]:
        """Events to loop over: ``for event in bot.events("telemetry")``. Ends when the client is
        closed."""
        stream = self.client.events(event, maxlen=maxlen)
        return _events(stream, self.client)

    def tap(self, callback: Callable[[Any], None]) -> Callable[[], None]:
        """Observe everything that happens, on the I/O thread; returns a function that ends it. See
        :meth:`mbot_nb.Client.tap`."""
        return self.client.tap(callback)

    def tap_frames(self, callback: FrameTap) -> Callable[[], None]:
        """Observe every frame that goes out or comes in, on the I/O thread; returns a function that
        ends it. See :meth:`mbot_nb.Client.tap_frames`."""
        return self.client.tap_frames(callback)

    @property
    def closed(self) -> bool:
        """Whether the client has been closed, by :meth:`close`."""
        return self.client.closed

    @property
    def handler_errors(self) -> list[tuple[Subscription, Event, BaseException]]:
        """The last failures of handlers."""
        return self.client.handler_errors

    @property
    def home(self) -> Home:
        """The loop it lives on: the I/O thread's."""
        return self.client.home

    @property
    def url(self) -> str:
        """The server's address, without what is secret in it."""
        return self.client.url

    @property
    def state(self) -> StateView:
        """The robot's state as this client knows it now."""
        return self.client.state

    @property
    def revision(self) -> int | None:
        """The number of the state's last change."""
        return self.client.revision

    @property
    def metadata(self) -> dict[str, Any]:
        """What the server said of itself: robotId, version, uptime (ms) at the connect."""
        return self.client.metadata

    @property
    def state_age(self) -> float:
        """Seconds since the last change of the state came."""
        return self.client.state_age

    @property
    def connection_state(self) -> str:
        """disconnected, connecting, connected, reconnecting or error."""
        return self.client.connection_state

    @property
    def connected(self) -> bool:
        """Whether commands go out now."""
        return self.client.connected

    @property
    def reconnecting(self) -> bool:
        """Whether the connection was lost and is being made again."""
        return self.client.reconnecting

    @property
    def reconnect_attempts(self) -> int:
        """Attempts begun since the connection was lost."""
        return self.client.reconnect_attempts

    @property
    def next_attempt_at(self) -> float | None:
        """When the next attempt begins (`time.monotonic()` seconds), or None."""
        return self.client.next_attempt_at

    @property
    def connection_error(self) -> ConnectError | None:
        """The error that says why there is no connection; None while there is one."""
        return self.client.connection_error

    @property
    def profile(self) -> str:
        """`extended` or `baseline`."""
        return self.client.profile

    @property
    def trouble(self) -> str:
        """Why there is no connection, and what to do; empty while there is one."""
        return self.client.trouble

    @property
    def batch(self) -> Batch:
        """The batch that is being filled now, and the last one that left."""
        return self.client.batch

    @property
    def latency(self) -> Latency:
        """The last round trips."""
        return self.client.latency

    @property
    def stats(self) -> Stats:
        """What went over the wire so far."""
        return self.client.stats


def _wait_for(call: Coroutine[Any, Any, T], client: Client) -> T:
    return wait(call, client.home)


def _events(stream: EventStream, client: Client) -> Iterator[Event]:
    while True:
        try:
            yield wait(_next(stream), client.home)
        except _Ended:
            return


class _Ended(Exception):
    """The stream has ended; StopAsyncIteration cannot cross a future."""


async def _next(stream: EventStream) -> Event:
    try:
        return await stream.__anext__()
    except StopAsyncIteration:
        raise _Ended from None
