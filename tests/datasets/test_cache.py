"""Recordings in a recorder's own format among those of a dataset."""

from __future__ import annotations

import itertools
import os
import random
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from mbot_nb import lab
from mbot_nb.datasets import index
from mbot_nb.datasets.cache import CACHE
from mbot_nb.recording.recording import Recording
from mbot_nb.recording.tables.schema import SCHEMA
from tests.helpers.dataset_folders import WALL, events, rows, shelve, trips


def record(path: Path, robot: str, tables: dict[str, pa.Table], **metadata: Any) -> Path:
    """Save a recording in the recorder's format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {name: table.drop_columns(["wall"]) for name, table in tables.items()}
    hive = {
        "robot": {"robotId": robot},
        "clocks": {"wall_offset_s": WALL},
        "seconds": 1.0,
        **metadata,
    }
    return Recording(plain, hive).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    record(
        folder / "one.mbot",
        "a",
        {"events": events(10), "latency": trips([1.0, 2.0])},
        side="client",
    )
    record(folder / "more" / "two.mbot", "b", {"events": events(5)})
    shelve(folder / "three", {"events": events(3)}, robot={"robotId": "b"})
    return folder


def counts(folder: Path) -> dict[str, int]:
    with lab.dataset(folder) as runs:
        return dict(runs.sql("SELECT recording, count(*) FROM events GROUP BY ALL").fetchall())


def test_all_formats_are_one_table(folder: Path) -> None:
    assert counts(folder) == {"one": 10, "more/two": 5, "three": 3}
    with lab.dataset(folder) as runs:
        assert runs.damaged.empty
        assert runs.recordings.set_index("recording").robot.to_dict() == {
            "more/two": "b",
            "one": "a",
            "three": "b",
        }
        assert runs.recordings.set_index("recording").side["one"] == "client"
        found = runs.to_pandas("events")
    one = (
        found[found.recording == "one"].drop(columns=["recording", "robot"]).reset_index(drop=True)
    )
    pd.testing.assert_frame_equal(one, Recording.load(folder / "one.mbot").events)


@pytest.mark.parametrize("name", SCHEMA)
def test_every_table_keeps_what_it_had(tmp_path: Path, name: str) -> None:
    record(tmp_path / "run.mbot", "a", {name: rows(name, 3)})
    with lab.dataset(tmp_path) as runs:
        expected = Recording.load(tmp_path / "run.mbot").table(name)
        for found in (
            runs.to_pandas(name),
            runs.dask(name).compute(scheduler="synchronous").astype(runs.to_pandas(name).dtypes),
        ):
            pd.testing.assert_frame_equal(found.drop(columns=["recording", "robot"]), expected)


def test_they_are_unpacked_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    original = Recording.load

    def load(path: str | Path) -> Recording:
        loaded.append(Path(path).name)
        return original(path)

    monkeypatch.setattr(Recording, "load", load)
    counts(folder)
    assert sorted(loaded) == ["one.mbot", "two.mbot"]
    counts(folder)
    assert len(loaded) == 2
    record(folder / "one.mbot", "a", {"events": events(4)})
    os.utime(folder / "one.mbot", ns=(1, 1))
    assert counts(folder)["one"] == 4
    assert loaded[2:] == ["one.mbot"]


def test_much_that_is_read_for_the_first_time_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "ANNOUNCED_BYTES", 100)
    counts(folder)
    assert "Reading 2 recordings for the first time" in capsys.readouterr().out
    counts(folder)
    assert capsys.readouterr().out == ""


def test_what_is_not_needed_any_more_goes(folder: Path) -> None:
    counts(folder)
    assert len(list((folder / CACHE).iterdir())) == 2
    (folder / "one.mbot").unlink()
    assert counts(folder) == {"more/two": 5, "three": 3}
    assert len(list((folder / CACHE).iterdir())) == 1


def test_where_nothing_can_be_written_a_temporary_place_will_do(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / CACHE).write_text("in the way")  # as a read-only disk is; root may write anywhere
    room = tmp_path / "temporary"
    room.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    with lab.dataset(folder) as runs:
        assert runs.sql("SELECT count(*) FROM events").fetchall() == [(18,)]
        assert len(list(room.iterdir())) == 1
    assert list(room.iterdir()) == []
    (folder / CACHE).unlink()


FORMS = {
    "tables in Parquet": {"path": "run", "folder": "parquet"},
    "run.mbot": {"path": "run.mbot"},
    "run.parquet": {"path": "run.parquet"},
    "run.csv": {"path": "run.csv"},
    "run.jsonl": {"path": "run.jsonl"},
    "run.mcap": {"path": "run.mcap"},
    "run": {"path": "run", "folder": "csv"},
}
"""A recording in all forms, the preferred ones first, and how it is saved so."""


PAIRS = [
    pair
    for pair in itertools.combinations(FORMS, 2)
    if len({FORMS[form]["path"] for form in pair}) == 2
]


@pytest.mark.parametrize(("taken", "other"), PAIRS)
def test_the_same_recording_in_two_forms_counts_once(
    tmp_path: Path, taken: str, other: str
) -> None:
    run = Recording(
        {"events": events(10).drop_columns(["wall"])}, {"clocks": {"wall_offset_s": WALL}}
    )
    for form in (other, taken):
        run.save(tmp_path / FORMS[form]["path"], folder=FORMS[form].get("folder"))
    with lab.dataset(tmp_path) as runs:
        assert runs.sql("SELECT recording, count(*) FROM events GROUP BY ALL").fetchall() == [
            ("run", 10)
        ]
        left_out = FORMS[other]["path"]
        assert runs.damaged.values.tolist() == [
            [left_out, f"its recording, run, is there already as {taken}"]
        ]
        assert "1 file left out as another form of a recording" in repr(runs)


def test_where_the_preferred_form_is_damaged_the_next_one_counts(tmp_path: Path) -> None:
    run = Recording(
        {"events": events(10).drop_columns(["wall"])}, {"clocks": {"wall_offset_s": WALL}}
    )
    for suffix in (".mbot", ".csv", ".mcap"):
        run.save(tmp_path / f"run{suffix}")
    (tmp_path / "run.mbot").write_bytes(b"nothing")
    with lab.dataset(tmp_path) as runs:
        assert runs.sql("SELECT count(*) FROM events").fetchall() == [(10,)]
        assert runs.damaged.file.tolist() == ["run.mbot", "run.mcap"]
        assert "is there already as run.csv" in runs.damaged.reason[1]
        assert "1 file damaged and left out" in repr(runs)


def test_one_that_was_cut_says_so_and_gives_what_it_has(folder: Path) -> None:
    path = folder / "one.mbot"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 30])
    with lab.dataset(folder) as runs:
        hive = runs.recordings.set_index("recording").cut
        assert "it was not ended in order" in hive["one"]
        assert pd.isna(hive["more/two"])
        assert "1 cut off at the end" in repr(runs)
        assert runs.sql("SELECT count(*) FROM events WHERE recording = 'one'").fetchall() == [(10,)]


def test_whatever_is_damaged_the_others_are_read(folder: Path) -> None:
    path = folder / "one.mbot"
    whole = path.read_bytes()
    chance = random.Random(1)
    for attempt in range(30):
        data = bytearray(whole)
        for _ in range(attempt % 5):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data[: chance.randrange(len(data))] if attempt % 3 else data)
        os.utime(path, ns=(attempt, attempt))
        with lab.dataset(folder) as runs:
            found = dict(runs.sql("SELECT recording, count(*) FROM events GROUP BY ALL").fetchall())
            assert found["more/two"] == 5
            assert found["three"] == 3
            known = set(runs.recordings.recording) | {
                file.removesuffix(".mbot") for file in runs.damaged.file
            }
            assert "one" in known, "it is there, or named"


def test_what_is_no_recording_is_named(folder: Path) -> None:
    (folder / "notes.mbot").write_text("drove well")
    with lab.dataset(folder) as runs:
        assert runs.damaged.file.tolist() == ["notes.mbot"]
        assert "no recording that this version can read" in runs.damaged.reason[0]


@pytest.mark.parametrize("suffix", [".mbot", ".parquet", ".csv", ".jsonl", ".mcap"])
def test_a_recording_may_be_a_file_of_any_format(folder: Path, suffix: str) -> None:
    run = Recording.load(folder / "one.mbot")
    run.save(folder / "more" / f"again{suffix}")
    with lab.dataset(folder) as runs:
        assert runs.damaged.empty
        found = runs.to_pandas("SELECT * FROM events WHERE recording = 'more/again'")
        assert found.robot.unique().tolist() == ["a"]
        assert found.time_s.tolist() == run.events.time_s.tolist()
        assert found.data.tolist() == run.events.data.tolist()
        assert runs.sql(
            "SELECT sum(rtt_ms) FROM latency WHERE recording = 'more/again'"
        ).fetchall() == [(3.0,)]


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl", "mcap"])
def test_a_recording_may_be_a_folder_of_any_format(folder: Path, suffix: str) -> None:
    run = Recording.load(folder / "one.mbot")
    run.save(folder / "more" / "again", folder=suffix)
    with lab.dataset(folder) as runs:
        assert runs.damaged.empty
        assert sorted(runs.recordings.recording) == ["more/again", "more/two", "one", "three"]
        found = runs.to_pandas("SELECT * FROM events WHERE recording = 'more/again'")
        assert found.robot.unique().tolist() == ["a"]
        assert found.data.tolist() == run.events.data.tolist()
        assert runs.sql(
            "SELECT sum(rtt_ms) FROM latency WHERE recording = 'more/again'"
        ).fetchall() == [(3.0,)]
    with lab.dataset(folder / "more" / "again") as alone:
        assert alone.recordings.recording.tolist() == ["again"]


def test_what_a_recorder_says_of_itself_is_there(tmp_path: Path) -> None:
    record(tmp_path / "run.mbot", "a", {"events": events(2)}, side="server", seconds=2.5)
    Recording.load(tmp_path / "run.mbot").save(tmp_path / "copy", folder="parquet")
    with lab.dataset(tmp_path) as runs:
        assert (
            runs.recordings[["side", "seconds", "robot"]].values.tolist()
            == [["server", 2.5, "a"]] * 2
        )
