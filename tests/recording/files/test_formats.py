"""Recordings in files of many formats: each is read again as it was, and says what it is."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pandas as pd
import pytest

import mbot_nb as mb
from mbot_nb.recording.files.formats import FORMATS
from mbot_nb.recording.tables.schema import SCHEMA

FOLDERS = [name.lstrip(".") for name in FORMATS if name != ".mbot"]


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
