"""Many recordings as one table."""

from __future__ import annotations

import builtins
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import mbot_nb as mb
from mbot_nb import lab
from mbot_nb.recording.recording import Recording
from mbot_nb.recording.tables.schema import SCHEMA
from tests.helpers.dataset_folders import events, rows, shelve, trips

COLUMNS = {
    name: ["recording", "robot", *(column.name for column in columns)]
    for name, columns in SCHEMA.items()
}


def computed(collection: Any) -> Any:
    """In this thread: Dask's own live on after the test."""
    return collection.compute(scheduler="synchronous")


def test_all_recordings_are_one_table(folder: Path) -> None:
    with lab.dataset(folder) as runs:
        found = runs.sql(
            "SELECT robot, recording, count(*) AS n FROM events GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        assert found == [("a", "class 7/first", 5), ("a", "monday", 10), ("b", "class 7/second", 3)]
        assert runs.sql(
            "SELECT robot, quantile_cont(rtt_ms, 0.5) FROM latency GROUP BY robot"
        ).fetchall() == [("a", 2.5)]
        assert runs.sql(
            "SELECT sum((data ->> 'n')::INT) FROM events WHERE recording = ?", ["monday"]
        ).fetchall() == [(45,)]


@pytest.mark.parametrize("name", SCHEMA)
def test_every_table_is_there_with_all_its_columns_also_when_it_is_empty(
    folder: Path, name: str
) -> None:
    with lab.dataset(folder) as runs:
        relation = getattr(runs, name)
        assert relation.columns == COLUMNS[name]
        frame = runs.to_pandas(name)
        assert list(frame.columns) == COLUMNS[name]
        assert len(frame) == {"events": 18, "latency": 4}.get(name, 0)
        assert list(runs.dask(name).columns) == COLUMNS[name]


@pytest.mark.parametrize("name", SCHEMA)
def test_columns_have_a_recorders_types(folder: Path, name: str) -> None:
    recorders = Recording({}, {}).table(name)
    with lab.dataset(folder) as runs:
        ours = runs.to_pandas(name)
        assert ours.dtypes.drop(["recording", "robot"]).to_dict() == recorders.dtypes.to_dict()


def test_dask_gives_the_same(folder: Path) -> None:
    with lab.dataset(folder) as runs:
        there = (
            computed(runs.dask("events"))
            .sort_values(["recording", "time_s"])
            .reset_index(drop=True)
        )
        here = runs.to_pandas("events").sort_values(["recording", "time_s"]).reset_index(drop=True)
        pd.testing.assert_frame_equal(there.astype(here.dtypes.to_dict()), here)
        partly = computed(runs.dask("latency").groupby("robot").rtt_ms.max())
        assert partly.to_dict() == {"a": 10.0}


def test_dask_reads_only_the_columns_it_needs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    original = pq.ParquetFile.read

    def read(self: pq.ParquetFile, columns: Any = None, **options: Any) -> pa.Table:
        asked.append(columns)
        return original(self, columns=columns, **options)

    with lab.dataset(folder) as runs:
        monkeypatch.setattr(pq.ParquetFile, "read", read)
        computed(runs.dask("latency")["rtt_ms"].max())
    assert asked == [["rtt_ms"], ["rtt_ms"]]


def test_without_dask_it_says_how_to_get_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("dask"):
            raise ModuleNotFoundError("No module named 'dask'")
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with (
        lab.dataset(folder) as runs,
        pytest.raises(mb.UsageError, match=r"python -m pip install 'dask\[dataframe\]'"),
    ):
        runs.dask("events")


def test_it_says_what_it_is(folder: Path) -> None:
    (folder / "broken").mkdir()
    (folder / "broken" / "events.parquet").write_bytes(b"PAR1 <nothing> PAR1")
    with lab.dataset(folder) as runs:
        hive = repr(runs)
        assert (
            "3 recordings of 2 robots, 18 events, 4 latency, 1 cut off at the end, 1 file damaged "
            "and left out"
        ) in hive
        shown = runs._repr_html_()
        assert "<code>runs.events</code></td><td>18</td>" in shown
        assert "<code>broken/events.parquet</code>: it cannot be read" in shown


def test_a_file_damaged_inside_is_found_by_verifying(folder: Path) -> None:
    path = folder / "monday" / "latency.parquet"
    data = bytearray(path.read_bytes())
    data[4:200] = os.urandom(196)
    path.write_bytes(data)
    with lab.dataset(folder) as runs:
        assert runs.damaged.empty, "its end is whole"
        with pytest.raises(mb.UsageError, match=r"a file is damaged inside .*`verify\(\)`"):
            runs.to_pandas("SELECT sum(sent_s), sum(received_s), min(wall) FROM latency")
        assert list(runs.verify().file) == ["monday/latency.parquet"]
        assert runs.to_pandas("latency").rtt_ms.tolist() == [10.0]
        assert runs.recordings.latency.sum() == 1


def test_files_of_earlier_versions_may_lack_columns(tmp_path: Path) -> None:
    shelve(tmp_path / "new", {"events": events(2)}, robot="a")
    shelve(tmp_path / "old", {"events": events(2).drop_columns(["sequence", "data"])}, robot="a")
    with lab.dataset(tmp_path) as runs:
        frame = runs.to_pandas("events")
        assert list(frame.columns) == COLUMNS["events"]
        assert frame[frame.recording == "old"].data.isna().all()
        assert computed(runs.dask("events")).data.notna().sum() == 2


def test_gaps_stay_gaps(tmp_path: Path) -> None:
    table = rows("commands", 2, sequence=[None, 2**53], sent_s=[None, 1.5], outcome=[None, "done"])
    shelve(tmp_path / "x", {"commands": table}, robot="a")
    with lab.dataset(tmp_path) as runs:
        for frame in (runs.to_pandas("commands"), computed(runs.dask("commands"))):
            assert frame.sequence.isna().tolist() == [True, False]
            assert frame.sequence[1] == 2**53
            assert np.isnan(frame.sent_s[0])
            assert frame.outcome.isna().tolist() == [True, False]


@pytest.mark.parametrize("query", ["SELECT * FROM evnts", "SELECT rtt FROM latency", "SELEC"])
def test_questions_that_cannot_be_understood_are_told_in_words(folder: Path, query: str) -> None:
    with lab.dataset(folder) as runs:
        with pytest.raises(mb.UsageError, match="The tables are recordings, events, latency"):
            runs.sql(query)
        assert runs.sql("SELECT 1").fetchall() == [(1,)]


def test_an_unknown_table_is_named(folder: Path) -> None:
    with lab.dataset(folder) as runs:
        for ask in (runs.table, runs.dask):
            with pytest.raises(mb.UsageError, match="there is no table 'evnts'; there are events"):
                ask("evnts")


def test_limits_that_duckdb_does_not_know_are_refused(folder: Path) -> None:
    with pytest.raises(mb.UsageError, match="memory_limit='lots'"):
        lab.dataset(folder, memory_limit="lots")
    with lab.dataset(folder, memory_limit="200MB", threads=1) as runs:
        assert runs.sql("SELECT current_setting('threads')").fetchall() == [(1,)]


def test_a_closed_dataset_says_so(folder: Path) -> None:
    runs = lab.dataset(folder)
    runs.close()
    runs.close()
    with pytest.raises(mb.UsageError, match="this dataset was closed: open it again"):
        runs.sql("SELECT 1")
    with pytest.raises(mb.UsageError, match="this dataset was closed"):
        runs.events  # noqa: B018


def test_what_does_not_fit_into_memory_is_sorted_on_disk(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    for number in range(4):
        shelve(
            tmp_path / str(number),
            {"latency": trips(generator.random(200_000).tolist())},
            robot="a",
        )
    with lab.dataset(tmp_path, memory_limit="30MB", threads=1) as runs:
        found = runs.sql(
            "SELECT count(*), max(gap) FROM (SELECT rtt_ms - lag(rtt_ms) OVER (ORDER BY rtt_ms) AS "
            "gap FROM latency)"
        ).fetchall()
        assert found[0][0] == 800_000
        assert 0 < found[0][1] < 1e-3


DOCS = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
QUERIES = [
    query.strip()
    for block in re.findall(r"```sql\n(.*?)```", DOCS, re.DOTALL)
    for query in block.split(";")
    if query.strip()
]


@pytest.mark.parametrize("query", QUERIES)
def test_the_questions_in_the_docs_can_be_asked(folder: Path, query: str) -> None:
    hive = [json.dumps({"driven": number / 2}) for number in range(4)]
    commands = rows(
        "commands",
        2,
        name=["drive", "drive"],
        outcome=["rejected", "done"],
        error=["STOPPED", None],
    )
    shelve(
        folder / "more",
        {"events": events(4, data=hive), "commands": commands},
        robot={"robotId": "c"},
    )
    with lab.dataset(folder) as runs:
        assert runs.sql(query).fetchall()


def test_there_are_questions_in_the_docs() -> None:
    assert len(QUERIES) >= 4
