"""Warn when something blocked the event loop: for how long, what came of it, and how to avoid it.

One slow timer per loop, while a client or server lives there: it fires late after a block. Where a
:class:`~mbot_nb.loops.monitor.LoopMonitor` watches too, the warning has its exact figure.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from ..jupyter.cell_log import cell_log
from ..local.runtime import Slot
from ..loops.home import Home
from ..loops.monitor import LoopMonitor
from ..protocol.server.sessions import SessionState
from ..server import RemoteClient

if TYPE_CHECKING:
    from ..client import Client
    from ..server import Server

__all__ = ["watch_client", "watch_server"]

_log = logging.getLogger("mbot_nb")

CHECK_INTERVAL = 0.1
"""Seconds between two checks; a block is known to within this."""
WARN_ABOVE = 1.0
"""Seconds: shorter blocks are not worth a warning."""
SETTLE_TIME = 0.5
"""Seconds after a block in which its messages are read and lost connections are noticed."""

Owner = TypeVar("Owner", "Client", "Server")
Connection: TypeAlias = RemoteClient | tuple[int, int]
"""A server's, by who is at its other end; a client's, by the client's identity and its number."""
OpenConnections: TypeAlias = Callable[[], Iterable[Connection] | None]
"""Returns the connections that are open now; None when their owner was closed."""


class _LoopWatch:
    """The timer of one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._owners: dict[int, OpenConnections] = {}
        self._count = 0
        self._ticking = False
        self._warned = False
        self._last = time.monotonic()
        self._stall = 0.0
        self._culprit = "something"
        self._open_before: dict[int, set[Connection]] = {}
        self._warn_at: float | None = None
        self._context = contextvars.Context()
        """Empty, so that the timer keeps nothing alive of the cell that began it."""

    def add(self, open_connections: OpenConnections) -> None:
        cell_log().start()
        if not self._open_now():
            # All owners before were closed: the new one has had no warning yet.
            self._warned = False
            self._warn_at = None
            self._last = time.monotonic()
        self._count += 1
        self._owners[self._count] = open_connections
        if not self._ticking:
            self._ticking = True
            self._schedule()

    def _schedule(self) -> None:
        loop = self._loop()
        if loop is not None and not loop.is_closed():
            loop.call_later(CHECK_INTERVAL, self._tick, context=self._context)

    def _tick(self) -> None:
        now = time.monotonic()
        late = now - self._last - CHECK_INTERVAL
        if late >= WARN_ABOVE:
            stall = self._duration(self._last, now, late)
            if self._warn_at is None or stall > self._stall:
                # Of several in close succession the longest is reported.
                self._stall, self._culprit = stall, cell_log().culprit(self._last, now)
            if self._warn_at is None:
                self._warn_at = now + SETTLE_TIME
        if self._warn_at is not None and now >= self._warn_at:
            self._warn_at = None
            open_now = self._open_now()
            # A connection that was closed on purpose, or whose session ended, was not lost.
            gone = [
                connection
                for number, connections in open_now.items()
                for connection in self._open_before.get(number, set()) - connections
            ]
            lost = sum(not _ended_session(connection) for connection in gone)
            if open_now:
                cell_log().context().run(self._warn, lost)
        if self._warn_at is None:
            self._open_before = self._open_now()
        self._last = now
        self._ticking = bool(self._owners)
        if self._ticking:
            self._schedule()

    def _open_now(self) -> dict[int, set[Connection]]:
        """The open connections of each owner on this loop; forgets owners that were closed."""
        found: dict[int, set[Connection]] = {}
        for number, open_connections in list(self._owners.items()):
            connections = open_connections()
            if connections is None:
                del self._owners[number]
            else:
                found[number] = set(connections)
        return found

    def _duration(self, begin: float, end: float, late: float) -> float:
        """How long a block was: as the monitor knows it, if that has seen all of it."""
        loop = self._loop()
        known = 0.0 if loop is None else LoopMonitor.of(loop).longest(begin, end)
        return known if known >= late else late + CHECK_INTERVAL / 2

    def _warn(self, lost: int) -> None:
        loop = self._loop()
        on_io_thread = loop is not None and Home.is_io_loop(loop)
        who = "a handler" if on_io_thread else self._culprit
        came = (
            f"{lost} connection{' was' if lost == 1 else 's were'} lost"
            if lost
            else "connections survived"
        )
        advice = (
            "make it shorter, or `async`"
            if on_io_thread
            else "thread=True avoids this (in mb.demo, mb.serve and mb.connect), and so does "
            "`await asyncio.sleep(...)`"
        )
        where = "the I/O thread" if on_io_thread else "the loop"
        again = " again" if self._warned else ""
        tail = "." if self._warned else f"; {advice}."
        self._warned = True
        _log.warning("%s blocked %s%s for %.1f s; %s%s", who, where, again, self._stall, came, tail)


_watches: Slot[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopWatch]] = Slot(
    weakref.WeakKeyDictionary
)


def _ended_session(connection: Connection) -> bool:
    """Whether a client ended its session; a baseline client can only go."""
    return (
        isinstance(connection, RemoteClient)
        and connection.profile == "extended"
        and connection.session.state is SessionState.ENDED
    )


def watch_client(client: Client) -> None:
    """Warn of blocks of this client's loop, on which this must be called, until it is closed."""
    _watch(client, lambda bot: [(id(bot), bot.stats.connections)] if bot.connected else [])


def watch_server(server: Server) -> None:
    """Warn of blocks of this server's loop, on which this must be called, until it is closed."""
    _watch(server, lambda server: server.clients)


def _watch(owner: Owner, connections_of: Callable[[Owner], Iterable[Connection]]) -> None:
    known = weakref.ref(owner)

    def open_connections() -> Iterable[Connection] | None:
        owner = known()
        return None if owner is None or owner.closed else connections_of(owner)

    loop = owner.home.loop
    watch = _watches().get(loop) or _watches().setdefault(loop, _LoopWatch(loop))
    watch.add(open_connections)
