"""Experiments from nothing to a row of numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from mbot_nb.lab import Network, measure_throughput, sweep


async def test_the_lab_itself_is_swept(tmp_path: Path) -> None:
    table = await sweep(
        {
            "batch_window": [0.0, 0.05],
            "network": ["perfect", Network(0.01)],
            "rate": 100,
            "duration": 0.5,
        },
        path=tmp_path / "sweep.jsonl",
        progress=False,
    )
    assert len(table) == 4
    assert table["network"].tolist() == ["perfect", "Network(delay=0.01)"] * 2
    assert (table["lost"] == 0).all()
    assert (table["longest_gap_ms"] > 0).all()
    assert (table["gaps"] >= 0).all()
    near, far = table["p50_ms"][::2].to_numpy(), table["p50_ms"][1::2].to_numpy()
    assert (far - near > 10).all()  # 20 ms more, on a machine that may be busy
    assert (table["p50_low_ms"] <= table["p50_ms"]).all()
    assert table["messages_per_frame"].iloc[0] == 1
    assert table["messages_per_frame"].iloc[2] > 3
    assert table["wait_ms"].iloc[2] == pytest.approx(table["expected_wait_ms"].iloc[2], rel=0.4)


async def test_throughput_grows_with_the_batch() -> None:
    table = await sweep(
        {"max_batch_size": [1, 50], "duration": 0.2},
        measure=measure_throughput,
        repeat=2,
        progress=False,
    )
    alone, shared = table.groupby("max_batch_size")["messages_per_s"].max()
    assert shared > 1.3 * alone
    assert table["messages_per_frame"].max() > 20
    assert table["messages_per_frame"].min() == pytest.approx(1, abs=0.05)
