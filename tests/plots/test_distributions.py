"""Distributions hold every sample that was measured."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mbot_nb import plots
from mbot_nb.lab import PingRun
from tests.helpers.pictures import labels, line_of, texts


def test_the_distribution_is_that_of_the_samples(ping_run: Callable[..., PingRun]) -> None:
    run = ping_run("mine")
    values = np.sort(run.delays()) * 1e3
    ax = plots.ecdf(run)
    line = line_of(ax, "mine")
    assert line.get_xdata() == pytest.approx(values)
    assert line.get_ydata()[-1] == 1
    assert line.get_ydata()[len(values) // 2 - 1] == pytest.approx(0.5)
    everything = line_of(plots.ecdf(run, all_samples=True), "mine")
    assert everything.get_xdata().max() > 2900
    # On the percentile axis 50 % stand at 2, 90 % at 10, 99 % at 100.
    tail = line_of(plots.percentiles(run), "mine")
    assert np.interp(100, tail.get_xdata(), tail.get_ydata()) == pytest.approx(
        np.quantile(values, 0.99), rel=0.05
    )
    ticks = [label.get_text() for label in plots.percentiles(run).get_xticklabels()]
    assert ticks[:4] == ["0 %", "50 %", "90 %", "99 %"]


def test_the_histogram_holds_everything(ping_run: Callable[..., PingRun]) -> None:
    ax = plots.histogram(ping_run(), [0.001, 0.002, float("nan"), 0.004])
    for patch in ax.patches:
        heights, _, _ = patch.get_data()  # type: ignore[attr-defined]
        assert heights.sum() == pytest.approx(100)
    assert "1 lost" not in texts(ax)
    assert "n = 298 and 3" in texts(ax)


def test_the_heat_map_counts_every_answer(ping_run: Callable[..., PingRun]) -> None:
    run = ping_run()
    ax = plots.heatmap(run)
    mesh = ax.collections[0]
    assert np.ma.sum(np.ma.asarray(mesh.get_array())) == 498
    assert "n = 498" in texts(ax)
    assert labels(ax) == ["loop blocked (1)", "connection lost (1)"]
