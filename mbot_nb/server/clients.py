"""The clients as the server's user sees them, each the same across its reconnects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ..protocol.server import Hub
from ..protocol.server.sessions import ServerSession, SessionState

__all__ = ["Clients", "RemoteClient"]

Emit = Callable[[str, Any, ServerSession], None]


class RemoteClient:
    """One client as the server's user sees it: stays the same across its reconnects (if it speaks
    the extended profile)."""

    def __init__(self, session: ServerSession, hub: Hub, emit: Emit) -> None:
        self.id = session.number
        """A running number; the session's own id is a secret of its client."""
        self.session = session
        self.address = ""
        self.profile = "baseline"
        self._hub = hub
        self._emit = emit

    def __repr__(self) -> str:
        return (
            f"<client {self.id} at {self.address}, {self.profile}, "
            f"{'connected' if self.connected else 'away'}>"
        )

    @property
    def connected(self) -> bool:
        """Whether it has a connection now."""
        return self.session in self._hub.subscribers

    def emit(self, event: str, data: Any = None) -> None:
        """Send an event to this client alone; from any thread. See :meth:`mbot_nb.Server.emit`."""
        self._emit(event, data, self.session)


class Clients:
    """Who has connected, until nothing of theirs can come any more."""

    def __init__(self, hub: Hub, emit: Emit, loop: asyncio.AbstractEventLoop) -> None:
        self._hub = hub
        self._emit = emit
        self._loop = loop
        self._by_session: dict[ServerSession, RemoteClient] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._by_session)

    def __getitem__(self, session: ServerSession) -> RemoteClient:
        """The client of a session, known or new."""
        client = self._by_session.get(session)
        if client is None:
            client = self._by_session[session] = RemoteClient(session, self._hub, self._emit)
        return client

    @property
    def connected(self) -> list[RemoteClient]:
        """Those who have a connection now."""
        # Asked in any thread: connections that come and go meanwhile must not disturb, nor a client
        # be made here.
        known = map(self._by_session.get, tuple(self._hub.subscribers))
        return [client for client in known if client is not None]

    def on_disconnected(self, session: ServerSession) -> None:
        """Forget the client of a connection that has ended, at once or when its session has been
        away for too long."""
        if self._closed or session.state is SessionState.ENDED:
            self.forget(session)
        elif self._timer is None:
            self._expire_at(self._hub.sessions.next_deadline())

    def forget(self, session: ServerSession) -> None:
        """Forget a client whose session has ended, unless a command of its is still at work."""
        if (
            session.state is SessionState.ENDED
            and not session.busy
            and session not in self._hub.subscribers
        ):
            self._by_session.pop(session, None)

    def close(self) -> None:
        """Wait for no session to expire any more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire_at(self, deadline: float | None) -> None:
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._expire)

    def _expire(self) -> None:
        self._hub.sessions.expire(self._loop.time())
        for session in list(self._by_session):
            self.forget(session)
        self._expire_at(self._hub.sessions.next_deadline())
