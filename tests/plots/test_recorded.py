"""Pictures: drawn from what a recorder has, into any Axes, without pyplot, and shown by
themselves."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import mbot_nb as mb
from mbot_nb import plots
from mbot_nb.plots.figure import ShownAxes

PLOTS = [
    plots.latency,
    plots.path,
    plots.batches,
    plots.ecdf,
    plots.heatmap,
    plots.percentiles,
    plots.reconnects,
]
Plot = Callable[..., Axes]


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


@pytest.fixture
async def empty() -> AsyncIterator[mb.Recorder]:
    async with mb.serve(mb.SimulatedRobot(seed=1), port=0) as server, mb.connect(server) as bot:
        yield mb.Recorder(bot, ping_rate=0).stop()


def _title(ax: Axes) -> str:
    return " ".join([ax.get_title(loc="left"), *(text.get_text() for text in ax.texts)])


def _labels(ax: Axes) -> str:
    return " ".join(ax.get_legend_handles_labels()[1])


@pytest.mark.parametrize("plot", PLOTS)
async def test_a_picture_shows_itself(plot: Plot, rec: mb.Recorder) -> None:
    ax = plot(rec)
    assert isinstance(ax, ShownAxes)
    png, metadata = ax._repr_png_()
    pixels = matplotlib.image.imread(BytesIO(png))
    assert metadata["width"] < pixels.shape[1], "sharp screens get more pixels"
    assert np.ptp(pixels[..., :3]) == 1, "there is nothing on it"
    assert "n = " in metadata["alt"]
    assert "n = " in repr(ax)


@pytest.mark.parametrize("plot", PLOTS)
async def test_it_draws_into_the_axes_it_is_given(plot: Plot, rec: mb.Recorder) -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert plot(rec, ax=left) is left
    assert left.lines or left.collections
    assert not right.lines
    figure.savefig(BytesIO(), format="svg")


@pytest.mark.parametrize("plot", PLOTS)
async def test_nothing_recorded_is_a_picture_that_says_so(plot: Plot, empty: mb.Recorder) -> None:
    ax = plot(empty)
    assert isinstance(ax, ShownAxes)
    assert ax._repr_png_()[0].startswith(b"\x89PNG")
    assert " no " in _title(ax) or " not " in _title(ax)


async def test_latency_draws_every_round_trip_and_every_cut(rec: mb.Recorder) -> None:
    ax = plots.latency(rec)
    trips = rec.latency
    drawn = np.concatenate(
        [line.get_ydata() for line in ax.lines if line.get_marker() in (".", "x")]
    )
    assert sorted(drawn) == pytest.approx(sorted(trips.rtt_ms))
    free = trips.rtt_ms[trips.loop_lag_ms < 5]
    assert f"n = {len(free)}" in _title(ax)
    assert f"p50 = {free.quantile(0.5):.3g} ms" in _title(ax)
    assert "connection lost (1)" in _labels(ax)
    assert "connected again (1)" in _labels(ax)
    assert len(ax.patches) == len(rec.stalls)


async def test_path_ends_where_the_robot_is_within_the_walls(rec: mb.Recorder) -> None:
    ax = plots.path(rec)
    robot = rec.client.state.pose
    way = max(
        (line for line in ax.lines if line.get_linewidth() == 2),
        key=lambda line: np.size(line.get_xdata()),
    )
    xs, ys = np.asarray(way.get_xdata()), np.asarray(way.get_ydata())
    assert (xs[-1], ys[-1]) == pytest.approx((robot["x"], robot["y"]), abs=0.5)
    assert xs[-1] > xs[0] + 5
    arena = rec.client.state.arena
    assert ax.get_xlim()[1] > arena.width
    assert f"n = {(rec.events.name == 'telemetry').sum()}" in _title(ax)


async def test_batches_draws_every_frame_and_why_it_left(rec: mb.Recorder) -> None:
    ax = plots.batches(rec)
    batches = rec.batches
    heights = np.concatenate(
        [np.asarray(line.get_ydata()) for line in ax.lines if line.get_linestyle() == "None"]
    )
    assert sorted(heights) == sorted(batches.messages)
    labels = _labels(ax)
    assert "it was full (1)" in labels
    assert "urgent: a stop (1)" in labels
    assert f"n = {batches.messages.sum()} commands in {len(batches)} frames" in _title(ax)


async def test_every_reason_has_a_sign_of_its_own() -> None:
    """Readable without colour, and none that could come is missing."""
    from typing import get_args

    from mbot_nb.plots.batching import _REASONS
    from mbot_nb.protocol.batching import FlushReason

    assert set(_REASONS) == set(get_args(FlushReason))
    assert len({marker for marker, _, _ in _REASONS.values()}) == len(_REASONS)


async def test_a_leap_is_not_drawn_as_a_way(rec: mb.Recorder) -> None:
    from mbot_nb.plots.driving import _stretches

    places = [(0.0, 0.0, 0.0), (4.0, 0.0, 0.0), (100.0, 0.0, 0.0), (104.0, 0.0, 0.0)]
    assert _stretches(places) == [places[:2], places[2:]]


def test_pyplot_is_not_touched() -> None:
    script = (
        "import sys, mbot_nb as mb; mb.plots.latency; print('matplotlib.pyplot' in sys.modules)"
    )
    run: Any = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=25, check=True
    )
    assert run.stdout.strip() == "False"


async def test_a_servers_recorder_does_not_claim_to_ping() -> None:
    async with mb.serve(mb.SimulatedRobot(seed=1), port=0) as server:
        with mb.Recorder(server) as rec:
            words = mb.plots.latency(rec).get_title(loc="left") + str(
                [text.get_text() for text in mb.plots.latency(rec).texts]
            )
    assert "pings by itself" not in words
    assert "a server does not ping" in words
