"""Recordings in files of many formats: each is read again as it was, and says what it is."""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from mcap.reader import make_reader

import mbot_nb as mb
from mbot_nb.recording.files import csv_file
from mbot_nb.recording.files.formats import FORMATS
from mbot_nb.recording.tables.schema import SCHEMA

FOLDERS = [name.lstrip(".") for name in FORMATS if name != ".mbot"]


@pytest.fixture
async def run(bot: mb.Client) -> mb.Recording:
    """A bit of everything, and texts that are hard to write down."""
    with mb.Recorder(bot, ping_rate=30, text=True) as rec:
        await bot.drive(40, 30, duration=0.2)
        with pytest.raises(mb.CommandRejectedError):
            await bot.send_command('say "ü,\n;"', words='zwei "Zeilen"\r\nund, ein Komma')
        for n in range(12):
            bot.send("set_led", r=n, g=0, b=0)
        bot.cut()
        async with asyncio.timeout(5):
            while not bot.connected:  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.005)
        await bot.display_text("")
        await bot.update_personality(curiosity_drive=0.1)
    return rec.to_recording()


def _same(found: mb.Recording, run: mb.Recording) -> None:
    for name in SCHEMA:
        pd.testing.assert_frame_equal(found.table(name), run.table(name), obj=name)
    assert found.metadata == run.metadata
    assert str(found.summary()) == str(run.summary())


@pytest.mark.parametrize("suffix", FORMATS)
async def test_one_file_is_read_again_as_it_was(
    run: mb.Recording, tmp_path: Path, suffix: str
) -> None:
    assert len(run.states) > 40
    assert len(run.connection) > 1
    path = run.save(tmp_path / "new folder" / f"run{suffix}")
    _same(mb.Recording.load(path), run)


@pytest.mark.parametrize("form", FOLDERS)
async def test_a_folder_is_read_again_as_it_was(
    run: mb.Recording, tmp_path: Path, form: str
) -> None:
    path = run.save(tmp_path / "run", folder=form)
    assert (path / "table=events" / f"part-0.{form}").is_file()
    assert json.loads((path / "metadata.json").read_text()) == run.metadata
    _same(mb.Recording.load(path), run)
    # A file of it alone is a recording, too.
    alone = mb.Recording.load(path / "table=latency" / f"part-0.{form}")
    pd.testing.assert_frame_equal(alone.latency, run.latency)
    assert len(alone.events) == 0


@pytest.mark.parametrize("suffix", FORMATS)
async def test_an_empty_recording_stays_one(bot: mb.Client, tmp_path: Path, suffix: str) -> None:
    rec = mb.Recorder(bot, ping_rate=0).stop().clear()
    run = rec.to_recording()
    found = mb.Recording.load(run.save(tmp_path / f"run{suffix}"))
    _same(found, run)


async def test_what_is_missing_at_the_end_is_kept_in_mind(
    run: mb.Recording, tmp_path: Path
) -> None:
    cut = mb.Recording(
        {name: run.arrow(name) for name in SCHEMA}, run.metadata, cut="the end is missing"
    )
    assert mb.Recording.load(cut.save(tmp_path / "run.parquet")).cut == "the end is missing"


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


async def test_csv_is_for_others_as_well(run: mb.Recording, tmp_path: Path) -> None:
    run.save(tmp_path / "run", folder="csv")
    found = pd.read_csv(tmp_path / "run" / "table=latency" / "part-0.csv", skiprows=1)
    assert found.rtt_ms.tolist() == run.latency.rtt_ms.tolist()


