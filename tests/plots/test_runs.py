"""Comparisons and sweeps are drawn with all their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import mbot_nb as mb
from mbot_nb import plots
from mbot_nb.lab import PingRun
from mbot_nb.plots.figure import STYLES
from tests.helpers.pictures import labels, texts, xs, ys


def test_a_comparison_tells_the_intervals_and_the_verdict(ping_run: Callable[..., PingRun]) -> None:
    near, far = ping_run("near"), ping_run("far", scale=4, seed=2)
    ax = plots.compare(near, far)
    assert "far is slower: median" in texts(ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["near\nn = 298", "far\nn = 298"]
    medians = [line for line in ax.lines if line.get_marker() == "o"]
    found = [float(np.median(run.delays())) * 1e3 for run in (near, far)]
    assert [xs(line)[0] for line in medians] == pytest.approx(found, rel=0.02)
    # 298 values do not tell the upper end of a p99.
    assert sum(line.get_marker() == ">" for line in ax.lines) == 2
    assert "no difference shown" in texts(plots.compare(near, near))


def test_a_sweep_is_one_figure_with_all_its_intervals(sweep_table: pd.DataFrame) -> None:
    ax = plots.sweep(sweep_table)
    assert "n = 72 experiments" in texts(ax)
    assert "repeated 2 times, seed 3" in texts(ax)
    assert labels(ax) == ["window 20 ms", "window 50 ms", "window 100 ms"]
    assert {"lan", "wifi", "internet"} <= {text.get_text() for text in ax.texts}
    assert [label.get_text() for label in ax.get_xticklabels()] == [
        "15/s",
        "50/s",
        "150/s",
        "500/s",
    ] * 3
    markers = {style.marker for style in STYLES[:3]}
    dots = [line for line in ax.lines if line.get_marker() in markers and len(xs(line)) == 1]
    assert sorted(ys(line)[0] for line in dots) == pytest.approx(sorted(sweep_table.p50_ms))
    assert not [
        line for line in ax.lines if line.get_marker() == "_" and not math.isfinite(ys(line)[0])
    ]
    open_ends = plots.sweep(sweep_table, figure="p99")
    assert "p99" in open_ends.get_ylabel()
    with pytest.raises(mb.UsageError, match="p50, p90"):
        plots.sweep(sweep_table, figure="p51")
    with pytest.raises(mb.UsageError, match="p90_ms"):
        plots.sweep(sweep_table, figure="p90")


def test_what_is_missing_of_a_sweep_is_told(sweep_table: pd.DataFrame) -> None:
    some = sweep_table.iloc[:20]
    some.attrs["missing"] = 52
    ax = plots.sweep(some)
    assert "n = 20 experiments" in texts(ax)
    assert "52 points not measured yet" in texts(ax)
