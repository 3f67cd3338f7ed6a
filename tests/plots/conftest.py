"""Runs and tables with known numbers, so that what a picture shows can be told without measuring
anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mbot_nb as mb
from mbot_nb.lab import LoadRun, PingRun
from mbot_nb.lab.environment import Incidents
from mbot_nb.lab.loading import STAGES
from mbot_nb.lab.statistics import gaps
from mbot_nb.loops.monitor import Stall
from mbot_nb.protocol.batching import mean_wait
from mbot_nb.protocol.client.events import ConnectionChanged
from mbot_nb.protocol.loss import Loss, LossKind

START = 1000.0
SETTINGS = {
    "rate": 50.0,
    "duration_s": 10.0,
    "networks": [{"name": "wifi", "seed": 7}],
    "home": "I/O thread",
    "notebook": True,
}


def _changes() -> list[ConnectionChanged]:
    """A cut after 6 s, a first attempt that fails, and one a second later that does not."""
    loss = Loss(LossKind.RESET, "the cable was pulled (in a test)")
    rows = [
        (6.0, "reconnecting", "connected", 0, 6.0, loss, None),
        (6.0, "reconnecting", "reconnecting", 1, None, None, None),
        (6.01, "reconnecting", "reconnecting", 1, 7.01, loss, None),
        (7.01, "reconnecting", "reconnecting", 2, None, None, None),
        (7.02, "connected", "reconnecting", 2, None, None, True),
    ]
    return [
        ConnectionChanged(
            START + at, state, previous, attempt, None if due is None else START + due, why, resumed
        )
        for at, state, previous, attempt, due, why, resumed in rows
    ]


@pytest.fixture
def ping_run() -> Callable[..., PingRun]:
    """A run of 500 pings with a stall of 3 s, a cut, and two lost; delays of 2 ms in the median
    unless ``scale`` says more."""

    def make(
        name: str = "ping", *, scale: float = 1.0, stall: float = 3.0, seed: int = 1
    ) -> PingRun:
        generator = np.random.default_rng(seed)
        t = np.arange(500) / 50
        rtt = scale * generator.lognormal(np.log(2.0), 0.3, 500)
        stalled = (t >= 2) & (t < 2 + stall)
        corrected = np.where(stalled, (2 + stall - t) * 1e3 + rtt, rtt)
        corrected[[310, 311]] = np.nan
        samples = pd.DataFrame(
            {
                "n": np.arange(500),
                "t_s": t,
                "sent_s": START + t,
                "corrected_ms": corrected,
                "rtt_ms": rtt,
                "up_ms": np.nan,
                "down_ms": np.nan,
                "stalled": stalled,
                "warm_up": t < 1,
            }
        )
        stalls = [Stall(START + 2, START + 2 + stall)] if stall else []
        settings = {"experiment": "ping", **SETTINGS}
        incidents = Incidents()
        incidents.changes = _changes()
        return PingRun(name, settings, samples, stalls, incidents, gaps(START + t, 0.02), START)

    return make


@pytest.fixture
def load_run() -> Callable[..., LoadRun]:
    """A run of 200 commands, each stage of a length of its own: 0, 40, 2, 1, 3 and 2 ms times
    ``scale``."""

    def make(name: str = "load", *, scale: float = 1.0) -> LoadRun:
        t = np.arange(200) / 50
        lengths = dict(zip(STAGES, (0.0, 40.0, 2.0, 1.0, 3.0, 2.0), strict=True))
        samples = pd.DataFrame(
            {stage: np.full(200, length * scale) for stage, length in lengths.items()}
        )
        samples = samples.assign(
            t_s=t,
            sent_s=START + t,
            batch=np.arange(200) // 10 + 1,
            total_ms=48.0 * scale,
            raw_ms=48.0 * scale,
            acknowledged_ms=np.nan,
            stalled=False,
            warm_up=t < 0.4,
            cool_down=False,
        )
        settings = {
            "experiment": "load",
            **SETTINGS,
            "answered": True,
            "batch_window": 0.1,
            "max_batch_size": 10,
            "policy": "window",
            "work_s": 0.003,
        }
        return LoadRun(name, settings, samples, [], Incidents(), gaps(START + t, 0.02), START)

    return make


@pytest.fixture
def sweep_table() -> pd.DataFrame:
    """3 windows, 4 rates, 3 networks, twice, as `lab.sweep` returns it; p99 has no upper end at low
    rates."""
    grid: dict[str, list[Any]] = {
        "batch_window": [0.02, 0.05, 0.1],
        "rate": [15, 50, 150, 500],
        "network": ["lan", "wifi", "internet"],
    }
    far = {"lan": 0.5, "wifi": 5.0, "internet": 45.0}
    rows: list[dict[str, Any]] = []
    for window in grid["batch_window"]:
        for rate in grid["rate"]:
            for network in grid["network"]:
                for turn in range(2):
                    wait = mean_wait(rate, window, 10) * 1e3
                    p50 = far[network] + wait + 0.3 * turn
                    row: dict[str, Any] = {
                        "batch_window": window,
                        "rate": rate,
                        "network": network,
                        "repeat": turn,
                    }
                    row |= {"p50_ms": p50, "p50_low_ms": p50 * 0.9, "p50_high_ms": p50 * 1.1}
                    row |= {
                        "p99_ms": 2 * p50,
                        "p99_low_ms": p50,
                        "p99_high_ms": np.inf if rate < 100 else 3 * p50,
                    }
                    row |= {
                        "wait_ms": wait * 1.02,
                        "wait_low_ms": wait * 0.95,
                        "wait_high_ms": wait * 1.1,
                    }
                    rows.append(
                        {
                            **row,
                            "expected_wait_ms": wait,
                            "messages_per_s": rate * 10.0,
                            "n": 100 + rate,
                        }
                    )
    table = pd.DataFrame(rows)
    parameters = {"duration": 5.0, "max_batch_size": 10, "policy": "window", "work": 0.0}
    table.attrs = {
        "measure": "a test",
        "grid": grid,
        "parameters": parameters,
        "repeat": 2,
        "seed": 3,
        "missing": 0,
    }
    return table


@pytest.fixture
async def rec() -> AsyncIterator[mb.Recorder]:
    """A short run with a bit of everything."""
    async with mb.serve(mb.SimulatedRobot(seed=1), port=0) as server, mb.connect(server) as bot:
        with mb.Recorder(bot, ping_rate=50) as rec:
            await bot.drive(60, 60, duration=0.4)
            for n in range(10):
                bot.send("set_led", r=n, g=0, b=0)
            bot.cut()
            async with asyncio.timeout(5):
                while not bot.connected:  # noqa: ASYNC110 - what is waited for has no event
                    await asyncio.sleep(0.005)
            await bot.flush()
            await bot.stop()
            await asyncio.sleep(0.15)
        yield rec
