"""`lab.ping` finds the delays that were put in, and does not let a stall hide."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import numpy as np
import pytest

import mbot_nb as mb
from mbot_nb.lab import Network, PingRun, Relay, ping
from mbot_nb.loops.monitor import LoopMonitor
from tests.helpers.connections import Through
from tests.helpers.waiting import undisturbed


async def test_a_fixed_delay_is_found(through: Through) -> None:
    bot = await through(Network(0.02))
    run = await undisturbed(
        lambda: ping(bot, rate=50, duration=1.2),
        lambda run: bool(run.samples[["up_ms", "down_ms"]].quantile(0.1).max() >= 22),
    )
    assert run.n == 60
    assert run.lost == 0
    # The best tenth: the rest belongs to whatever else the machine does.
    assert 0.04 <= run.delays().min() <= np.quantile(run.delays(), 0.1) < 0.044
    for way in ("up_ms", "down_ms"):
        assert 20 <= run.samples[way].min() <= run.samples[way].quantile(0.1) < 22
    # The row is consistent: late plus raw is what is counted from the intended time, and so are
    # both ways.
    samples = run.samples
    assert np.allclose(samples["corrected_ms"], samples["late_ms"] + samples["rtt_ms"])
    assert np.allclose(samples["rtt_ms"], samples["up_ms"] + samples["down_ms"])
    assert np.allclose(np.diff(samples["intended_s"]), 0.02)


async def test_the_delays_drawn_are_the_delays_found(
    through: Through, relay_of: Callable[[mb.Client], Relay]
) -> None:
    """Ping by ping; `benchmarks/lab_truth.py` compares the distributions."""
    bot = await through(Network(jitter=0.03), down="perfect")

    async def measure() -> np.ndarray:
        run = await ping(bot, rate=30, duration=1.5)
        drawn = [
            one
            for one in relay_of(bot).drawn
            if one.direction == "up"
            and one.kind == "text"
            and one.came >= run.samples["sent_s"].min()
        ]
        assert len(drawn) == run.n == 45
        return np.asarray(
            run.delays("rtt_ms", warm_up=True, stalls=True) - [one.delay for one in drawn]
        )

    beyond = await undisturbed(measure, lambda beyond: bool(np.quantile(beyond, 0.1) >= 0.003))
    assert beyond.min() >= 0
    assert np.quantile(beyond, 0.1) < 0.003  # the rest belongs to a busy machine


async def test_a_stall_is_seen_in_every_ping_that_fell_due_in_it(bot: mb.Client) -> None:
    async def block() -> None:
        await asyncio.sleep(0.6)
        time.sleep(0.5)  # noqa: ASYNC251 - as a cell of a user's does

    async def measure() -> PingRun:
        run, _ = await asyncio.gather(ping(bot, rate=100, duration=1.6), block())
        return run

    run = await undisturbed(
        measure, lambda run: bool(run.statistics["p99"]["corrected_ms", "without stalls"] >= 100)
    )
    samples = run.samples
    # Half a second at 100 pings a second; the raw round trips of the same pings saw next to
    # nothing. A busy machine wakes the cell late, and adds stalls of its own.
    longest = run.stalls.sort_values("blocked_ms").iloc[-1]
    begin, seconds = longest["t_s"], longest["blocked_ms"] / 1e3
    late = samples[
        (samples["late_ms"] > 20) & samples["t_s"].between(begin - 0.01, begin + seconds)
    ]
    assert len(late) >= 45
    assert len(late) == pytest.approx(100 * (seconds - 0.02), abs=4)
    assert late["corrected_ms"].median() > 150
    assert late["rtt_ms"].median() < 100
    assert samples["corrected_ms"].max() > 450
    assert run.stalled >= 45
    assert run.stalls["blocked_ms"].max() > 400
    assert run.stalls.sort_values("blocked_ms")["t_s"].iloc[-1] == pytest.approx(0.6, abs=0.1)
    # With and without: the network's own p99 is not the cell's.
    statistics = run.statistics["p99"]
    assert statistics["corrected_ms", "all"] > 300
    assert statistics["corrected_ms", "without stalls"] < 100
    assert "left out" in repr(run)


async def test_an_early_stall_is_not_forgotten_in_a_long_run(bot: mb.Client) -> None:
    """A monitor keeps the last 10,000: a busy loop has so many short ones within minutes."""

    def hours() -> None:
        monitor = LoopMonitor.of(bot.home.loop)
        now = time.monotonic()
        monitor._on_answer(now - 3.0, now)
        for n in range(10_001):
            monitor._on_answer(now + n * 1e-5, now + n * 1e-5 + 0.002)

    bot.home.loop.call_later(0.1, hours)
    run = await ping(bot, rate=50, duration=0.3)
    assert run.stalls["blocked_ms"].max() == pytest.approx(3000)
    assert run.stalls["loop"].unique().tolist() == ["the caller's loop"]


async def test_a_cut_is_told_and_what_it_cost_is_lost(
    through: Through, relay_of: Callable[[mb.Client], Relay]
) -> None:
    bot = await through(Network(0.03))

    async def cut() -> None:
        await asyncio.sleep(0.3)
        relay_of(bot).cut()

    run, _ = await asyncio.gather(ping(bot, rate=100, duration=0.8), cut())
    assert run.lost >= 3
    assert run.n - run.lost > 40
    assert any("reconnecting" in note for note in run.notes)
    assert f"{run.lost} lost" in repr(run)
    # The pause is told.
    assert run.gaps.longest > 0.05
    assert run.gaps.limit == pytest.approx(0.03)
    assert run.gaps.number >= 1
    assert (
        f"of more than 30 ms between answers (the longest {run.gaps.longest:.3g} s)"
        in run.headline()
    )
    assert str(run.gaps) in run._repr_html_()


async def test_everything_to_do_it_again_is_in_the_result(through: Through) -> None:
    bot = await through("wifi", seed=42)
    run = await ping(bot, rate=100, duration=0.3, name="in class")
    assert run.settings["networks"][0]["name"] == "wifi"
    assert run.settings["networks"][0]["seed"] == 42
    assert run.settings["networks"][0]["up"]["delay"] == 0.0015
    assert {"rate", "duration_s", "warm_up_s", "versions", "at", "url", "profile"} <= set(
        run.settings
    )
    assert repr(run).startswith("<in class: median ")
    html = run._repr_html_()
    assert "in class" in html
    assert "seed" in html
    assert int(run.samples["warm_up"].sum()) == 3
    assert len(run.delays()) <= 27


async def test_it_leaves_the_client_as_it_was(bot: mb.Client) -> None:
    taps = len(bot._taps)
    await ping(bot, rate=100, duration=0.1)
    task = asyncio.ensure_future(ping(bot, rate=100, duration=10))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(bot._taps) == taps
    assert bot.connected


async def test_a_client_on_the_io_thread(server: mb.Server) -> None:
    async with mb.connect(server.url, thread=True) as bot:
        run = await ping(bot, rate=100, duration=0.3)
    assert isinstance(run, PingRun)
    assert run.lost == 0
    assert run.settings["home"] == "I/O thread"


async def test_what_cannot_be_measured_is_refused(bot: mb.Client) -> None:
    with pytest.raises(mb.UsageError, match="rate"):
        ping(bot, rate=0)
    with pytest.raises(mb.UsageError, match="needs a client"):
        ping("ws://localhost:4000")  # type: ignore[arg-type]
    await bot.close()
    with pytest.raises(mb.NotConnectedError):
        ping(bot)
