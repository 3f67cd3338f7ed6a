"""The server's side of `lab.load`: says when each command arrived, when its handler began, and when
it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from weakref import WeakKeyDictionary

from ..local.runtime import Slot
from ..protocol.server.sessions import Received, ServerSession
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
    """Handles the lab's command. What it tells is on the server's monotonic clock, in seconds."""

    def __init__(self, server: Server) -> None:
        self.users = 0
        self._execution = server._execution
        self._now = server.home.loop.time
        self._arrived: dict[tuple[ServerSession, int], float] = {}
        self._run = self._execution.run
        # A handler is not told when its command arrived, before it waited for those ahead of it.
        self._execution.run = self._note  # type: ignore[method-assign]
        server.command(COMMAND)(self._handle)

    def end(self) -> None:
        self._execution.run = self._run  # type: ignore[method-assign]
        self._execution.handlers.pop(COMMAND, None)

    def _note(self, session: ServerSession, commands: list[Received]) -> None:
        for received in commands:
            payload = received.message.payload
            n = payload.params.get("n")
            if payload.command == COMMAND and isinstance(n, int):
                self._arrived[session, n] = received.arrived
        self._run(session, commands)

    def _handle(self, client: RemoteClient, n: int, work: float = 0.0) -> Awaitable[None] | None:
        """Begin command ``n``, which takes ``work`` seconds to carry out."""
        started = self._now()
        arrived = self._arrived.pop((client.session, n), started)
        if work > 0:
            return self._work(client, n, arrived, started, work)
        self._emit(client, n, arrived, started)
        return None

    async def _work(
        self, client: RemoteClient, n: int, arrived: float, started: float, work: float
    ) -> None:
        await asyncio.sleep(work)
        self._emit(client, n, arrived, started)

    def _emit(self, client: RemoteClient, n: int, arrived: float, started: float) -> None:
        client.emit(EVENT, {"n": n, "arrived": arrived, "started": started, "ended": self._now()})
