"""What an experimenter was promised: a sweep in one figure, a stall that is named, the same numbers
twice."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mbot_nb as mb
from mbot_nb import lab, plots
from mbot_nb.plots.figure import STYLES
from tests.helpers.connections import Through

GRID: dict[str, Any] = {
    "batch_window": [0.01, 0.03, 0.05],
    "rate": [50, 100, 200, 400],
    "network": ["perfect", "lan", "wifi"],
    "duration": 0.15,
}


@pytest.mark.timeout(180)
async def test_a_sweep_is_interrupted_goes_on_and_becomes_one_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """3 windows, 4 rates, 3 networks, measured for real."""
    path = tmp_path / "sweep.jsonl"

    def finished() -> int:
        return len(path.read_text().splitlines()) - 1 if path.exists() else 0

    first = asyncio.ensure_future(lab.sweep(GRID, seed=1, path=path))
    while finished() < 5:  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.02)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    done = finished()
    assert 5 <= done < 36
    assert "do the same again, and it goes on" in " ".join(capsys.readouterr().out.split())
    table = await lab.sweep(GRID, seed=1, path=path)
    assert "36/36" in capsys.readouterr().out
    assert finished() == len(table) == 36
    assert table.attrs["missing"] == 0
    assert (table["lost"] == 0).all()
    assert not table[["batch_window", "rate", "network"]].duplicated().any()
    ax = plots.sweep(table)
    words = " ".join(text.get_text() for text in ax.texts)
    assert "n = 36 experiments" in words
    assert "95 % intervals" in words
    markers = {style.marker for style in STYLES[:3]}
    # An open end of an interval is an arrow, larger than the points.
    points = [
        line
        for line in ax.lines
        if line.get_marker() in markers
        and np.size(line.get_xdata()) == 1
        and line.get_markersize() == 5
    ]
    assert len(points) == int(table["p50_ms"].notna().sum())


async def test_a_stall_of_three_seconds_is_named_and_is_not_the_network_s(bot: mb.Client) -> None:
    async def block() -> None:
        await asyncio.sleep(0.7)
        time.sleep(3.0)  # noqa: ASYNC251 - as a cell of a user's does

    run, _ = await asyncio.gather(lab.ping(bot, rate=50, duration=4.5), block())
    words = " ".join(text.get_text() for text in plots.latency(run).texts)
    blocked = run.stalls["blocked_ms"].max() / 1e3  # a busy machine wakes the cell late
    assert blocked > 2.95
    assert f"something blocked the loop for {blocked:.1f} s here" in words
    p99 = run.statistics["p99"]
    assert p99["corrected_ms", "all"] > 2500
    assert p99["corrected_ms", "without stalls"] < 250
    assert f"{run.stalled} in stalls left out" in words


async def test_the_same_seed_gives_the_same_numbers_within_their_interval(through: Through) -> None:
    network = lab.Network(
        delay=0.01, jitter=0.1
    )  # beside which it is nothing what a busy machine adds
    once = await lab.ping(
        await through(network, seed=11, thread=True), rate=60, duration=2.5, name="once"
    )
    again = await lab.ping(
        await through(network, seed=11, thread=True), rate=60, duration=2.5, name="again"
    )
    first, second = (lab.percentile(run.delays(), 50) for run in (once, again))
    assert first.low <= second.value <= first.high
    assert second.low <= first.value <= second.high
    assert not lab.compare(once, again).differs
