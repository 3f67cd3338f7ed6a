"""The question to many recordings: every side answers the same, exactly, and is measured once a
round."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks import dataset_scan
from benchmarks.figures import Figure, compare
from benchmarks.harness import Samples


@pytest.mark.timeout(120)
async def test_every_side_answers_and_the_answers_are_held_against_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scans = dataset_scan.Scans(12, 500)
    for side in ("ours", "whole", "each"):
        assert 0 < await scans.sample(side, "seconds") < 60
        assert 10 < await scans.sample(side, "megabytes") < 2000
    assert {side: len(runs) for side, runs in scans._runs.items()} == {
        "ours": 1,
        "whole": 1,
        "each": 1,
    }
    assert scans._answer is not None
    assert set(scans._answer) == {f"robot-{number}" for number in range(10)}
    scans._answer["robot-3"] += 1e-6
    with pytest.raises(RuntimeError, match="one of them is not exact"):
        await scans.sample("ours", "seconds")


async def test_a_side_that_fails_says_why() -> None:
    scans = dataset_scan.Scans(1, 10)
    with pytest.raises(RuntimeError, match="KeyError: 'nobody'"):
        await scans.sample("nobody", "seconds")


def test_the_recordings_are_what_they_say(tmp_path: Path) -> None:
    dataset_scan.make_recordings(tmp_path, 3, 100)
    for number in range(3):
        for table in ("events", "latency"):
            assert (
                pq.read_metadata(
                    tmp_path / f"run{number:03}" / f"table={table}" / "part-0.parquet"
                ).num_rows
                == 100
            )
    first, second = (_rtt(tmp_path / f"run{number:03}") for number in range(2))
    assert first != second


def _rtt(recording: Path) -> list[float]:
    values: list[float] = (
        pq.ParquetFile(recording / "table=latency" / "part-0.parquet").read()["rtt_ms"].to_pylist()
    )
    return values


def test_the_goals_are_those_of_the_plan() -> None:
    figures = {comparison.name: comparison for comparison in dataset_scan.comparisons(1, 1)}
    assert set(figures) == {"dataset_scan", "dataset_scan_memory", "dataset_scan_each"}
    scan = figures["dataset_scan"]
    assert scan.theirs is not None
    for ours, met in ((1.0, True), (1.1, False)):
        samples = {scan.ours.name: Samples([ours]), scan.theirs.name: Samples([10.0])}
        figure = compare(scan, samples)
        assert isinstance(figure, Figure)
        assert figure.met is met
