"""What a recorder's listener watches: every loop of this process that a message passes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb.lab import network
from mbot_nb.loops.home import Home
from mbot_nb.loops.monitor import LoopMonitor
from tests.helpers.waiting import until


async def _beside_a_cell(bot: mb.Client) -> None:
    """A round trip while the loop that runs this is blocked."""
    ping = asyncio.ensure_future(bot.ping())
    await asyncio.sleep(0)  # it is handed to the client's thread
    time.sleep(0.4)  # noqa: ASYNC251 - the cell that blocks
    await ping


def _block() -> None:
    time.sleep(0.4)


async def _beside_a_handler(bot: mb.Client) -> None:
    """A round trip while the I/O thread is blocked."""
    Home.on_io_thread().post(_block)
    await bot.ping()


async def _is_no_network_delay(
    bot: mb.Client, blocked: Callable[[mb.Client], Awaitable[None]], loop: str
) -> None:
    with mb.Recorder(bot, ping_rate=0) as rec:
        for _ in range(10):
            await bot.ping()
        await asyncio.sleep(0.05)
        await blocked(bot)
        await until(lambda: rec.total("latency") == 11 and rec.total("stalls"))
    slow = rec.latency.iloc[-1]
    assert slow.rtt_ms > 300
    # The loop is asked every 20 ms: so much of the block may be missed.
    assert slow.rtt_ms - slow.loop_lag_ms < 60
    worst = rec.stalls.sort_values("blocked_ms").iloc[-1]
    assert worst.loop == loop
    assert worst.blocked_ms > 300
    summary = rec.summary()
    assert summary.held_up >= 1
    assert summary.latency_p99_ms is not None
    assert summary.latency_p99_ms < 200


async def test_a_cell_that_blocks_the_server_is_no_network_delay() -> None:
    """The client is on the I/O thread and free; its server lives in the loop that the cell
    blocks."""
    async with mb.serve(port=0) as server, mb.connect(server, thread=True) as bot:
        await _is_no_network_delay(bot, _beside_a_cell, "the caller's loop")


@pytest.mark.may_block("what blocks the I/O thread")
async def test_a_handler_that_blocks_the_servers_thread_is_no_network_delay() -> None:
    """The other way round: the client's own loop is free."""
    async with mb.serve(port=0, thread=True) as server, mb.connect(server) as bot:
        await _is_no_network_delay(bot, _beside_a_handler, "I/O thread")


async def test_a_blocked_relay_is_no_network_delay() -> None:
    async with (
        mb.serve(port=0, thread=True) as server,
        network("perfect").relay(server, thread=False) as relay,
        mb.connect(relay.url, thread=True) as bot,
    ):
        await _is_no_network_delay(bot, _beside_a_cell, "the caller's loop")


async def test_the_loops_are_looked_up_again_when_the_connection_changes() -> None:
    here = LoopMonitor.of(asyncio.get_running_loop())
    options: dict[str, Any] = {"thread": True, "settings": {"retry_delays": (0.05,)}}
    async with mb.serve(port=0, thread=True) as server, mb.connect(server, **options) as bot:
        with mb.Recorder(bot, ping_rate=0):
            await until(lambda: LoopMonitor.of(server.home.loop).watching)
            assert not here.watching
            port = server.port
            await server.close()
            async with mb.serve(port=port):
                await until(lambda: bot.connected and here.watching)
            await until(lambda: not here.watching)


@pytest.mark.parametrize("thread", [False, True])
async def test_a_stopped_recorder_watches_nothing(thread: bool) -> None:
    here, there = (LoopMonitor.of(home.loop) for home in (Home.here(), Home.on_io_thread()))
    async with (
        mb.serve(port=0, thread=thread) as server,
        mb.connect(server, thread=not thread) as bot,
    ):
        rec = mb.Recorder(bot, ping_rate=0)
        await until(lambda: here.watching and there.watching)
        rec.stop()
        await until(lambda: not here.watching and not there.watching)
