"""The other sides work as they claim: every message arrives, is handled and acknowledged."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.typing import Subprotocol

from benchmarks import ceiling, import_time, ping, plain, socketio_rival
from benchmarks.listeners import Counter

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
V2 = Subprotocol("mbot.v2")


async def test_the_plain_program_delivers() -> None:
    assert await plain.send_rate(100, 10) > 0


async def test_the_rival_delivers() -> None:
    assert await socketio_rival.send_rate(100, 10) > 0


@pytest.mark.parametrize("size", [1, 10, 100])
async def test_the_ceiling_delivers_also_what_does_not_fill_a_batch(size: int) -> None:
    assert await ceiling.send_rate(size, 105, 7) > 0


async def test_the_echo_times_every_ping_but_the_warm_up() -> None:
    texts = [ping.ping_frame(n) for n in range(12)]
    times = await plain.echo_round_trips(texts, 2)
    assert len(times) == 10
    assert min(times) > 0


async def test_an_import_is_timed_and_one_that_fails_says_why() -> None:
    assert await import_time.import_time("import json") > 0
    with pytest.raises(RuntimeError, match="there_is_no_such_module"):
        await import_time.import_time("import there_is_no_such_module")


@given(
    st.lists(st.sampled_from([b'"tick"', b'"tick', b'tick"', b'"', b"x" * 10])),
    st.lists(st.integers(1, 9)),
)
def test_marks_are_counted_wherever_the_stream_is_cut(parts: list[bytes], cuts: list[int]) -> None:
    stream = b" ".join(parts)  # two marks never share a byte
    counter = Counter(b'"tick"')
    rest = stream
    for cut in [*cuts, len(stream)]:
        counter.feed(rest[:cut])
        rest = rest[cut:]
    assert counter.count == stream.count(b'"tick"')


@asynccontextmanager
async def listeners(kind: str, address: str, targets: list[int]) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "benchmarks.listeners",
            kind,
            address,
            "--clients",
            "3",
            "--event",
            "tick",
        ),
        *("--targets", *map(str, targets)),
        stdout=PIPE,
        stderr=PIPE,
        cwd=ROOT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def said(process: Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def test_listeners_of_websocket_v2_wait_for_the_snapshot_and_count_events() -> None:
    paths = []
    welcome = asyncio.Event()

    async def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        paths.append(connection.request.path)
        if len(paths) == 3:
            welcome.set()
        await welcome.wait()
        await connection.send('{"type":"state","snapshot":true}')
        await connection.wait_closed()

    async with (
        asyncio.timeout(PATIENCE),
        serve(handle, "127.0.0.1", 0, subprotocols=[V2]) as server,
    ):
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with listeners("mbot", address, [2, 5]) as process:
            assert await said(process) == "ready"
            assert {connection.subprotocol for connection in server.connections} == {"mbot.v2"}
            for n in range(5):
                broadcast(
                    server.connections,
                    json.dumps({"type": "event", "payload": {"event": "tick", "n": n}}),
                )
                broadcast(
                    server.connections,
                    json.dumps({"type": "event", "payload": {"event": "tock", "n": n}}),
                )
            assert [await said(process), await said(process)] == ["received 2", "received 5"]
    assert len({path.partition("&")[0] for path in paths}) == 3  # a session each


async def test_listeners_of_socketio_are_welcomed_and_count_events() -> None:
    async with (
        asyncio.timeout(PATIENCE),
        socketio_rival.broadcasting("tick") as (address, emit),
        listeners("socketio", address, [4]) as process,
    ):
        assert await said(process) == "ready"
        for n in range(4):
            await emit({"n": n})
        assert await said(process) == "received 4"


async def test_a_lost_listener_fails_the_sample() -> None:
    async def handle(connection: ServerConnection) -> None:
        await connection.send('{"type":"state","snapshot":true}')
        connection.transport.abort()

    async with (
        asyncio.timeout(PATIENCE),
        serve(handle, "127.0.0.1", 0, subprotocols=[V2]) as server,
    ):
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with listeners("mbot", address, [1]) as process:
            output, errors = await process.communicate()
    assert process.returncode == 1
    assert "received" not in output.decode()
    assert "closed a client's connection" in errors.decode()
