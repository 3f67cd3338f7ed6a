"""The connections of a server: who comes, who goes, and what is sent to all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from ..address import is_loopback
from ..loops.home import Home
from ..protocol.loss import CloseCode
from ..protocol.server import Hub, ServerConnection
from ..protocol.server.sessions import ServerSession
from ..protocol.server.tap import ClientConnected, ClientDisconnected
from ..transport.websocket import ServerWire
from .access import Access
from .clients import Clients
from .execution import Execution
from .link import Link

__all__ = ["Connections"]


class Connections:
    """All connections of a server; the host of their links.

    Args:
        limit_loopback: whether the limit of frames a second holds for this machine's clients too.
        on_attached: called when a client has got its snapshot.
        refresh: sends what has changed in the robot's state.
    """

    def __init__(
        self,
        hub: Hub,
        clients: Clients,
        execution: Execution,
        home: Home,
        access: Access,
        *,
        limit_loopback: bool,
        on_attached: Callable[[], None],
        refresh: Callable[[], None],
    ) -> None:
        self.hub = hub
        self.execution = execution
        self.home = home
        self._clients = clients
        self._access = access
        self._limit_loopback = limit_loopback
        self._on_attached = on_attached
        self._refresh = refresh
        self._wires: set[ServerWire] = set()
        self._links: set[Link] = set()
        self._last_wire_gone: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        """How many sockets are open, those without a client yet included."""
        return len(self._wires)

    def accept(self) -> ServerWire:
        """The protocol of a new socket."""
        return ServerWire(Link(self), self._access.check, self._wires, self._wire_gone)

    def flush(self) -> None:
        """Send what the connections have to send."""
        for link in tuple(self._links):
            link.flush()

    async def close(self, grace: float) -> None:
        """Say goodbye, and cut those that have not gone after ``grace`` seconds."""
        for wire in list(self._wires):
            wire.close(CloseCode.GOING_AWAY, "the server was closed", discard_input=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._all_gone(), grace)
        for wire in list(self._wires):
            wire.abort()
        await self._all_gone()

    def cut(self) -> None:
        """End all of them without their loop; in any thread."""
        for wire in self._wires:
            wire.cut()

    async def _all_gone(self) -> None:
        if self._wires:
            self._last_wire_gone = self.home.loop.create_future()
            await self._last_wire_gone

    def _wire_gone(self) -> None:
        waiter = self._last_wire_gone
        if waiter is not None and not self._wires and not waiter.done():
            waiter.set_result(None)

    # For the links.

    def is_limited(self, peer: str) -> bool:
        """Whether a client at this address may send so many frames a second only."""
        return self._limit_loopback or not is_loopback(peer.rsplit(":", 1)[0])

    def refresh(self) -> None:
        """Send what has changed in the robot's state."""
        self._refresh()

    def attached(self, link: Link, connection: ServerConnection, session: ServerSession) -> None:
        """A client has got its snapshot."""
        client = self._clients[session]
        if self.hub.tap is not None:
            self.hub.tap(ClientConnected(self.home.clock(), session, session.cuts > 0))
        client.address = link.peer
        client.profile = "extended" if connection.extended else "baseline"
        self._links.add(link)
        before = connection.replaced
        for other in [
            other
            for other in self._links
            if before is not None and other is not link and other.session is before
        ]:
            self._links.discard(other)
            other.replaced()
        if before is not None and before is not session:
            # The same program with a new session: its old one will not come back.
            self.execution.call_hooks("disconnect", self._clients[before], "its session began anew")
            self._clients.forget(before)
        if before is not session:
            self.execution.call_hooks("connect", client)
        self._on_attached()

    def detached(self, link: Link, reason: str, *, clean: bool) -> None:
        """A connection has ended, or never got so far as to have a client."""
        self._links.discard(link)
        connection, session = link.connection, link.session
        now = self.home.clock()
        if connection is None or not connection.closed(now, clean=clean) or session is None:
            return
        if self.hub.tap is not None:
            self.hub.tap(ClientDisconnected(now, session, reason))
        if self.execution.stop_for(session, "its client disconnected"):
            self._refresh()
        self.execution.call_hooks("disconnect", self._clients[session], reason)
        self._clients.left(session)
