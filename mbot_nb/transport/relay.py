"""A worse network, in between: a relay that handles real sockets and delays, loses, reorders,
doubles and cuts what passes.

The relay listens on this machine and passes everything on to one server. It takes the byte stream
apart with the frame parser of `websockets`, into what travels together: the HTTP head of the
handshake, whole messages, and control frames. Each of these is drawn a delay and written on, byte
for byte as it came. So a browser can go through it as well as our own client.

What is a property of TCP stays one: the order of the bytes is kept, and a loss shows as the time
until TCP has sent again, during which everything behind it waits too. Only `reorder` and
`duplicate` do what TCP never does, to whole messages.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import secrets
import socket
from collections import deque
from collections.abc import Callable, Sequence
from html import escape
from random import Random
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from ..address import DEFAULT_HOST, normalise, without_secrets
from ..local.runtime import Slot
from ..loops.call import ClosedAtEnd, call
from ..loops.home import Home
from .frame_splitter import FrameSplitter, Kind
from .network import Direction, Network, NetworkModel, RelayedMessage

if TYPE_CHECKING:
    import ssl as tls

__all__ = ["Network", "Relay", "RelayedMessage"]

_log = logging.getLogger("mbot_nb")

BUFFER_LIMIT = 1024 * 1024
"""Bytes on their way in one direction; then the relay reads no more until they are fewer."""
TIMER_RESOLUTION = 0.001
"""Seconds by which a timer of the loop may be late (epoll counts in milliseconds). So the timer is
set that much earlier, and the rest is passed in turns of the loop that do nothing; a queue of more
than a few messages need not be that exact."""
EXACT_QUEUE = 16
DRAWN_KEPT = 100_000
"""Messages of which is kept what was drawn."""


class Relay(ClosedAtEnd):
    """Listens on this machine, and passes every connection on to ``target`` through two
    :class:`Network` directions.

    Connect to :attr:`url`. Everything that was drawn is in :attr:`drawn`. Made by
    ``lab.network(...).relay(target)``.
    """

    _call_name = "relay"

    def __init__(
        self,
        target: str,
        home: Home,
        *,
        up: Network,
        down: Network,
        seed: int | None = None,
        name: str = "",
        ssl: tls.SSLContext | None = None,
    ) -> None:
        self.home = home
        self.target = normalise(target)
        self.up = up
        self.down = down
        self.seed = secrets.randbits(32) if seed is None else seed
        self.name = name
        self.port = 0
        self._drawn: deque[RelayedMessage] = deque(maxlen=DRAWN_KEPT)
        self._server = _Server(self.target, ssl)
        self._listener: asyncio.Server | None = None
        self._pairs: set[_Pair] = set()
        self._count = 0
        self._closed = False
        self._empty: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        if self._closed:
            return "<relay, closed>"
        network = self.name or (
            repr(self.up) if self.up == self.down else f"up {self.up!r}, down {self.down!r}"
        )
        return (
            f"<relay at {without_secrets(self.url)} to {without_secrets(self.target)}: "
            f"{network}, seed {self.seed}>"
        )

    def _repr_html_(self) -> str:
        return f"<div>{escape(repr(self)[1:-1])}</div>"

    @classmethod
    def at(cls, url: str) -> Relay | None:
        """The relay of this process that a client of ``url`` goes through, if there is one."""
        parts = urlsplit(url)
        return _relays().get(parts.port or 0) if parts.hostname == DEFAULT_HOST else None

    @property
    def url(self) -> str:
        """Where clients connect to instead of the server."""
        return urlunsplit(
            urlsplit(self.target)._replace(scheme="ws", netloc=f"{DEFAULT_HOST}:{self.port}")
        )

    @property
    def drawn(self) -> list[RelayedMessage]:
        """What was drawn for the last 100,000 messages, in the order in which they came."""
        return list(self._drawn)

    @property
    def connections(self) -> int:
        """How many pass through it now."""
        return len(self._pairs)

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._closed

    async def open(self) -> Relay:
        """Start to listen, on any free port."""
        self._listener = await self.home.loop.create_server(self._accept, DEFAULT_HOST, 0)
        self.port = self._listener.sockets[0].getsockname()[1]
        _relays()[self.port] = self
        return self

    def cut(self) -> None:
        """Cut every connection now, without a goodbye; what is on its way is lost. From any
        thread."""
        self.home.post(self._cut)

    @call
    async def close(self) -> None:
        """Cut every connection and free the port. Idempotent."""
        if not self._closed:
            self._closed = True
            _relays().pop(self.port, None)
            if self._listener is not None:
                self._listener.close()
            self._cut()
        if self._pairs:
            if self._empty is None:
                self._empty = self.home.loop.create_future()
            await asyncio.shield(self._empty)

    def _cut(self) -> None:
        for pair in tuple(self._pairs):
            pair.abort()

    def _accept(self) -> _Endpoint:
        self._count += 1
        cuts = [
            network.cut_every for network in (self.up, self.down) if network.cut_every is not None
        ]
        return _Pair(
            self._count,
            self.home,
            self._server,
            up=self._model("up", self._count),
            down=self._model("down", self._count),
            cut_after=min(cuts, default=None),
            record=self._drawn.append,
            on_opened=self._add,
            on_closed=self._forget,
        ).client

    def _model(self, direction: Direction, connection: int) -> NetworkModel:
        network = self.up if direction == "up" else self.down
        random_source = Random(f"{self.seed}/{connection}/{direction}")
        return NetworkModel(
            network,
            random_source,
            connection=connection,
            direction=direction,
            round_trip=self.up.delay + self.down.delay,
        )

    def _add(self, pair: _Pair) -> bool:
        """Count a pair whose client is there; returns whether it may go on."""
        self._pairs.add(pair)
        return not self._closed

    def _forget(self, pair: _Pair) -> None:
        self._pairs.discard(pair)
        if not self._pairs and self._empty is not None and not self._empty.done():
            self._empty.set_result(None)


_relays: Slot[dict[int, Relay]] = Slot(dict)
"""Those that listen, by port."""


class _Server:
    """The server behind a relay, and the way to connect to it."""

    def __init__(self, url: str, ssl: tls.SSLContext | None) -> None:
        parts = urlsplit(url)
        self.url = url
        self.netloc = parts.netloc.rpartition("@")[2]
        """Its host and port, as a request names them."""
        self._host, self._port = parts.hostname or "", parts.port or 0
        self._ssl = ssl
        if parts.scheme == "wss" and ssl is None:
            import ssl as tls_module

            self._ssl = tls_module.create_default_context()

    async def connect(self, loop: asyncio.AbstractEventLoop, endpoint: _Endpoint) -> None:
        """Open a socket to it for this endpoint.

        Raises:
            OSError: it does not answer.
        """
        name = self._host if self._ssl is not None else None
        await loop.create_connection(
            lambda: endpoint, self._host, self._port, ssl=self._ssl, server_hostname=name
        )


class _Pair:
    """One connection: the socket to the client, the socket to the server, and a pipe each way.

    Args:
        cut_after: seconds until it is cut, None for never.
        record: called with all that is drawn.
        on_opened: called when the client's socket is there; returns whether the pair may go on.
        on_closed: called when both sockets are gone.
    """

    def __init__(
        self,
        number: int,
        home: Home,
        server: _Server,
        *,
        up: NetworkModel,
        down: NetworkModel,
        cut_after: float | None,
        record: Callable[[RelayedMessage], None],
        on_opened: Callable[[_Pair], bool],
        on_closed: Callable[[_Pair], None],
    ) -> None:
        self.number = number
        self.up = _Pipe(self, home.loop, up, record, masked=True, edit=self._edit)
        self.down = _Pipe(self, home.loop, down, record, masked=False)
        self.client = _Endpoint(self, self.up, self.down)
        self.server = _Endpoint(self, self.down, self.up)
        self._home = home
        self._target = server
        self._cut_after = cut_after
        self._on_opened = on_opened
        self._on_closed = on_closed
        self._dialling: asyncio.Task[None] | None = None
        self._cutter: asyncio.TimerHandle | None = None
        self._open_endpoints = 0
        self._closed = False

    def on_connected(self, endpoint: _Endpoint) -> None:
        """One of the sockets is there; the client's comes first."""
        self._open_endpoints += 1
        if endpoint is self.client:
            self._closed = not self._on_opened(self)
            self._dialling = self._home.spawn(
                self._dial(), f"dial of relay connection {self.number}"
            )
            if self._cut_after is not None:
                self._cutter = self._home.loop.call_later(self._cut_after, self.abort)
        if self._closed:
            self.abort()

    def on_disconnected(self, endpoint: _Endpoint, exc: Exception | None) -> None:
        """One of the sockets is gone. The other side learns of it when what was sent before has
        arrived."""
        self._open_endpoints -= 1
        if not self._closed and not (exc is not None and endpoint.source.drained):
            endpoint.source.finish(broken=exc is not None)
        elif not self._closed:
            self.abort()  # the end was passed on already, and this is worse
        if self._open_endpoints == 0 and (self._dialling is None or self._closed):
            self._finish()

    def on_pipe_drained(self) -> None:
        """A pipe has delivered its last; when both have, the sockets are closed."""
        if self.up.drained and self.down.drained:
            for endpoint in (self.client, self.server):
                if endpoint.transport is not None:
                    endpoint.transport.close()

    def abort(self) -> None:
        """Cut both sockets."""
        self._closed = True
        if self._dialling is not None:
            self._dialling.cancel()
        for endpoint in (self.client, self.server):
            if endpoint.transport is not None:
                endpoint.transport.abort()
        if self._open_endpoints == 0 and self._dialling is None:
            self._finish()

    def _finish(self) -> None:
        self._closed = True
        if self._cutter is not None:
            self._cutter.cancel()
        self.up.stop()
        self.down.stop()
        self._on_closed(self)

    async def _dial(self) -> None:
        try:
            await self._target.connect(self._home.loop, self.server)
        except OSError as error:
            _log.warning(
                "the relay's server at %s does not answer (%s)",
                without_secrets(self._target.url),
                error,
            )
            self._closed = True
        finally:
            self._dialling = None
            if self._closed:
                self.abort()
            elif self._open_endpoints == 0:
                self._finish()

    def _edit(self, lines: Sequence[bytes]) -> list[bytes]:
        """The request as the server is to see it: its own name, and no compression, which would tie
        messages to one another."""
        kept = [
            line
            for line in lines
            if not line.lower().startswith((b"host:", b"sec-websocket-extensions:"))
        ]
        return [kept[0], b"Host: %b\r\n" % self._target.netloc.encode(), *kept[1:]]


