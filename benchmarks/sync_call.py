"""``sync_call``: the round trip of a ping without ``await``, beside the awaited one."""

from __future__ import annotations

import asyncio
import statistics
from time import perf_counter

import mbot_nb as mb

from .figures import Comparison, Goal
from .together import Together

__all__ = ["comparisons", "round_trips"]

_CALLS = 2000
_WARM_UP = 200


def comparisons() -> list[Comparison]:
    """What this module measures."""
    return [
        Comparison(
            name="sync_call",
            ours=_measured.part("without await"),
            theirs=_measured.part("awaited"),
            unit="ms",
            goal=Goal(more_at_most=0.3),
            how=(
                f"median of {_CALLS} calls, one after another: `bot.ping()` of "
                "`mb.sync.connect()` against `await bot.ping()` of "
                "the same client, awaited where it lives, on the I/O thread; its server lives "
                "there too"
            ),
        )
    ]


async def _measure() -> dict[str, float]:
    plain, awaited = round_trips(_CALLS, _WARM_UP)
    return {
        "without await": statistics.median(plain) * 1e3,
        "awaited": statistics.median(awaited) * 1e3,
    }


_measured = Together("ping", _measure)


def round_trips(count: int, warm_up: int) -> tuple[list[float], list[float]]:
    """What ``count`` plain calls and as many awaited ones take, in seconds, after ``warm_up`` of
    each that do not count."""

    async def awaited() -> list[float]:
        times = []
        for _ in range(warm_up + count):
            started = perf_counter()
            await bot.client.ping()
            times.append(perf_counter() - started)
        return times[warm_up:]

    times = []
    with mb.sync.serve(port=0) as server, mb.sync.connect(server) as bot:
        for _ in range(warm_up + count):
            started = perf_counter()
            bot.ping()
            times.append(perf_counter() - started)
        future = asyncio.run_coroutine_threadsafe(awaited(), bot.home.loop)
        return times[warm_up:], future.result()
