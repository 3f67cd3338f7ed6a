"""Clients written by hand, with nothing but `websockets` and `json`: they stand for those that
others have published."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from .waiting import PATIENCE, until

Message = dict[str, Any]


def message(kind: str, payload: Any, **more: Any) -> Message:
    return {
        "version": 2,
        "type": kind,
        "payload": payload,
        "timestamp": int(time.time() * 1000),
        **more,
    }


def command(name: str, /, sequence: int | None = None, **params: Any) -> Message:
    numbered = {} if sequence is None else {"sequence": sequence}
    return message("command", {"command": name, "params": params}, **numbered)


def batch(*messages: Message) -> Message:
    return message("batch", {"messages": list(messages)})


class Peer:
    """A client written by hand. It collects what comes: whole frames, and the messages in them,
    with their times."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self.frames: list[Message] = []
        self.messages: list[Message] = []
        self.times: list[float] = []
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for text in self.websocket:
                frame = json.loads(text)
                self.frames.append(frame)
                inner = frame["payload"]["messages"] if frame["type"] == "batch" else [frame]
                self.messages += inner
                self.times += [time.monotonic()] * len(inner)

    async def send(self, *messages: Message) -> None:
        for one in messages:
            await self.websocket.send(json.dumps(one))

    def of(self, kind: str) -> list[Message]:
        return [one for one in self.messages if one["type"] == kind]

    def events(self, name: str | None = None) -> list[Any]:
        """The data of the events, without telemetry unless it is asked for."""
        payloads = [one["payload"] for one in self.of("event")]
        return [
            p["data"]
            for p in payloads
            if (p["event"] == name if name else p["event"] != "telemetry")
        ]

    async def snapshot(self) -> Message:
        await until(lambda: self.messages, "a snapshot")
        payload: Message = self.messages[0]["payload"]
        return payload

    async def ping(self) -> Message:
        """One round trip: what was sent before it has been read when it returns."""
        mark = f"mark-{len(self.messages)}-{time.monotonic_ns()}"
        await self.send(message("ping", {"id": mark}))
        return await until(  # type: ignore[no-any-return]
            lambda: next(
                (p["payload"] for p in self.of("pong") if p["payload"].get("id") == mark), None
            )
        )

    async def closed(self, seconds: float = PATIENCE) -> tuple[int | None, str]:
        """Wait for the end; returns the close code and its reason."""
        await asyncio.wait_for(self.websocket.wait_closed(), seconds)
        return self.websocket.close_code, self.websocket.close_reason or ""

    async def close(self) -> None:
        await self.websocket.close()
        await self.reading


@asynccontextmanager
async def peer(
    url: str,
    *,
    extended: bool = False,
    origin: str | None = None,
    headers: Mapping[str, str] | None = None,
    **session: Any,
) -> AsyncIterator[Peer]:
    """A hand-written client; keywords such as ``session``, ``epoch``, ``last``, ``attempt`` go into
    the address."""
    query = "&".join(f"{name}={value}" for name, value in session.items())
    if query:
        url = f"{url}{'/' if url.count('/') < 3 else ''}?{query}"
    websocket = await connect(
        url,
        max_size=None,
        ping_interval=None,
        subprotocols=[Subprotocol("mbot.v2")] if extended else None,
        origin=None if origin is None else Origin(origin),
        additional_headers=headers,
        proxy=None,
    )
    one = Peer(websocket)
    try:
        yield one
    finally:
        await one.close()


async def raw(port: int, data: bytes, *, then: bytes = b"", seconds: float = 5.0) -> bytes:
    """What a server says to bytes on a plain socket, until it hangs up or time is up; ``then``
    follows its first answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        writer.write(data)
        if then:
            answer = await reader.readuntil(b"\r\n\r\n")
            writer.write(then)
        async with asyncio.timeout(seconds):
            while part := await reader.read(65536):
                answer += part
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.transport.abort()
    return answer


HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
