"""The client without `await`."""

from __future__ import annotations

from collections.abc import Iterator

from ..command_methods import CommandMethods, CommandResult
from ..commands import Command, EmergencyStop, Stop
from ..loops import blocking
from ..loops.blocking import Blocking, Delegated, waiting
from ..loops.home import Home
from .client import Client
from .subscriptions import Event, EventStream

__all__ = ["SyncClient"]


class SyncClient(Blocking[Client], CommandMethods[CommandResult]):
    """A robot's remote control without `await`. Made by :func:`mbot_nb.sync.connect`.

    Every method does what the one of :class:`mbot_nb.Client` does, and returns when it is done.
    """

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.client = client
        """The async client underneath, for what has no synchronous form."""

    def _command(self, command: Command, *, wait: bool = True) -> CommandResult:
        call = self.client._command(command, wait=wait)
        if self.client.home.is_here and isinstance(command, (Stop, EmergencyStop)):
            # It has acted already; only its answer cannot be waited for here.
            return CommandResult(command=command.name, answered=False)
        return blocking.wait(call, self.client.home)

    @property
    def _active_latch(self) -> str:
        return self.client._active_latch

    @property
    def home(self) -> Home:
        """The loop it lives on: the I/O thread's."""
        return self.client.home

    def events(self, event: str = "*", *, maxlen: int = 1024) -> Iterator[Event]:
        """Events to loop over: ``for event in bot.events("telemetry")``. Ends when the client is
        closed."""
        return _iterate(self.client.events(event, maxlen=maxlen), self.client.home)

    send_command = waiting(Client.send_command)
    identify = waiting(Client.identify)
    ping = waiting(Client.ping)
    drain = waiting(Client.drain)
    flush = waiting(Client.flush)
    reconnect = waiting(Client.reconnect)
    close = waiting(Client.close)

    send = Delegated(Client, lambda client: client.send)
    cut = Delegated(Client, lambda client: client.cut)
    batching = Delegated(Client, lambda client: client.batching)
    enqueue = Delegated(Client, lambda client: client.enqueue)
    send_ping = Delegated(Client, lambda client: client.send_ping)
    clock_estimate = Delegated(Client, lambda client: client.clock_estimate)
    subscribe = Delegated(Client, lambda client: client.subscribe)
    tap = Delegated(Client, lambda client: client.tap)
    tap_frames = Delegated(Client, lambda client: client.tap_frames)

    url = Delegated(Client, lambda client: client.url)
    state = Delegated(Client, lambda client: client.state)
    state_age = Delegated(Client, lambda client: client.state_age)
    revision = Delegated(Client, lambda client: client.revision)
    metadata = Delegated(Client, lambda client: client.metadata)
    profile = Delegated(Client, lambda client: client.profile)
    connection_state = Delegated(Client, lambda client: client.connection_state)
    connection_error = Delegated(Client, lambda client: client.connection_error)
    connected = Delegated(Client, lambda client: client.connected)
    reconnecting = Delegated(Client, lambda client: client.reconnecting)
    reconnect_attempts = Delegated(Client, lambda client: client.reconnect_attempts)
    next_attempt_at = Delegated(Client, lambda client: client.next_attempt_at)
    closed = Delegated(Client, lambda client: client.closed)
    handler_errors = Delegated(Client, lambda client: client.handler_errors)
    batch = Delegated(Client, lambda client: client.batch)
    latency = Delegated(Client, lambda client: client.latency)
    stats = Delegated(Client, lambda client: client.stats)


def _iterate(stream: EventStream, home: Home) -> Iterator[Event]:
    while (event := blocking.wait(_next(stream), home)) is not None:
        yield event


async def _next(stream: EventStream) -> Event | None:
    return await anext(stream, None)
