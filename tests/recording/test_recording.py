"""Recordings: what a recorder had, kept, written and read again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pandas as pd
import pytest

import mbot_nb as mb
from mbot_nb.recording.tables.schema import SCHEMA


async def _run(bot: mb.Client) -> mb.Recorder:
    with mb.Recorder(bot, ping_rate=20, text=True) as rec:
        await bot.drive(40, 30, duration=0.2)
        for n in range(12):
            bot.send("set_led", r=n, g=0, b=0)
        await bot.flush()
        await bot.update_personality(curiosity_drive=0.9)
        await bot.stop()
        await asyncio.sleep(0.1)
    return rec


async def test_a_recording_has_the_recorder_s_tables(bot: mb.Client, tmp_path: Path) -> None:
    rec = await _run(bot)
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


async def test_the_metadata_say_how_it_was(bot: mb.Client) -> None:
    rec = await _run(bot)
    metadata = rec.to_recording().metadata
    assert metadata["versions"]["mbot_nb"] == mb.__version__
    assert metadata["settings"]["max_batch_size"] == bot.settings.max_batch_size
    assert metadata["seed"] == 1, "of the robot of the fixture"
    assert metadata["robot"]["robotId"] == "simulated-mbot2"
    assert metadata["clocks"]["offset"]["bound_s"] < 0.1
    assert metadata["rows"]["events"] == len(rec.events)
    assert metadata["seconds"] == pytest.approx(rec.seconds, abs=1e-5)
    assert metadata["cell"] is None, "this is no notebook"


async def test_states_lead_to_the_state(server: mb.Server, bot: mb.Client) -> None:
    rec = await _run(bot)
    run = rec.to_recording()
    assert run.state() == bot.state.to_dict()
    states = rec.states
    assert states.time_s.is_monotonic_increasing
    first = states[states.revision == states.revision.iloc[0]]
    assert set(first.field) > {"pose.x", "personality.curiosity_drive", "latch"}
    assert first.value[first.field == "latch"].tolist() == ["null"]
    changed = states[states.field == "personality.curiosity_drive"]
    assert changed.value.tolist()[-1] == "0.9"


async def test_frames_are_the_wire(bot: mb.Client) -> None:
    before = bot.stats
    rec = await _run(bot)
    after = bot.stats
    frames = rec.frames
    by_frame = frames.drop_duplicates("frame")
    assert (by_frame.direction == "out").sum() == after.frames_out - before.frames_out
    assert (by_frame.direction == "in").sum() == after.frames_in - before.frames_in
    assert frames.frame.is_monotonic_increasing
    out = frames[(frames.direction == "out") & (frames.type == "command")]
    assert out.sequence.dropna().tolist() == rec.commands.sequence.dropna().tolist()
    batched = out[out.batch.notna()]
    assert batched.groupby("frame").position.agg(list).tolist()[0] == list(range(10))
    alone = frames[frames.batch.isna() & (frames.direction == "out")]
    in_batches = rec.batches[rec.batches.messages > 1]
    wrapped = (in_batches.bytes[in_batches.direction == "out"]).sum()
    assert alone.bytes.sum() + wrapped == after.bytes_out - before.bytes_out
    decoded = [json.loads(text) for text in frames.text]
    assert [message["type"] for message in decoded] == frames.type.tolist()
    assert [message.get("sequence", pd.NA) for message in decoded] == frames.sequence.tolist()
    assert [len(text.encode()) for text in frames.text] == frames.bytes.tolist()


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
    rec = await _run(bot)
    sent = rec.batches[rec.batches.direction == "out"]
    waits = [wait for text in sent.waits_ms for wait in json.loads(text)]
    own = (rec.commands.sent_s - rec.commands.queued_s) * 1e3
    assert waits == pytest.approx(own.tolist())
    assert sent.wait_max_ms.tolist() == pytest.approx(
        [max(json.loads(text)) for text in sent.waits_ms]
    )


async def test_expanding_decodes_json_into_columns(bot: mb.Client) -> None:
    rec = await _run(bot)
    told = rec.expand("data", name="telemetry")
    texts = rec.events.data[rec.events.name == "telemetry"]
    assert told["data.x"].tolist() == [json.loads(text)["x"] for text in texts]
    assert "data" not in told.columns
    assert len(rec.expand()) == len(rec.events)
    assert rec.to_recording().expand("value")["value"].dtype == object
    with pytest.raises(mb.UsageError, match="waits_ms"):
        rec.expand("name")


async def test_a_file_that_is_none_says_so(tmp_path: Path) -> None:
    with pytest.raises(mb.UsageError, match="cannot be read"):
        mb.Recording.load(tmp_path / "nothing.mbot")
    other = tmp_path / "other.mbot"
    other.write_text("hello")
    with pytest.raises(mb.UsageError, match="no recording"):
        mb.Recording.load(other)
