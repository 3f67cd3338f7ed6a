"""The relay: real sockets on both sides, and between them what the network's numbers say."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import trustme
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, ConnectionClosedError

import mbot_nb as mb
from mbot_nb.loops.call import Call
from mbot_nb.loops.home import Home
from mbot_nb.transport.network import Network
from mbot_nb.transport.relay import BUFFER_LIMIT, Relay
from tests.helpers.waiting import until

OpenRelay = Callable[..., Awaitable[Relay]]


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def relay(stack: AsyncExitStack) -> OpenRelay:
    async def open_relay(
        target: str, network: Network, *, down: Network | None = None, **options: Any
    ) -> Relay:
        home = options.pop("home", None) or Home.here()
        relay = Relay(
            target,
            home,
            up=network,
            down=network if down is None else down,
            **{"seed": 1, **options},
        )
        await Call(lambda: home, relay.open, "open")
        stack.push_async_callback(relay.close)
        return relay

    return open_relay


@pytest.fixture
async def echo(stack: AsyncExitStack) -> str:
    """A server that sends back what it gets, says which headers it saw at first, and closes when
    told to."""

    async def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        headers = connection.request.headers
        await connection.send(
            f"{connection.request.path} {headers['Host']} {'Sec-WebSocket-Extensions' in headers}"
        )
        try:
            async for message in connection:
                if message == "close":
                    await connection.close(4321, "as you wish")
                else:
                    await connection.send(message)
        except ConnectionClosed:
            return

    server = await stack.enter_async_context(serve(handle, "127.0.0.1", 0, max_size=2**24))
    return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/robot?a=1"


async def plain(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    stack: AsyncExitStack,
) -> str:
    """A server of bytes; its address."""
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    stack.push_async_callback(server.wait_closed)
    stack.callback(server.close)
    return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_everything_passes_as_it_is(echo: str, relay: OpenRelay) -> None:
    passing = await relay(echo, Network())
    assert passing.url.endswith("/robot?a=1")
    async with connect(passing.url) as client:
        assert await client.recv() == f"/robot?a=1 {echo.split('/')[2]} False"
        for message in ("text", b"\x00binary\xff", "x" * 200_000, ""):
            await client.send(message)
            assert await client.recv() == message
        await client.send(iter(["in ", "three ", "frames"]))
        assert await client.recv() == "in three frames"
        await (await client.ping())
        await client.send("close")
        with pytest.raises(ConnectionClosedError) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4321, "as you wish")
    await until(lambda: not passing.connections)


@pytest.mark.parametrize("thread", [False, True])
async def test_a_fixed_delay_each_way(echo: str, relay: OpenRelay, thread: bool) -> None:
    passing = await relay(echo, Network(0.02), home=Home.on_io_thread() if thread else None)
    async with connect(passing.url) as client:
        await client.recv()
        trips = []
        for _ in range(20):
            begin = time.monotonic()
            await client.send("there")
            await client.recv()
            trips.append(time.monotonic() - begin)
    assert min(trips) >= 0.04
    assert sorted(trips)[2] < 0.045  # the rest belongs to a busy machine
    # It is told for each message.
    messages = [
        drawn for drawn in passing.drawn if drawn.kind == "text" and drawn.direction == "up"
    ]
    assert len(messages) == 20
    for drawn in messages:
        assert drawn.delay == 0.02
        assert drawn.left >= drawn.due == pytest.approx(drawn.came + 0.02, abs=1e-6)


async def test_messages_are_in_flight_together(echo: str, relay: OpenRelay) -> None:
    passing = await relay(echo, Network(0.1))
    async with connect(passing.url) as client:
        await client.recv()
        begin = time.monotonic()
        for n in range(50):
            await client.send(str(n))
        assert [await client.recv() for _ in range(50)] == [str(n) for n in range(50)]
        assert 0.2 <= time.monotonic() - begin < 0.6  # one after another it would be 10 s


async def test_jitter_and_loss_keep_the_order(echo: str, relay: OpenRelay) -> None:
    passing = await relay(echo, Network(jitter=0.05, loss=0.05), seed=3)
    async with connect(passing.url) as client:
        await client.recv()
        for n in range(100):
            await client.send(str(n))
        assert [await client.recv() for _ in range(100)] == [str(n) for n in range(100)]
    assert any(drawn.resent for drawn in passing.drawn)


async def test_the_same_seed_draws_the_same_in_each_direction_of_each_connection(
    echo: str, relay: OpenRelay
) -> None:
    drawn: list[dict[Any, list[float]]] = []
    for _ in range(2):
        passing = await relay(echo, Network(jitter=0.01), seed=5)
        for _ in range(2):
            async with connect(passing.url) as client:
                await client.recv()
                for _ in range(5):
                    await client.send("x")
                    await client.recv()
        await passing.close()
        delays: dict[Any, list[float]] = {}
        for one in passing.drawn:
            if one.kind == "text":
                delays.setdefault((one.connection, one.direction), []).append(one.delay)
        drawn.append(delays)
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 4
    assert len({tuple(values[:5]) for values in drawn[0].values()}) == 4


async def test_reordered_and_doubled_messages_arrive_so(echo: str, relay: OpenRelay) -> None:
    passing = await relay(echo, Network(reorder=0.2, duplicate=0.2), down=Network())
    async with connect(passing.url) as client:
        await client.recv()
        for n in range(100):
            await client.send(str(n))
        await until(
            lambda: (
                len([d for d in passing.drawn if d.kind == "text" and d.direction == "up"]) == 100
            )
        )
        expected = sum(
            drawn.copies
            for drawn in passing.drawn
            if drawn.kind == "text" and drawn.direction == "up"
        )
        got = [int(await client.recv()) for _ in range(expected)]
    assert sorted(set(got)) == list(range(100))
    assert len(got) > 100
    assert got != sorted(got)


async def test_the_client_heals_what_the_network_does_to_messages(
    relay: OpenRelay, stack: AsyncExitStack
) -> None:
    server = await mb.serve(port=0)
    stack.push_async_callback(server.close)
    seen: list[int] = []

    @server.command("count")
    def count(client: Any, n: int) -> None:
        seen.append(n)

    network = Network(delay=0.002, jitter=0.005, reorder=0.2, duplicate=0.2)
    passing = await relay(server.url, network)
    async with mb.connect(passing.url, batch_window=0) as bot:
        for n in range(200):
            bot.send("count", n=n)
        await bot.flush()
    assert seen == list(range(200))
    assert any(drawn.copies == 2 for drawn in passing.drawn)
    assert any(drawn.held for drawn in passing.drawn)


async def test_the_rate_is_kept_and_a_sender_that_is_too_fast_is_held_up(
    echo: str, relay: OpenRelay
) -> None:
    passing = await relay(echo, Network(rate=4_000_000), down=Network())
    async with connect(passing.url, max_size=2**24) as client:
        await client.recv()
        begin = time.monotonic()
        size = BUFFER_LIMIT * 3 // 4
        for _ in range(3):
            await client.send("x" * size)
        sent = time.monotonic() - begin
        for _ in range(3):
            assert len(await client.recv()) == size
        took = time.monotonic() - begin
    assert 3 * size / 4_000_000 <= took < 3 * size / 4_000_000 + 2
    assert sent < took


async def test_a_cut_ends_both_sides_at_once(echo: str, relay: OpenRelay) -> None:
    passing = await relay(echo, Network(0.01))
    async with connect(passing.url) as client:
        await client.recv()
        passing.cut()
        with pytest.raises(ConnectionClosedError):
            await client.recv()
        await until(lambda: not passing.connections)


async def test_connections_are_cut_again_and_again(relay: OpenRelay, stack: AsyncExitStack) -> None:
    server = await mb.serve(port=0)
    stack.push_async_callback(server.close)
    seen: list[int] = []

    @server.command("count")
    def count(client: Any, n: int) -> None:
        seen.append(n)

    passing = await relay(server.url, Network(cut_every=0.15))
    async with mb.connect(passing.url, batch_window=0.01) as bot:
        # The client keeps its session, and nothing is lost, doubled or disordered.
        for n in range(100):
            bot.send("count", n=n)
            await asyncio.sleep(0.005)
        await bot.flush()
        assert bot.stats.connections >= 3
    assert seen == list(range(100))


async def test_a_server_that_is_not_there(
    relay: OpenRelay, free_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    passing = await relay(f"ws://127.0.0.1:{free_port}", Network())
    with caplog.at_level(logging.WARNING), pytest.raises(mb.ConnectError):
        await mb.connect(passing.url)
    assert f"127.0.0.1:{free_port}" in caplog.text
    await until(lambda: not passing.connections)


async def test_a_plain_page_passes_too(relay: OpenRelay, stack: AsyncExitStack) -> None:
    server = await mb.serve(port=0)
    stack.push_async_callback(server.close)
    passing = await relay(server.url, Network(0.01))
    reader, writer = await asyncio.open_connection("127.0.0.1", passing.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
    page = await asyncio.wait_for(reader.read(), 5)
    assert page.startswith(b"HTTP/1.1 200")
    assert b"WebSocket V2" in page
    writer.close()
    await writer.wait_closed()
    await until(lambda: not passing.connections)


async def test_one_direction_may_end_before_the_other(
    relay: OpenRelay, stack: AsyncExitStack
) -> None:
    """What is no WebSocket at all: bytes, then the end of one side, then an answer."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"you said " + await reader.read())
        writer.close()
        await writer.wait_closed()

    passing = await relay(await plain(handle, stack), Network(0.005))
    reader, writer = await asyncio.open_connection("127.0.0.1", passing.port)
    writer.write(b"half a head")
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 5) == b"you said half a head"
    writer.close()
    await writer.wait_closed()
    await until(lambda: not passing.connections)


