"""Recordings as JSON Lines."""

from __future__ import annotations

import json
from pathlib import Path

import mbot_nb as mb


async def test_json_lines_hold_data_as_data(run: mb.Recording, tmp_path: Path) -> None:
    lines = run.save(tmp_path / "run.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["metadata"] == run.metadata
    events = [row for row in map(json.loads, lines) if row["table"] == "events"]
    assert [row["data"] for row in events] == [json.loads(text) for text in run.events.data]
