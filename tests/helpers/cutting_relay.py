"""A relay that breaks a line where a network may: at any byte, or by carrying nothing.

The package's own relay (`mbot_nb.transport.relay`) plays a network of which everything is drawn
beforehand, message by message. It cuts between messages, and nobody can have it hold what it has,
listen no more, or lead to another server. These tests need that at a moment of their choice.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress


class CuttingRelay:
    """A relay of real sockets between a client and a server, that can cut, hold and refuse.

    ``budget`` is how many bytes it still carries, both ways together, before it cuts; None for no
    end. A cut is a reset: the last bytes, in the middle of whatever they are, are gone.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.budget: int | None = None
        self.on_cut: Callable[[], None] = lambda: None
        self.cuts = 0
        self.carried = 0
        self.open = asyncio.Event()
        self.open.set()
        self._server: asyncio.Server | None = None
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def __aenter__(self) -> CuttingRelay:
        await self.listen()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.refuse()
        self.open.set()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Nothing listens any more."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def hold(self) -> None:
        """Carry nothing, and keep the line open: a stalled network."""
        self.open.clear()

    def release(self) -> None:
        self.open.set()

    def cut(self) -> None:
        """Reset all lines now."""
        if not self._pairs:
            return
        self.cuts += 1
        pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for writer in pair:
                sock = writer.get_extra_info("socket")
                if sock is not None and sock.fileno() >= 0:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
        self.on_cut()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, far_writer)
        self._pairs.add(pair)
        ways = [
            asyncio.create_task(self._carry(*way))
            for way in ((reader, far_writer), (far_reader, writer))
        ]
        self._tasks.update(ways)
        await asyncio.wait(ways)
        self._tasks.difference_update(ways)
        self._pairs.discard(pair)
        for one in pair:
            one.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self.open.wait()
                self.carried += len(data)
                if self.budget is not None and len(data) >= self.budget:
                    writer.write(data[: self.budget])
                    self.cut()
                    return
                if self.budget is not None:
                    self.budget -= len(data)
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
