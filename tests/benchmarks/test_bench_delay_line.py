"""The line that the lab is held against delays what passes, and changes nothing."""

from __future__ import annotations

import time

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.delay_line import delay_line


async def test_everything_comes_later_and_as_it_was() -> None:
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with serve(echo, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with delay_line(url, 0.03) as slow, connect(slow) as client:
            trips = []
            for message in ["first", "x" * 300_000, *map(str, range(10))]:
                begin = time.monotonic()
                await client.send(message)
                assert await client.recv() == message
                trips.append(time.monotonic() - begin)
            assert min(trips) >= 0.06
            assert sorted(trips)[2] < 0.066  # the rest belongs to a busy machine
            # It delays, and does not slow down: what is sent together arrives together.
            begin = time.monotonic()
            for n in range(20):
                await client.send(str(n))
            assert [await client.recv() for _ in range(20)] == [str(n) for n in range(20)]
            assert time.monotonic() - begin < 0.5
