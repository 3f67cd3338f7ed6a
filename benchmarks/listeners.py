"""Many WebSocket clients in one process that only count what they receive: ``python -m
benchmarks.listeners``.

They do the handshake and then look for marks in the raw bytes, so that they keep up with any
server: frames of a server are not masked, and without compression their text stands in them as it
is. Prints ``ready`` when the server has welcomed all of them, then ``received N`` for each N asked
for when all have N events; ends when it is terminated or a client is lost.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass

from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

__all__ = ["KINDS", "Counter", "Kind"]


@dataclass(frozen=True)
class Kind:
    """A client of one server: the path, the subprotocol to offer, the first message, and the bytes
    that show it is connected."""

    path: str
    subprotocol: str | None
    hello: bytes | None
    welcome: bytes


KINDS = {
    "mbot": Kind(
        "/?session={session}&epoch=&last=0&attempt=1", "mbot.v2", None, b'"snapshot":true'
    ),
    "socketio": Kind("/socket.io/?EIO=4&transport=websocket", None, b"40", b'40{"sid":"'),
}


class Counter:
    """Counts a mark in a stream that comes in pieces, wherever the pieces are cut."""

    def __init__(self, mark: bytes) -> None:
        self.mark = mark
        self.count = 0
        self._tail = b""

    def feed(self, data: bytes) -> int:
        """Look through the next piece; returns the count so far."""
        data = self._tail + data
        self.count += data.count(self.mark)
        # A whole mark does not fit into the tail, so that none is counted twice.
        self._tail = data[-(len(self.mark) - 1) :] if len(self.mark) > 1 else b""
        return self.count


class Crowd:
    """Waits until all clients are in, then until all have so and so many events."""

    def __init__(self, clients: int, targets: list[int], report: Callable[[str], None]) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._report = report
        self._clients = clients
        self._welcomed = 0
        self._targets = sorted(targets)
        self._reached = dict.fromkeys(self._targets, 0)

    def welcomed(self) -> None:
        """One more client is in."""
        self._welcomed += 1
        if self._welcomed == self._clients:
            self._report("ready")

    def received(self, before: int, now: int) -> None:
        """One client had ``before`` events and has ``now``."""
        for target in self._targets:
            if before < target <= now:
                self._reached[target] += 1
                if self._reached[target] == self._clients:
                    self._report(f"received {target}")

    def fail(self, reason: str) -> None:
        """One client was lost: the sample is worth nothing."""
        if not self.lost.done():
            self.lost.set_exception(RuntimeError(reason))


class Listener(asyncio.Protocol):
    """One client."""

    def __init__(self, kind: Kind, address: str, event: str, crowd: Crowd) -> None:
        self._kind = kind
        self._crowd = crowd
        self._welcome = Counter(kind.welcome)
        self._events = Counter(f'"{event}"'.encode())
        self._head = b""
        self._open = False
        path = kind.path.format(session=secrets.token_hex(16))
        self._handshake = ClientProtocol(
            parse_uri(f"ws://{address}{path}"),
            subprotocols=[Subprotocol(kind.subprotocol)] if kind.subprotocol else None,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"a stream is needed here, not {transport!r}")
        self._transport = transport
        self._handshake.send_request(self._handshake.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        if not self._open:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            self._handshake.receive_data(head + end)
            if self._handshake.handshake_exc is not None:
                self._crowd.fail(f"the handshake failed: {self._handshake.handshake_exc}")
                return
            self._open = True
            if self._kind.hello is not None:
                self._handshake.send_text(self._kind.hello)
                self._flush()
        if not self._welcome.count and self._welcome.feed(data):
            self._crowd.welcomed()
        before = self._events.count
        now = self._events.feed(data)
        if now != before:
            self._crowd.received(before, now)

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.fail(
            f"the server closed a client's connection after {self._events.count} events "
            f"({exc or 'in good order'})"
        )

    def _flush(self) -> None:
        for data in self._handshake.data_to_send():
            self._transport.write(data)


async def listen(kind: Kind, address: str, clients: int, event: str, targets: list[int]) -> None:
    """Be ``clients`` clients until terminated.

    Raises:
        RuntimeError: when one of them cannot get in or is thrown out.
    """
    loop = asyncio.get_running_loop()
    crowd = Crowd(clients, targets, lambda line: print(line, flush=True))
    host, _, port = address.rpartition(":")
    for _ in range(clients):
        await loop.create_connection(lambda: Listener(kind, address, event, crowd), host, int(port))
    await crowd.lost


def main() -> int:
    """Read the arguments and listen."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.listeners", description=__doc__)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("address", help="HOST:PORT")
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--event", required=True, help="the name of the event to count")
    parser.add_argument(
        "--targets", type=int, nargs="+", required=True, help="numbers of events to report"
    )
    arguments = parser.parse_args()
    try:
        asyncio.run(
            listen(
                KINDS[arguments.kind],
                arguments.address,
                arguments.clients,
                arguments.event,
                arguments.targets,
            )
        )
    except (OSError, RuntimeError, WebSocketException) as error:
        print(f"listeners: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
