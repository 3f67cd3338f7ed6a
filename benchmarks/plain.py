"""The plain program: ``websockets`` and ``json``, one message a frame, nothing else."""

from __future__ import annotations

import json
from time import perf_counter
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from .tally import Tally

__all__ = ["echo_round_trips", "send_rate"]


async def send_rate(messages: int, warm_up: int) -> float:
    """Messages per second from the first send to the answer that the last one brings."""
    tally = Tally()

    def count(n: int) -> None:
        tally.add(n)

    handlers = {"count": count}

    async def handle(connection: ServerConnection) -> None:
        async for text in connection:
            message = json.loads(text)
            handlers[message["command"]](**message["params"])
            if message.get("reply"):
                await connection.send(json.dumps({"ok": True, "handled": tally.count}))

    async with (
        serve(handle, "127.0.0.1", 0, compression=None) as server,
        connect(_url(server), compression=None) as client,
    ):

        async def send(start: int, stop: int) -> None:
            for n in range(start, stop - 1):
                await client.send(json.dumps({"command": "count", "params": {"n": n}}))
            await client.send(
                json.dumps({"command": "count", "params": {"n": stop - 1}, "reply": True})
            )
            answer = json.loads(await client.recv())
            if answer != {"ok": True, "handled": stop}:
                raise RuntimeError(f"the last of {stop} messages was answered {answer}")

        await send(0, warm_up)
        started = perf_counter()
        await send(warm_up, warm_up + messages)
        rate = messages / (perf_counter() - started)
    tally.check(warm_up + messages)
    return rate


async def echo_round_trips(texts: list[str], warm_up: int) -> list[float]:
    """The round trips, in seconds, of ``texts`` to a server that sends them back; the first
    ``warm_up`` do not count."""

    async def echo(connection: ServerConnection) -> None:
        async for text in connection:
            await connection.send(text)

    times = []
    async with (
        serve(echo, "127.0.0.1", 0, compression=None) as server,
        connect(_url(server), compression=None) as client,
    ):
        for text in texts:
            started = perf_counter()
            await client.send(text)
            answer = await client.recv()
            times.append(perf_counter() - started)
            if answer != text:
                raise RuntimeError(f"the echo of {text!r} was {answer!r}")
    return times[warm_up:]


def _url(server: Any) -> str:
    return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
