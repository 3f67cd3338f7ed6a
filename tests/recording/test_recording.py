"""Recordings: what a recorder had, kept, written and read again."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import mbot_nb as mb
from mbot_nb.recording.tables.schema import SCHEMA
from tests.helpers.recordings import short_run


async def test_a_recording_has_the_recorder_s_tables(bot: mb.Client, tmp_path: Path) -> None:
    rec = await short_run(bot)
    run = rec.to_recording()
    loaded = mb.Recording.load(rec.save(tmp_path / "run.mbot"))
    assert loaded.cut is None
    for name in SCHEMA:
        live = getattr(rec, name)
        pd.testing.assert_frame_equal(getattr(run, name), live)
        pd.testing.assert_frame_equal(getattr(loaded, name), live)
        assert loaded.total(name) == len(live)
    assert len(rec.events) > 3
    assert str(loaded.summary()) == str(rec.summary())
    assert loaded.metadata == run.metadata == json.loads(json.dumps(run.metadata))


async def test_states_lead_to_the_state(server: mb.Server, bot: mb.Client) -> None:
    rec = await short_run(bot)
    run = rec.to_recording()
    assert run.state() == bot.state.to_dict()
    states = rec.states
    assert states.time_s.is_monotonic_increasing
    first = states[states.revision == states.revision.iloc[0]]
    assert set(first.field) > {"pose.x", "personality.curiosity_drive", "latch"}
    assert first.value[first.field == "latch"].tolist() == ["null"]
    changed = states[states.field == "personality.curiosity_drive"]
    assert changed.value.tolist()[-1] == "0.9"


async def test_round_trips_say_over_what_they_went(server: mb.Server) -> None:
    from mbot_nb import lab

    network = lab.network("wifi", seed=3)
    async with network.relay(server) as relay, mb.connect(relay.url) as bot:
        with mb.Recorder(bot, ping_rate=0) as rec:
            await bot.ping()
    assert set(rec.latency.impairment) == {"wifi"}
    assert set(rec.latency.profile) == {"extended"}
    assert rec.metadata["networks"][0]["seed"] == 3


async def test_waits_are_each_command_s(bot: mb.Client) -> None:
    rec = await short_run(bot)
    sent = rec.batches[rec.batches.direction == "out"]
    waits = [wait for text in sent.waits_ms for wait in json.loads(text)]
    own = (rec.commands.sent_s - rec.commands.queued_s) * 1e3
    assert waits == pytest.approx(own.tolist())
    assert sent.wait_max_ms.tolist() == pytest.approx(
        [max(json.loads(text)) for text in sent.waits_ms]
    )


async def test_a_file_that_is_none_says_so(tmp_path: Path) -> None:
    with pytest.raises(mb.UsageError, match="cannot be read"):
        mb.Recording.load(tmp_path / "nothing.mbot")
    other = tmp_path / "other.mbot"
    other.write_text("hello")
    with pytest.raises(mb.UsageError, match="no recording"):
        mb.Recording.load(other)
