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
from typing import TYPE_CHECKING, TypeVar

from ..jupyter.cell_log import cell_log
from ..local.runtime import Slot
from ..loops.home import Home
from ..loops.monitor import LoopMonitor

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
Links = Callable[[], Iterable[object] | None]
"""The connections that stand now; None when their owner was closed."""


class _LoopWatch:
    """The timer of one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._links: dict[int, Links] = {}
        self._count = 0
        self._ticking = False
        self._warned = False
        self._last = time.monotonic()
        self._stall = 0.0
        self._culprit = "something"
        self._connections_before: dict[int, set[object]] = {}
        self._warn_at: float | None = None
        self._context = contextvars.Context()
        """Nobody's: whatever the cell that began it had in its own is not kept for that."""

    def add(self, links: Links) -> None:
        cell_log().start()
        if not self._connections():
            # All owners before were closed: the new one has had no warning yet.
            self._warned = False
            self._warn_at = None
            self._last = time.monotonic()
        self._count += 1
        self._links[self._count] = links
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
            standing = self._connections()
            # A link that was closed on purpose, or whose session ended, was not lost.
            gone = [
                link
                for number, links in standing.items()
                for link in self._connections_before.get(number, set()) - links
            ]
            lost = sum(not _ended_session(link) for link in gone)
            if standing:
                cell_log().context().run(self._warn, lost)
        if self._warn_at is None:
            self._connections_before = self._connections()
        self._last = now
        self._ticking = bool(self._links)
        if self._ticking:
            self._schedule()

    def _connections(self) -> dict[int, set[object]]:
        """The connections of each owner on this loop; forgets owners that were closed."""
        standing: dict[int, set[object]] = {}
        for number, links in list(self._links.items()):
            now = links()
            if now is None:
                del self._links[number]
            else:
                standing[number] = set(now)
        return standing

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


def _ended_session(link: object) -> bool:
    """Whether a client ended its session; a baseline client can only go."""
    session = getattr(link, "session", None)
    return (
        getattr(link, "profile", "baseline") == "extended"
        and session is not None
        and session.state.value == "ended"
    )


def watch_client(client: Client) -> None:
    """Warn of blocks of this client's loop, on which this must be called, until it is closed."""
    _watch(client, lambda bot: [(id(bot), bot.stats.connections)] if bot.connected else [])


def watch_server(server: Server) -> None:
    """Warn of blocks of this server's loop, on which this must be called, until it is closed."""
    _watch(server, lambda server: server.clients)


def _watch(owner: Owner, connections: Callable[[Owner], Iterable[object]]) -> None:
    known = weakref.ref(owner)

    def links() -> Iterable[object] | None:
        owner = known()
        return None if owner is None or owner.closed else connections(owner)

    loop = owner.home.loop
    watch = _watches().get(loop) or _watches().setdefault(loop, _LoopWatch(loop))
    watch.add(links)