class _Endpoint(asyncio.Protocol):
    """One socket of a pair. What it reads goes into its ``source`` pipe, and what comes out of its
    ``sink`` pipe is written to it."""

    def __init__(self, pair: _Pair, source: _Pipe, sink: _Pipe) -> None:
        self.pair = pair
        self.source = source
        self.sink = sink
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.source.reader = self.sink.writer = transport
        self.pair.on_connected(self)
        self.sink.deliver()

    def data_received(self, data: bytes) -> None:
        self.source.splitter.feed(data)

    def eof_received(self) -> bool:
        self.source.finish()
        # The other direction goes on, where the transport can do that (TLS cannot).
        return self.transport is not None and self.transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = self.source.reader = self.sink.writer = None
        self.sink.writer_lost = True
        self.pair.on_disconnected(self, exc)
        self.sink.deliver()

    def pause_writing(self) -> None:
        self.sink.blocked = True

    def resume_writing(self) -> None:
        self.sink.blocked = False
        self.sink.deliver()


class _Pipe:
    """One direction: what is on its way, ordered by when it is due, and one timer."""

    def __init__(
        self,
        pair: _Pair,
        loop: asyncio.AbstractEventLoop,
        model: NetworkModel,
        record: Callable[[RelayedMessage], None],
        *,
        masked: bool,
        edit: Callable[[Sequence[bytes]], list[bytes]] | None = None,
    ) -> None:
        self.splitter = FrameSplitter(self._take, masked=masked, edit=edit)
        self.reader: asyncio.Transport | None = None
        self.writer: asyncio.Transport | None = None
        self.blocked = False
        self.writer_lost = False
        """Whether there is no writer any more (before the server was dialled, there is none
        yet)."""
        self.drained = False
        """Whether all has been delivered, the end included."""
        self._pair = pair
        self._model = model
        self._loop = loop
        self._record = record
        self._waiting: list[tuple[float, int, RelayedMessage, bytes]] = []
        self._bytes = 0
        self._paused = False
        self._source_ended = False
        self._broken = False
        self._timer: asyncio.TimerHandle | None = None

    def finish(self, *, broken: bool = False) -> None:
        """Note that nothing more will come from the reader."""
        self._broken = self._broken or broken
        if not self._source_ended:
            self.splitter.finish()
            self._source_ended = True
            self._take("end", b"")

    def stop(self) -> None:
        """Forget what is on its way."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def deliver(self) -> None:
        """Write what is due, and set the timer for the rest."""
        now = self._loop.time()
        waiting = self._waiting
        while (
            waiting
            and waiting[0][0] <= now
            and (self.writer_lost or (self.writer is not None and not self.blocked))
        ):
            _, _, drawn, data = heapq.heappop(waiting)
            drawn.left = now
            self._bytes -= len(data)
            if drawn.kind == "end":
                self._write_end()
            elif self.writer is not None and not self.writer.is_closing():
                self.writer.write(data * drawn.copies)
        if self._paused and self._bytes < BUFFER_LIMIT // 2 and self.reader is not None:
            self._paused = False
            self.reader.resume_reading()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if waiting and waiting[0][0] > now:
            early = (
                waiting[0][0] - TIMER_RESOLUTION if len(waiting) <= EXACT_QUEUE else waiting[0][0]
            )
            # A timer at a time that is past comes in the next turn.
            self._timer = self._loop.call_at(early, self.deliver)

    def _take(self, kind: Kind, data: bytes) -> None:
        drawn = self._model.take(kind, len(data), self._loop.time())
        self._record(drawn)
        heapq.heappush(self._waiting, (drawn.due, drawn.number, drawn, data))
        self._bytes += len(data)
        if self._bytes > BUFFER_LIMIT and not self._paused and self.reader is not None:
            self._paused = True
            self.reader.pause_reading()
        if drawn is self._waiting[0][2]:
            self.deliver()

    def _write_end(self) -> None:
        self.drained = True
        writer = self.writer
        if writer is not None and self._broken:
            writer.abort()
        elif writer is not None and not writer.is_closing():
            try:
                if writer.can_write_eof():
                    writer.write_eof()
                else:
                    writer.close()
            except OSError:  # cut from there after its own end, behind which nobody reads
                writer.abort()
        self._pair.on_pipe_drained()
