"""Recordings as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mbot_nb as mb
from mbot_nb.recording.files import csv_file


async def test_csv_is_for_others_as_well(run: mb.Recording, tmp_path: Path) -> None:
    run.save(tmp_path / "run", folder="csv")
    found = pd.read_csv(tmp_path / "run" / "table=latency" / "part-0.csv", skiprows=1)
    assert found.rtt_ms.tolist() == run.latency.rtt_ms.tolist()


async def test_a_folder_stays_as_it_was_until_the_new_one_is_whole(
    run: mb.Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled, or without room, at the last table."""
    folder, new = tmp_path / "run", tmp_path / "new"
    mb.Recording(
        {"events": run.arrow("events")[:1], "stalls": run.arrow("stalls")[:1]}, {"seconds": 1.0}
    ).save(folder, folder="csv")
    (folder / "notes.txt").write_text("mine")

    def files() -> dict[str, bytes]:
        return {
            str(path.relative_to(tmp_path)): path.read_bytes()
            for path in tmp_path.rglob("*")
            if path.is_file()
        }

    before, write = files(), csv_file.write

    def fails(path: Path, tables: dict[str, Any], metadata: dict[str, Any]) -> None:
        write(path, tables, metadata)
        if "frames" in tables:
            raise mb.UsageError("you cancelled it")

    with monkeypatch.context() as patch:
        patch.setattr(csv_file, "write", fails)
        for place in (folder, new):
            with pytest.raises(mb.UsageError, match="you cancelled it"):
                run.save(place, folder="csv")
    assert files() == before
    assert not new.exists()
    run.save(folder, folder="csv")
    assert mb.Recording.load(folder).events.equals(run.events)
    run.save(folder, folder="parquet")
    assert {path.suffix for path in folder.rglob("part-*")} == {".parquet"}
    assert (folder / "notes.txt").read_text() == "mine"
    assert not list(folder.rglob("*.part"))
