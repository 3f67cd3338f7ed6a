"""A line that delays, and nothing else: the ground truth for the lab, without any code of the
lab's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

__all__ = ["delay_line"]


@asynccontextmanager
async def delay_line(url: str, delay: float) -> AsyncIterator[str]:
    """Pass every connection on to ``url``, each read ``delay`` seconds later, both ways; yields the
    address to connect to."""
    target = urlsplit(url)
    lines: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        last = loop.create_future()
        last.set_result(None)

        def write(data: bytes, written: asyncio.Future[None]) -> None:
            if not writer.is_closing():
                writer.write(data)
            if not written.done():
                written.set_result(None)

        while data := await reader.read(65536):
            last = loop.create_future()
            loop.call_later(delay, write, data, last)
        await last
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        lines.add(task)
        far_reader, far_writer = await asyncio.open_connection(target.hostname, target.port)
        try:
            with suppress(ConnectionError):
                await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))
        finally:
            writer.close()
            far_writer.close()
            lines.discard(task)

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        for line in lines:
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)
