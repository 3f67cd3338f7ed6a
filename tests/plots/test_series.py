"""What has delays to draw, and what they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mbot_nb as mb
from mbot_nb.lab import PingRun
from mbot_nb.plots.series import batchings, named, series_of


def test_a_run_says_what_was_held_up_and_what_is_at_its_ends(
    ping_run: Callable[..., PingRun],
) -> None:
    run = ping_run("near")
    series = series_of(run)
    assert series.name == "near"
    assert len(series.ms) + series.lost == len(run.samples)
    assert series.held.sum() == run.samples.stalled[run.samples[run.figure].notna()].sum() > 0
    assert 0 < series.ends.sum() < len(series.ms)
    assert len(series.stalls) == len(run.stalls)
    assert len(series.plain) == (~series.held & ~series.ends).sum()


def test_a_column_of_seconds_is_a_series_of_milliseconds() -> None:
    series = series_of([0.001, float("nan"), 0.003], "wait")
    assert list(series.ms) == [1.0, 3.0]
    assert series.lost == 1
    assert named(series, 0, 1) == "waits"
    assert named(series, 1, 2) == "waits 2"


async def test_a_recorder_has_its_round_trips(rec: mb.Recorder) -> None:
    series = series_of(rec)
    assert sorted(series.ms) == pytest.approx(sorted(rec.latency.rtt_ms))
    assert np.isfinite(series.t).all()


@pytest.mark.parametrize("source", [3, "text", {"a": 1}, [[1, 2], [3, 4]], None])
def test_what_has_no_delays_is_refused_with_what_has(source: Any) -> None:
    with pytest.raises(mb.UsageError, match=r"there are no delays to draw.*pass a recorder"):
        series_of(source)


async def test_batching_is_told_as_it_was_set(rec: mb.Recorder) -> None:
    settings = rec.metadata["settings"]
    ((_, size, words),) = batchings(rec.metadata)
    assert size == settings["max_batch_size"]
    assert words == f"window {settings['batch_window'] * 1e3:g} ms, size {size}"
    ((since, _, words),) = batchings({"settings": {**settings, "batch_window": 0}})
    assert (since, words) == (float("-inf"), "no batching"), "an earlier version's recording"
