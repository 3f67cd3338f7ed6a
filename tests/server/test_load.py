"""Clients that read too slowly or talk too fast, and the others who notice nothing."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from contextlib import suppress
from functools import partial

import pytest
from websockets.exceptions import ConnectionClosed

import mbot_nb as mb
from tests.helpers.connections import Connect, Serve
from tests.helpers.cutting_relay import CuttingRelay
from tests.helpers.peer import HANDSHAKE, Peer, batch, command, message, peer
from tests.helpers.tiny_robot import TinyRobot
from tests.helpers.waiting import until


async def deaf(server: mb.Server, *, extended: bool) -> socket.socket:
    """A client that shakes hands and then reads nothing."""
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await loop.sock_connect(sock, ("127.0.0.1", server.port))
    protocol = b"\r\nSec-WebSocket-Protocol: mbot.v2\r\n\r\n" if extended else b"\r\n\r\n"
    count = len(server.clients)
    await loop.sock_sendall(sock, HANDSHAKE.replace(b"\r\n\r\n", protocol))
    await until(lambda: len(server.clients) > count)
    return sock


@pytest.mark.parametrize("extended", [False, True])
async def test_a_slow_reader_is_cut_off_and_nobody_else_notices(
    serve: Serve, extended: bool
) -> None:
    server = await serve()
    gone: list[str] = []
    server.on_disconnect(lambda client, reason: gone.append(reason))
    async with peer(server.url) as witness:
        await witness.snapshot()
        sock = await deaf(server, extended=extended)
        sent = 0
        text = "x" * 10_000
        while len(server.clients) == 2:
            server.emit("news", {"n": sent, "text": text})
            sent += 1
            assert sent < 2000, "a client that reads nothing must be cut off"
            await asyncio.sleep(0)
        await until(lambda: gone)
        await until(lambda: len(witness.events("news")) == sent)
        assert [data["n"] for data in witness.events("news")] == list(range(sent))
        assert (await witness.ping())["server_clock"] > 0
        assert "4408" in gone[0]
        # The system's buffers take some, the queue of 1 MiB the rest.
        assert 100 < sent < 1500
        sock.close()


async def test_a_slow_reader_gets_the_latest_state_and_not_all_of_them(
    server: mb.Server, robot: TinyRobot
) -> None:
    """Many changes of a large state, more than all buffers hold, and the reader is not cut off:
    they collapse."""
    loop = asyncio.get_running_loop()
    sock = await deaf(server, extended=True)
    for n in range(1000):
        robot.values["tiny"] = {"n": n, "text": str(n) * 5000}
        server._refresh()
        if n % 50 == 0:
            await asyncio.sleep(0)
    assert len(server.clients) == 1
    received = bytearray()
    async with asyncio.timeout(10):
        while b'"n":999' not in received[-60_000:]:
            received += await loop.sock_recv(sock, 1 << 20)
    assert received.count(b'"delta":true') < 900
    assert len(server.clients) == 1
    sock.close()
    await until(lambda: not server.clients)


async def test_the_slow_reader_s_session_can_resume(serve: Serve, connect: Connect) -> None:
    server = await serve()
    async with CuttingRelay(server.port) as relay:
        bot = await connect(relay.url, settings={"busy_delay": 0.1, "retry_delays": (0.0, 0.1)})
        told: list[str] = []
        seen: list[int] = []
        bot.subscribe("connection", lambda event: told.append(event.data["reason"]))
        bot.subscribe("news", lambda event: seen.append(event.data["n"]))
        relay.hold()
        n = 0
        while server.clients:
            server.emit("news", {"n": n, "text": "x" * 10_000})
            n += 1
            assert n < 2000
            await asyncio.sleep(0)
        relay.release()
        await until(lambda: len(told) >= 2 and bot.connected)
        server.emit("news", {"n": n, "text": ""})
        await until(lambda: seen and seen[-1] == n)
        # What the server could keep for it comes, in order; what it could not is told as a gap.
        assert seen == sorted(set(seen))
        assert bot.stats.gaps <= 1
        assert (bot.stats.gaps == 0) == (seen == list(range(n + 1)))


async def test_too_many_frames_wait_in_order_and_a_stop_does_not(serve: Serve) -> None:
    server = await serve(limit_loopback=True, settings={"frame_rate": 50.0, "frame_burst": 10.0})
    robot = server.robot
    assert isinstance(robot, TinyRobot)
    order: list[int] = []
    server.command("note")(lambda client, n: order.append(n))
    async with peer(server.url) as one, peer(server.url) as other:
        await one.snapshot()
        begun = time.monotonic()
        for n in range(30):
            await one.send(command("note", n=n))
        await one.send(command("stop"))
        await until(lambda: robot.halts)
        assert len(order) < 30
        assert time.monotonic() - begun < 0.3
        await other.ping()
        await until(lambda: len(order) == 30)
        assert 0.3 < time.monotonic() - begun < 1.5
        assert order == list(range(30))
        limits = [error for error in one.events("error") if error["code"] == "RATE_LIMIT"]
        assert len(limits) == 1
        assert "Send batches" in limits[0]["message"]
        assert other.events("error") == []


async def test_far_too_many_frames_end_the_connection(serve: Serve) -> None:
    server = await serve(
        limit_loopback=True, settings={"frame_rate": 10.0, "frame_burst": 5.0, "held_bytes": 20_000}
    )
    async with peer(server.url) as one, peer(server.url) as other:
        await one.snapshot()
        text = json.dumps(command("display_text", text="x" * 500))
        with suppress(ConnectionClosed):
            for _ in range(200):
                await one.websocket.send(text)
                await asyncio.sleep(0)
        code, reason = await one.closed()
        assert code == 4429
        assert "send batches" in reason
        await other.ping()


async def test_our_client_waits_after_being_too_fast_and_loses_nothing(
    serve: Serve, connect: Connect
) -> None:
    settings = {"frame_rate": 100.0, "frame_burst": 5.0, "held_bytes": 3_000}
    server = await serve(limit_loopback=True, settings=settings)
    order: list[int] = []
    server.command("note")(lambda client, n, text: order.append(n))
    bot = await connect(
        server, batch_window=0, settings={"busy_delay": 0.2, "retry_delays": (0.0, 0.1)}
    )
    waits: list[float | None] = []
    reasons: list[str] = []
    bot.subscribe("connection", lambda event: waits.append(event.data["next_attempt_in"]))
    bot.subscribe("connection", lambda event: reasons.append(str(event.data["reason"])))
    for n in range(60):
        bot.send("note", n=n, text="x" * 200)
    await asyncio.wait_for(bot.flush(), 10)
    await until(lambda: len(order) == 60)
    assert order == list(range(60))
    assert "4429" in reasons[0]
    assert waits[0] == 0.2


async def test_loopback_is_not_limited_by_default(server: mb.Server) -> None:
    order: list[int] = []
    server.command("note")(lambda client, n: order.append(n))
    async with peer(server.url) as one:
        for n in range(1000):
            await one.send(command("note", n=n))
        await one.ping()
        assert order == list(range(1000))
        assert one.events("error") == []


async def test_a_silent_client_is_let_go(serve: Serve) -> None:
    server = await serve(settings={"idle_timeout": 0.3, "stall": 5.0})
    async with peer(server.url) as silent, peer(server.url) as other:
        await silent.snapshot()

        async def keep_talking(one: Peer) -> None:
            while True:
                await one.send(message("ping", {}))
                await asyncio.sleep(0.05)

        talking = asyncio.create_task(keep_talking(other))
        code, reason = await silent.closed()
        assert code == 1001
        assert "nothing was heard for 0.3 s" in reason
        assert len(server.clients) == 1
        talking.cancel()


def hear(mine: list[int], event: mb.Event) -> None:
    mine.append(event.data)


async def test_a_hundred_clients_hear_everything_in_order(
    server: mb.Server, connect: Connect
) -> None:
    bots = await asyncio.gather(*[connect(server) for _ in range(100)])
    heard: list[list[int]] = [[] for _ in bots]
    for bot, mine in zip(bots, heard, strict=True):
        bot.subscribe("news", partial(hear, mine))
    for n in range(50):
        server.emit("news", n)
    await until(lambda: all(len(mine) == 50 for mine in heard))
    assert all(mine == list(range(50)) for mine in heard)


async def test_a_batch_of_a_thousand_stays_one_frame_and_in_order(server: mb.Server) -> None:
    order: list[int] = []
    server.command("note")(lambda client, n: order.append(n))
    async with peer(server.url, extended=True, session="b" * 32, attempt=1) as one:
        await one.snapshot()
        await one.send(batch(*[command("note", n + 1, n=n) for n in range(1000)]))
        await one.ping()
        assert order == list(range(1000))
        assert max(one.get("ack", 0) for one in one.messages) == 1000


async def test_a_pong_does_not_wait_behind_all_that_is_replayed(serve: Serve) -> None:
    server = await serve()
    assert server._listener is not None
    server._listener.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    session = "0123456789abcdef0123456789abcdef"
    async with peer(server.url, extended=True, session=session, attempt=1) as one:
        epoch = (await one.snapshot())["epoch"]
        one.websocket.transport.abort()
    await until(lambda: not server.clients)
    for n in range(95):
        server.emit("news", [n, "x" * 10_000])
    async with peer(
        server.url, extended=True, session=session, attempt=2, epoch=epoch, last=0
    ) as two:
        # It is asked before the first message is read, and reads all the same.
        await two.ping()
        await until(lambda: len(two.events("news")) == 95)
        assert [data[0] for data in two.events("news")] == list(range(95))
        place = [one["type"] for one in two.messages].index("pong")
        assert place < 60, "all of the rest came behind it"
