"""Which files of a folder are recordings, which recording and robot each belongs to, and which
cannot be read."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import mbot_nb as mb
from mbot_nb import lab
from tests.helpers.dataset_folders import events, shelve


def test_what_there_is_is_a_table_too(folder: Path) -> None:
    with lab.dataset(folder) as runs:
        hive = runs.recordings.set_index("recording")
        assert list(hive.index) == ["class 7/first", "class 7/second", "monday"]
        assert hive.loc["monday", "seconds"] == 1.5
        assert hive.loc["monday", "side"] == "client"
        assert hive.loc["monday", "started"] == pd.Timestamp("2026-11-25T20:00:00.500", tz="UTC")
        assert hive.loc["class 7/second", "cut"] == "the last second is missing"
        assert hive.events.to_dict() == {"class 7/first": 5, "class 7/second": 3, "monday": 10}
        joined = runs.sql(
            "SELECT count(*) FROM events JOIN recordings USING (recording) WHERE cut IS NULL"
        ).fetchall()
        assert joined == [(15,)]


def test_damaged_files_are_named_and_left_out(folder: Path) -> None:
    (folder / "monday" / "latency.parquet").write_bytes(b"")
    (folder / "monday" / "notes.parquet").write_bytes(b"")
    pq.write_table(pa.table({"x": [1]}), folder / "monday" / "stalls.parquet")
    with lab.dataset(folder) as runs:
        reasons = runs.damaged.set_index("file").reason
        assert set(reasons.index) == {
            "monday/latency.parquet",
            "monday/notes.parquet",
            "monday/stalls.parquet",
        }
        assert "cannot be read" in reasons["monday/latency.parquet"]
        assert "no table of a recording" in reasons["monday/notes.parquet"]
        assert "no column begin_s" in reasons["monday/stalls.parquet"]
        assert runs.sql("SELECT count(*) FROM latency").fetchall() == [(1,)]
        assert runs.sql("SELECT count(*) FROM events").fetchall() == [(18,)]


def test_a_folder_of_damaged_files_only_opens(tmp_path: Path) -> None:
    (tmp_path / "events.parquet").write_bytes(b"nothing")
    with lab.dataset(tmp_path) as runs:
        assert len(runs.damaged) == 1
        assert runs.recordings.empty
        assert runs.to_pandas("events").empty


def test_folders_that_say_what_they_are_are_understood(tmp_path: Path) -> None:
    for robot, name in (("r1", "one"), ("r2%20b", "two")):
        place = tmp_path / "events" / f"robot={robot}" / f"recording={name}"
        place.mkdir(parents=True)
        for part in range(2):
            pq.write_table(events(3), place / f"part-{part}.parquet")
    with lab.dataset(tmp_path) as runs:
        found = runs.sql(
            "SELECT robot, recording, count(*) FROM events GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        assert found == [("r1", "one", 6), ("r2 b", "two", 6)]
        assert len(runs.recordings) == 2


def test_a_folder_for_each_table_may_hold_a_file_for_each_recording(tmp_path: Path) -> None:
    for name in ("monday", "tuesday"):
        (tmp_path / "class 7" / "events").mkdir(parents=True, exist_ok=True)
        pq.write_table(events(3), tmp_path / "class 7" / "events" / f"{name}.parquet")
    with lab.dataset(tmp_path) as runs:
        assert runs.recordings.recording.tolist() == ["class 7/monday", "class 7/tuesday"]


def test_a_single_recording_is_called_like_its_folder(tmp_path: Path) -> None:
    shelve(tmp_path / "alone", {"events": events(1)}, robot="a")
    with lab.dataset(tmp_path / "alone") as runs:
        assert runs.recordings.recording.tolist() == ["alone"]
        assert runs.recordings.robot.tolist() == ["a"]


def test_names_may_hold_any_letters(tmp_path: Path) -> None:
    names = ["run [1]*", "it's?", "Grüße %", "run1"]
    for name in names:
        shelve(tmp_path / name, {"events": events(1)}, robot={"robotId": name})
    with lab.dataset(tmp_path) as runs:
        found = runs.sql("SELECT recording, robot FROM events").fetchall()
        assert sorted(found) == sorted((name, name) for name in names)


def test_robots_that_nobody_named_are_gaps(tmp_path: Path) -> None:
    shelve(tmp_path / "x", {"events": events(2)})
    with lab.dataset(tmp_path) as runs:
        assert runs.sql("SELECT DISTINCT robot FROM events").fetchall() == [(None,)]
        assert "1 recording of 0 robots" in repr(runs)


def test_folders_without_recordings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(mb.UsageError, match="does not exist"):
        lab.dataset(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(mb.UsageError, match="is a file, not a folder"):
        lab.dataset(tmp_path / "file")
    with pytest.raises(mb.UsageError, match="there are no recordings in"):
        lab.dataset(tmp_path)
