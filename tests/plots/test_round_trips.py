"""Round trips over time: every one is drawn, and what held them up is named."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import mbot_nb as mb
from mbot_nb import plots
from mbot_nb.lab import PingRun, percentile
from tests.helpers.pictures import labels, line_of, texts


def test_a_stall_of_three_seconds_is_named_and_left_out(ping_run: Callable[..., PingRun]) -> None:
    run = ping_run()
    ax = plots.latency(run)
    assert "a cell blocked the loop for 3.0 s here" in texts(ax)
    free = run.delays() * 1e3
    assert len(free) == 500 - 150 - 50 - 2
    assert (
        f"n = {len(free)}, p50 = {percentile(free, 50).value:.3g} ms, p99 = "
        f"{percentile(free, 99).value:.3g} ms"
    ) in texts(ax)
    assert "150 in stalls left out" in texts(ax)
    assert "2 lost" in texts(ax)
    held = line_of(ax, "held up by a blocked loop (150)")
    assert held.get_marker() == "x"
    assert held.get_ydata().max() > 2900
    assert labels(ax)[-2:] == ["connection lost (1)", "connected again (1)"]
    (band,) = ax.patches
    assert (band.get_x(), band.get_width()) == pytest.approx((2, 3))  # type: ignore[attr-defined]
    # Outside of a notebook there are no cells.
    run.settings["notebook"] = False
    assert "something blocked the loop" in texts(plots.latency(run))
    # A short one is drawn and not named.
    assert "blocked the loop for" not in texts(plots.latency(ping_run(stall=0.1)))


def test_a_stall_of_the_io_thread_is_not_blamed_on_a_cell(ping_run: Callable[..., PingRun]) -> None:
    run = ping_run()
    first = run.stalls.iloc[0].to_dict()
    run.stalls = pd.DataFrame(
        [{**first, "loop": "I/O thread"}, {**first, "t_s": 7.0, "blocked_ms": 1000.0}]
    )
    words = texts(plots.latency(run))
    assert "the I/O thread was blocked for 3.0 s here" in words
    assert "a cell blocked the loop for 1.0 s here" in words


async def test_latency_draws_every_round_trip_and_every_cut(rec: mb.Recorder) -> None:
    ax = plots.latency(rec)
    trips = rec.latency
    drawn = np.concatenate(
        [line.get_ydata() for line in ax.lines if line.get_marker() in (".", "x")]
    )
    assert sorted(drawn) == pytest.approx(sorted(trips.rtt_ms))
    free = trips.rtt_ms[trips.loop_lag_ms < 5]
    assert f"n = {len(free)}" in texts(ax)
    assert f"p50 = {free.quantile(0.5):.3g} ms" in texts(ax)
    assert "connection lost (1)" in " ".join(labels(ax))
    assert "connected again (1)" in " ".join(labels(ax))
    assert len(ax.patches) == len(rec.stalls)


async def test_a_servers_recorder_does_not_claim_to_ping() -> None:
    async with mb.serve(mb.SimulatedRobot(seed=1), port=0) as server:
        with mb.Recorder(server) as rec:
            words = mb.plots.latency(rec).get_title(loc="left") + str(
                [text.get_text() for text in mb.plots.latency(rec).texts]
            )
    assert "pings by itself" not in words
    assert "a server does not ping" in words
