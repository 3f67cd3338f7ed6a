"""Experiments from nothing to a row of numbers: what `lab.sweep` repeats."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ..client import Client
from ..embedded import api
from ..errors import SendBufferFullError
from ..protocol.settings import KIB, BatchPolicy
from ..transport.network import Network
from .environment import positive
from .loading import load
from .networks import network as network_of
from .statistics import summarise, warm_up

__all__ = ["measure_load", "measure_throughput"]

MAX_BYTES_UNDER_WAY = 128 * KIB
COMMANDS_PER_TURN = 100
"""Commands between two turns of the loop, in which they leave."""


async def measure_load(
    *,
    rate: float = 50.0,
    duration: float = 5.0,
    network: str | Network = "perfect",
    batch_window: float = 0.1,
    max_batch_size: int = 10,
    policy: BatchPolicy = "window",
    work: float = 0.0,
    seed: int = 0,
) -> dict[str, Any]:
    """Start a server with a simulated robot, put a network in front of it, and `lab.load` a client
    through it.

    All three live on the I/O thread, so that a busy cell is no part of the experiment. Returns one
    flat row, times in ms: `p50_ms`, `p50_low_ms`, `p50_high_ms` and so on for p90, p99 and p99_9,
    counted from the intended send times to the answers, without warm-up and without stalls;
    `mean_ms`, `jitter_ms`; `wait_ms`, the mean wait in a batch with its interval, and
    `expected_wait_ms`, its closed form; `longest_gap_ms`, the longest pause between answers, and
    `gaps`, how many took three times as long as they should; `messages_per_frame`, `n`, `lost`,
    `stalled`.
    """
    async with _client(network, seed, batch_window, max_batch_size, policy) as bot:
        run = await load(bot, rate=rate, duration=duration, work=work)
    row = summarise(run.delays() * 1e3).row()
    named = ("p50", "p90", "p99", "p99_9")
    percentiles = [f"{name}{end}" for name in named for end in ("", "_low", "_high")]
    sent = run.samples[run.samples["batch"] > 0]
    wait = run.wait.scaled(1e3)
    return {
        **{f"{name}_ms": row[name] for name in (*percentiles, "mean", "jitter")},
        "wait_ms": wait.value,
        "wait_low_ms": wait.low,
        "wait_high_ms": wait.high,
        "expected_wait_ms": run.expected_wait * 1e3,
        "longest_gap_ms": run.gaps.longest * 1e3,
        "gaps": run.gaps.number,
        "messages_per_frame": len(sent) / max(1, sent["batch"].nunique()),
        "n": row["n"],
        "lost": run.lost,
        "stalled": run.stalled,
    }


async def measure_throughput(
    *,
    duration: float = 1.0,
    network: str | Network = "perfect",
    batch_window: float = 0.1,
    max_batch_size: int = 10,
    seed: int = 0,
) -> dict[str, Any]:
    """Send commands as fast as they go for ``duration`` seconds, with server, network and client as
    in :func:`measure_load`.

    Returns `messages_per_s`, from the first command to the acknowledgement of the last,
    `frames_per_s`, `messages_per_frame` and `n`. The first tenth (one second at most) is sent
    before the clock starts. At most 128 KiB are under way, so that a slow network is not filled for
    seconds.
    """
    positive(duration=duration)
    async with _client(
        network, seed, batch_window, max_batch_size, "window", send_buffer=MAX_BYTES_UNDER_WAY
    ) as bot:
        # On the client's own loop: from another one each command would cost a way between threads.
        future = bot.home.submit(_flood(bot, warm_up(duration), duration))
        count, frames, seconds = await asyncio.wrap_future(future)
    return {
        "messages_per_s": count / seconds,
        "frames_per_s": frames / seconds,
        "messages_per_frame": count / max(1, frames),
        "n": count,
    }


async def _flood(bot: Client, warm: float, duration: float) -> tuple[int, int, float]:
    """Commands sent and acknowledged, frames that took them, and the seconds it took."""
    now = asyncio.get_running_loop().time
    await _send_for(bot, warm)
    frames, began = bot.stats.frames_out, now()
    count = await _send_for(bot, duration)
    return count, bot.stats.frames_out - frames, now() - began


async def _send_for(bot: Client, seconds: float) -> int:
    now = asyncio.get_running_loop().time
    end = now() + seconds
    count = 0
    while now() < end:
        try:
            for _ in range(COMMANDS_PER_TURN):
                bot.send("void")
                count += 1
        except SendBufferFullError:
            await bot.drain()
        await asyncio.sleep(0)
    await bot.flush()
    return count


@asynccontextmanager
async def _client(
    network: str | Network,
    seed: int,
    batch_window: float,
    max_batch_size: int,
    policy: BatchPolicy,
    **settings: Any,
) -> AsyncIterator[Client]:
    """A client of a server of its own, with a network between, all on the I/O thread."""
    async with (
        api.serve(port=0, thread=True) as server,
        network_of(network, seed=seed).relay(server) as relay,
        api.connect(
            relay.url,
            thread=True,
            retry=True,
            batch_window=batch_window,
            max_batch_size=max_batch_size,
            batch_policy=policy,
            settings=settings,
        ) as bot,
    ):
        yield bot