async def test_json_lines_hold_data_as_data(run: mb.Recording, tmp_path: Path) -> None:
    lines = run.save(tmp_path / "run.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["metadata"] == run.metadata
    events = [row for row in map(json.loads, lines) if row["table"] == "events"]
    assert [row["data"] for row in events] == [json.loads(text) for text in run.events.data]


async def test_mcap_is_read_by_its_own_reader(run: mb.Recording, tmp_path: Path) -> None:
    path = run.save(tmp_path / "run.mcap")
    with path.open("rb") as file:
        reader = make_reader(file)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        counts = {
            channel.topic.removeprefix("/"): summary.statistics.channel_message_counts.get(
                channel.id, 0
            )
            for channel in summary.channels.values()
        }
        assert counts == {name: run.total(name) for name in SCHEMA}
        messages = [(channel.topic, message) for _, channel, message in reader.iter_messages()]
        [metadata] = reader.iter_metadata()
    assert json.loads(metadata.metadata["metadata"]) == run.metadata
    times = [message.log_time for _, message in messages]
    assert times == sorted(times)
    events = [message for topic, message in messages if topic == "/events"]
    assert [message.log_time // 1000 for message in events] == sorted(
        run.events.wall.astype("int64")
    )
    assert all("data" in json.loads(message.data) for message in events)
    schema = json.loads(next(iter(summary.schemas.values())).data)
    assert schema["type"] == "object"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("run.csv", "a,b\n1,2\n", "first line"),
        (
            "run.jsonl",
            '{"table": "metadata", "metadata": {}}\n{"table": "evnts"}\n',
            "no row of a recording",
        ),
        ("run.jsonl", "hello\n", "no row of a recording"),
        ("run.mcap", "hello", "no MCAP file"),
        ("run.parquet", "hello", "no recording"),
        ("run.mbot", "hello", "does not begin"),
    ],
)
async def test_what_is_no_recording_is_told_so(
    tmp_path: Path, name: str, text: str, why: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(mb.UsageError, match=why):
        mb.Recording.load(path)


async def test_a_folder_without_tables_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(mb.UsageError, match="no tables"):
        mb.Recording.load(tmp_path)


async def test_what_cannot_be_saved_is_told(run: mb.Recording, tmp_path: Path) -> None:
    with pytest.raises(mb.UsageError, match=r"says no format.*\.parquet"):
        run.save(tmp_path / "run.xls")
    with pytest.raises(mb.UsageError, match="is no format"):
        run.save(tmp_path / "run", folder="mbot")
    with pytest.raises(mb.UsageError, match="No space left on device"):
        _full(run, tmp_path)
    assert os.listdir(tmp_path) == []
    with pytest.raises(mb.UsageError, match="cannot be written"):
        run.save("/proc/nothing/run.csv")


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


def _full(run: mb.Recording, tmp_path: Path) -> None:
    """A file on a device that is full."""
    os.symlink("/dev/full", tmp_path / ".run.mbot.part")
    run.save(tmp_path / "run.mbot")


@pytest.fixture
def page(run: mb.Recording, tmp_path: Path) -> str:
    text = run.to_html(tmp_path / "run.html")
    assert (tmp_path / "run.html").read_text(encoding="utf-8") == text
    return text


async def test_the_page_needs_nothing_else(page: str, run: mb.Recording) -> None:
    pictures = [
        "round trip",
        "Share of delays",
        "percentile",
        "Attempts to connect again",
        "size 10",
        "way driven",
    ]
    assert page.count("data:image/png;base64,") == len(pictures)
    alts = re.findall(r'<img [^>]*alt="([^"]*)"', page)
    assert [
        words for words, alt in zip(pictures, alts, strict=True) if words.lower() not in alt.lower()
    ] == [], alts
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    for name in SCHEMA:
        assert f"<h2>{name}</h2>" in page
    assert run.metadata["versions"]["mbot_nb"] in page
    assert "zwei" in page


async def test_a_run_without_a_cut_has_no_ladder(bot: mb.Client) -> None:
    with mb.Recorder(bot) as rec:
        await bot.ping()
    page = rec.to_html()
    assert "Share of delays" in page
    assert "Attempts to connect again" not in page


async def test_the_page_of_nothing_says_so(bot: mb.Client) -> None:
    page = mb.Recorder(bot, ping_rate=0).stop().to_html()
    assert "nothing to draw" in page


async def test_a_dataset_takes_them_all(run: mb.Recording, tmp_path: Path) -> None:
    from mbot_nb import lab

    for suffix in FORMATS:
        run.save(tmp_path / f"in one{suffix.replace('.', ' ')}{suffix}")
    run.save(tmp_path / "in many", folder="parquet")
    with lab.dataset(tmp_path) as runs:
        counts = dict(
            runs.sql("SELECT recording, count(*) FROM events GROUP BY recording").fetchall()
        )
    assert set(counts.values()) == {len(run.events)}
    assert len(counts) == len(FORMATS) + 1
