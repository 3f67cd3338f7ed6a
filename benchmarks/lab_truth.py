"""``lab_truth_*``: what the lab measures, beside delays that are known without it."""

from __future__ import annotations

import math
import statistics
from functools import partial

import numpy as np
from scipy import stats
from websockets.asyncio.client import connect

import mbot_nb as mb
from mbot_nb import lab
from mbot_nb.protocol.batching import mean_wait

from .delay_line import delay_line
from .figures import Comparison, Goal
from .harness import Contender

__all__ = ["comparisons"]

_DELAY = 0.02  # s, each way
_JITTER = 0.025  # s, one way
_APART = 0.028  # s from one send to the next
_SENDS = 500
_SEED = 20
_CHANCE = 0.01
_WINDOW, _SIZE = 0.1, 10
# Messages a second, and seconds: about fifty batches each, but for the slowest.
_LOADS = {5: 12.0, 15: 10.0, 45: 6.0, 150: 4.0, 500: 3.0}


def comparisons() -> list[Comparison]:
    """What this module measures."""
    truth = Contender("the delay put in", partial(_known, 2 * _DELAY * 1e3))
    within = Goal(ratio_at_least=1.0, ratio_at_most=1 + 0.002 / (2 * _DELAY))
    pings = (
        "median of `lab.ping` at 50 a second for 6 s, counted from the intended send times, against"
    )
    return [
        Comparison(
            name="lab_truth_relay",
            ours=Contender("lab.ping through the lab's relay", _through_relay),
            theirs=truth,
            unit="ms",
            goal=within,
            how=f"{pings} {2 * _DELAY * 1e3:g} ms: the lab's relay with a fixed {_DELAY * 1e3:g} "
            "ms each way; at most 2 ms more",
        ),
        Comparison(
            name="lab_truth_line",
            ours=Contender("lab.ping through a plain line", _through_line),
            theirs=Contender("websockets' own pings through the same line", _plainly),
            unit="ms",
            goal=Goal(ratio_at_least=0.95, ratio_at_most=1.05),
            how=(
                f"{pings} the median latency of 200 WebSocket pings of a plain `websockets` "
                "client, one after another, both "
                f"through a line of {_DELAY * 1e3:g} ms each way that shares no code with the "
                "lab; at most 2 ms apart"
            ),
        ),
        Comparison(
            name="lab_truth_jitter",
            ours=Contender("lab.ping through jitter", _jitter),
            theirs=Contender("the chance allowed", partial(_known, _CHANCE)),
            unit="p",
            goal=Goal(ratio_at_least=1.0),
            how=(
                f"Kolmogorov-Smirnov test of {_SENDS} round trips of `lab.ping` against the "
                "delays that the relay drew for them, "
                f"uniform up to {_JITTER * 1e3:g} ms one way from the seed {_SEED}, sent "
                f"{_APART * 1e3:g} ms apart: p above "
                f"{_CHANCE:g}; median of the rounds"
            ),
        ),
        *(
            Comparison(
                name=f"lab_truth_batch_{rate}",
                ours=Contender(f"lab.load at {rate}/s", partial(_mean_wait, rate, seconds)),
                theirs=Contender(
                    f"closed form at {rate}/s",
                    partial(_known, mean_wait(rate, _WINDOW, _SIZE) * 1e3),
                ),
                unit="ms",
                goal=Goal(ratio_at_least=0.95, ratio_at_most=1.05),
                how=(
                    f"mean wait in a batch of commands sent {rate} times a second for {seconds:g} "
                    f"s, window {_WINDOW:g} s, "
                    f"size {_SIZE}, against the closed form of docs/protocol.md, section 6"
                ),
            )
            for rate, seconds in _LOADS.items()
        ),
    ]


async def _known(value: float) -> float:
    return value


async def _through_relay() -> float:
    async with (
        mb.serve(port=0) as server,
        lab.network(lab.Network(_DELAY), seed=_SEED).relay(server) as relay,
        mb.connect(relay.url) as bot,
    ):
        return await _median(bot)


async def _through_line() -> float:
    async with (
        mb.serve(port=0) as server,
        delay_line(server.url, _DELAY) as url,
        mb.connect(url) as bot,
    ):
        return await _median(bot)


async def _plainly() -> float:
    async with (
        mb.serve(port=0) as server,
        delay_line(server.url, _DELAY) as url,
        connect(url) as client,
    ):
        return statistics.median([await (await client.ping()) for _ in range(200)]) * 1e3


async def _median(bot: mb.Client) -> float:
    run = await lab.ping(bot, rate=50, duration=6)
    if run.lost:
        raise RuntimeError(
            f"{run.lost} pings were lost on a line that loses nothing: the sample is worth nothing"
        )
    return float(np.median(run.delays(stalls=True))) * 1e3


async def _jitter() -> float:
    rate = 1 / _APART
    async with (
        mb.serve(port=0) as server,
        lab.network(lab.Network(jitter=_JITTER), down="perfect", seed=_SEED).relay(server) as relay,
        mb.connect(relay.url) as bot,
    ):
        run = await lab.ping(bot, rate=rate, duration=_SENDS / rate)
        drawn = [
            one.delay
            for one in relay.drawn
            if one.direction == "up" and one.kind == "text" and one.came >= run.start
        ]
    found = run.delays("rtt_ms", stalls=True, warm_up=True)
    if len(found) != _SENDS or not math.isclose(len(drawn), _SENDS, abs_tol=5):
        raise RuntimeError(
            f"{_SENDS} pings were sent, {len(found)} answered and {len(drawn)} drawn a delay for"
        )
    return float(stats.ks_2samp(found, drawn).pvalue)


async def _mean_wait(rate: int, seconds: float) -> float:
    async with (
        mb.serve(port=0) as server,
        mb.connect(
            server.url, batch_window=_WINDOW, max_batch_size=_SIZE, batch_policy="window"
        ) as bot,
    ):
        run = await lab.load(bot, rate=rate, duration=seconds)
    if run.lost:
        raise RuntimeError(
            f"{run.lost} commands were lost on loopback: the sample is worth nothing"
        )
    return run.mean_wait * 1e3
