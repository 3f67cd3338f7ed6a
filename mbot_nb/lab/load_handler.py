"""The server's side of `lab.load`: says when each command arrived, when its handler began, and when
it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from weakref import WeakKeyDictionary

from ..local.runtime import Slot
from ..protocol.server.events import CommandStarted, ServerEvent
from ..server import RemoteClient, Server

__all__ = ["COMMAND", "EVENT", "answer"]

COMMAND = "lab_load"
EVENT = "lab_answer"
_handlers: Slot[WeakKeyDictionary[Server, _LoadHandler]] = Slot(WeakKeyDictionary)


def answer(server: Server) -> Callable[[], None]:
    """Let clients measure this server stage by stage with `lab.load`; returns what ends that.

    A client in the same process does it by itself. Where the server is another program, call it
    there.
    """
    registered = _handlers()
    handler = registered.get(server)
    if handler is None:
        handler = registered[server] = _LoadHandler(server)
    handler.users += 1
    ended = False

    def end() -> None:
        nonlocal ended
        if not ended:
            ended = True
            handler.users -= 1
            if not handler.users:
                del registered[server]
                handler.end()

    return end


class _LoadHandler:
    """Handles the lab's command. The times in its answers are seconds of the server's monotonic
    clock."""

    def __init__(self, server: Server) -> None:
        self.users = 0
        self._server = server
        self._now = server.home.loop.time
        self._arrived = 0.0
        """When the command arrived that starts now, before it waited for those ahead of it."""
        self._untap = server.tap(self._on_event)
        server.command(COMMAND)(self._handle)

    def end(self) -> None:
        self._untap()
        self._server.remove_command(COMMAND)

    def _on_event(self, event: ServerEvent) -> None:
        if isinstance(event, CommandStarted):
            self._arrived = event.arrived

    def _handle(self, client: RemoteClient, n: int, work: float = 0.0) -> Awaitable[None] | None:
        """Begin command ``n``, which takes ``work`` seconds to carry out."""
        answer_data = {"n": n, "arrived": self._arrived, "started": self._now()}
        if work > 0:
            return self._work(client, answer_data, work)
        client.emit(EVENT, {**answer_data, "ended": self._now()})
        return None

    async def _work(self, client: RemoteClient, answer_data: dict[str, float], work: float) -> None:
        await asyncio.sleep(work)
        client.emit(EVENT, {**answer_data, "ended": self._now()})
