"""Recordings as Parquet."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

import mbot_nb as mb


async def test_parquet_is_for_others_as_well(run: mb.Recording, tmp_path: Path) -> None:
    run.save(tmp_path / "run.parquet")
    run.save(tmp_path / "run", folder="parquet")
    whole = pd.read_parquet(tmp_path / "run.parquet", filters=[("table", "==", "events")])
    assert whole.name.tolist() == run.events.name.tolist()
    assert whole.wall.tolist() == run.events.wall.tolist()
    parts = pd.read_parquet(tmp_path / "run" / "table=latency")
    assert parts.rtt_ms.tolist() == run.latency.rtt_ms.tolist()
    metadata = json.loads(pq.read_schema(tmp_path / "run.parquet").metadata[b"mbot_nb"])
    assert metadata["versions"]["mbot_nb"] == mb.__version__