async def test_a_server_that_cuts_behind_its_own_end_is_let_go_of(
    relay: OpenRelay, stack: AsyncExitStack
) -> None:
    cut = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        writer.write_eof()
        await asyncio.sleep(0.02)  # it is on its way
        at_once = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        writer.transport.abort()
        cut.set()

    passing = await relay(await plain(handle, stack), Network(0.005))
    reader, writer = await asyncio.open_connection("127.0.0.1", passing.port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert await asyncio.wait_for(reader.read(), 5) == b""
    await asyncio.wait_for(cut.wait(), 5)
    writer.close()
    await writer.wait_closed()
    await until(lambda: not passing.connections)


async def test_the_way_to_the_server_may_be_encrypted(
    relay: OpenRelay, stack: AsyncExitStack
) -> None:
    authority = trustme.CA()
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(theirs)
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    server = await stack.enter_async_context(mb.serve(port=0, ssl=theirs))
    passing = await relay(server.url, Network(0.005), ssl=ours)
    assert server.url.startswith("wss://")
    assert passing.url.startswith("ws://")
    async with mb.connect(passing.url) as bot:
        assert await bot.ping() >= 0.01
    await until(lambda: not passing.connections)


async def test_a_server_whose_certificate_is_not_trusted(
    relay: OpenRelay, stack: AsyncExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(theirs)
    server = await stack.enter_async_context(mb.serve(port=0, ssl=theirs))
    passing = await relay(server.url, Network())
    with caplog.at_level(logging.WARNING), pytest.raises(mb.ConnectError):
        await mb.connect(passing.url)
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text


@pytest.mark.parametrize("thread", [False, True])
async def test_closing_leaves_nothing_behind(echo: str, relay: OpenRelay, thread: bool) -> None:
    passing = await relay(echo, Network(10.0), home=Home.on_io_thread() if thread else None)
    reader, writer = await asyncio.open_connection("127.0.0.1", passing.port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    await until(lambda: len(passing.drawn) == 1)
    await passing.close()
    await passing.close()
    assert passing.connections == 0
    assert await asyncio.wait_for(_rest(reader), 5) == b""
    writer.close()
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncio.open_connection("127.0.0.1", passing.port)
    assert Relay.at(passing.url) is None
    assert "closed" in repr(passing)


async def _rest(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


async def test_the_relay_is_found_by_its_address(echo: str, relay: OpenRelay) -> None:
    passing = await relay(echo, Network(0.01), name="slow")
    assert Relay.at(passing.url) is passing
    assert Relay.at(echo) is None
    assert "slow" in repr(passing)
    assert "a=1" not in repr(passing)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
