"""A recorder's rows from its file, from what waits to be written, and from memory: all of them,
each once."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb.recording.files.spilled import with_spilled
from mbot_nb.recording.files.writer import Writer
from mbot_nb.recording.tables.command_table import CommandTable
from mbot_nb.recording.tables.schema import SCHEMA
from mbot_nb.recording.tables.table import Table


async def _many(bot: mb.Client, count: int = 6000) -> None:
    for n in range(count):
        bot.send("set_led", r=n % 256, g=0, b=0)
        if n % 500 == 0:
            await bot.drain()
    await bot.flush()


@pytest.mark.parametrize(
    "place", ["missing/run.mbot", None], ids=["unwritable path", "no temporary file"]
)
async def test_saving_elsewhere_has_what_could_not_be_written(
    bot: mb.Client, tmp_path: Path, place: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "not there"))
    rec = mb.Recorder(
        bot, ping_rate=0, max_rows=100, path=None if place is None else tmp_path / place
    )
    await _many(bot)
    rec.stop()
    assert rec.trouble is not None or place is None
    run = mb.Recording.load(rec.save(tmp_path / "elsewhere.mbot"))
    assert rec.trouble is not None, "it was to be written at a place that takes nothing"
    assert run.cut is None
    assert run.commands.sequence.tolist() == list(range(1, 6001))
    assert set(run.commands.outcome) == {"delivered"}
    assert (run.frames.frame.diff().dropna() >= 0).all()
    assert run.frames[run.frames.type == "command"].sequence.tolist() == list(range(1, 6001))
    assert run.metadata["rows"] == {name: rec.total(name) for name in SCHEMA}


async def test_what_is_missing_is_said(
    bot: mb.Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL, "mbot_nb"):
        rec = mb.Recorder(bot, ping_rate=0, max_rows=100, path=tmp_path / "missing" / "run.mbot")
        rec._listener.writer._max_waiting = 3000  # rows that may wait
        await _many(bot)
        rec.stop()
        run = rec.to_recording()
    remark = re.search(r"; (\d+) rows are lost", repr(rec))
    assert remark is not None
    lost = int(remark[1])
    assert lost > 0
    assert run.cut == f"{lost} rows could not be written"
    assert sum(run.total(name) for name in SCHEMA) == sum(rec.total(name) for name in SCHEMA) - lost
    assert run.cut in str(rec.summary())
    for suffix in (".mbot", ".csv"):
        assert mb.Recording.load(run.save(tmp_path / f"elsewhere{suffix}")).cut == run.cut


@contextmanager
def _tables(max_rows: int) -> Iterator[tuple[dict[str, Any], Writer]]:
    tables: dict[str, Any] = {
        name: Table(name, columns, max_rows=max_rows, wall_offset=0.0)
        for name, columns in SCHEMA.items()
        if name != "commands"
    }
    tables["commands"] = CommandTable(SCHEMA["commands"], max_rows=max_rows, wall_offset=0.0)
    writer = Writer({name: tables[name] for name in SCHEMA}, None, dict, lambda: True)
    try:
        yield tables, writer
    finally:
        writer.finish()


def test_what_leaves_memory_meanwhile_is_there_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the client lives on the I/O thread: it goes on while its rows are put together."""
    with _tables(max_rows=1000) as (tables, writer):
        events, n = tables["events"], 0

        def more(count: int) -> None:
            nonlocal n
            for _ in range(count):
                events.append(float(n), "said", n, "{}")
                n += 1

        more(5000)
        # Whenever something is looked at, as much comes as turns the whole memory over.
        for owner, name in (
            (Table, "packed"),
            (Writer, "sync"),
            (Writer, "waiting"),
            (Writer, "read"),
        ):
            original = getattr(owner, name)

            def between(self: Any, original: Any = original) -> Any:
                more(2000)
                found = original(self)
                more(2000)
                return found

            monkeypatch.setattr(owner, name, between)
        whole, missing = with_spilled(tables, writer)
        found = whole["events"].column("sequence").to_pylist()
        assert missing == 0
        assert len(found) >= 5000
        assert found == list(range(len(found)))


def test_what_is_cleared_meanwhile_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with _tables(max_rows=1000) as (tables, writer):
        for n in range(5000):
            tables["events"].append(float(n), "said", n, "{}")
        original = Writer.read

        def clearing(self: Writer) -> Any:
            found = original(self)
            tables["events"].clear()
            self.clear()
            return found

        monkeypatch.setattr(Writer, "read", clearing)
        whole, missing = with_spilled(tables, writer)
        assert (whole["events"].num_rows, missing) == (0, 0)


async def test_a_recorder_with_a_small_memory_is_replayed_from_its_beginning() -> None:
    async with mb.serve(mb.SimulatedRobot(seed=1), port=0) as server, mb.connect(server) as bot:
        with mb.Recorder(bot, ping_rate=0, max_rows=20) as rec:
            first = bot.state.to_dict()
            for n in range(600):
                bot.send("update_personality", curiosity_drive=(n % 7) / 10)
            await bot.flush()
        assert len(rec.states) < rec.total("states"), (
            "the state that is told at the beginning has left memory"
        )
        replay = mb.ReplayRobot(rec)
    state = replay.state()
    assert state.keys() == first.keys() | {"replay"}
    assert state["arena"] == first["arena"]
