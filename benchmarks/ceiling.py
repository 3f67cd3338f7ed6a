"""The ceiling: ``websockets`` and typed ``msgspec`` with the envelopes of WebSocket V2, batched,
without one feature.

No ordering, acknowledgement, resume, limits or timers: what is left is what the wire and the codec
cost.
"""

from __future__ import annotations

import time
from time import perf_counter
from typing import Any

import msgspec
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedOK

from .tally import Tally

__all__ = ["send_rate"]


class _Command(msgspec.Struct):
    command: str
    params: dict[str, Any]
    reply: bool = False


class _Message(msgspec.Struct, omit_defaults=True):
    payload: _Command
    timestamp: int
    sequence: int
    version: int = 2
    type: str = "command"


class _Messages(msgspec.Struct):
    messages: list[_Message]


class _Batch(msgspec.Struct):
    payload: _Messages
    timestamp: int
    version: int = 2
    type: str = "batch"


async def send_rate(size: int, messages: int, warm_up: int) -> float:
    """Messages per second in frames of ``size``, from the first send to the answer that the last
    one brings."""
    tally = Tally()

    def count(n: int) -> None:
        tally.add(n)

    handlers = {"count": count}
    encode = msgspec.json.Encoder().encode
    decode_batch = msgspec.json.Decoder(_Batch).decode
    decode_message = msgspec.json.Decoder(_Message).decode

    async def handle(connection: ServerConnection) -> None:
        while True:
            data = await connection.recv(decode=False)
            batch = [decode_message(data)] if size == 1 else decode_batch(data).payload.messages
            for message in batch:
                handlers[message.payload.command](**message.payload.params)
            if batch[-1].payload.reply:
                await connection.send(b"%d" % tally.count, text=True)

    async def handle_until_closed(connection: ServerConnection) -> None:
        try:
            await handle(connection)
        except ConnectionClosedOK:
            return

    async with (
        serve(handle_until_closed, "127.0.0.1", 0, compression=None) as server,
        connect(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", compression=None) as client,
    ):

        async def send(start: int, stop: int) -> None:
            queue: list[_Message] = []
            for n in range(start, stop):
                command = _Command("count", {"n": n}, n == stop - 1)
                queue.append(_Message(command, time.time_ns() // 1_000_000, n + 1))
                if len(queue) == size or n == stop - 1:
                    frame = (
                        queue[0]
                        if size == 1
                        else _Batch(_Messages(queue), time.time_ns() // 1_000_000)
                    )
                    await client.send(encode(frame), text=True)
                    queue = []
            answer = await client.recv()
            if answer != str(stop):
                raise RuntimeError(f"the last of {stop} messages was answered {answer!r}")

        await send(0, warm_up)
        started = perf_counter()
        await send(warm_up, warm_up + messages)
        rate = messages / (perf_counter() - started)
    tally.check(warm_up + messages)
    return rate
