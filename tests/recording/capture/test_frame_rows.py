"""The frames of the wire as rows."""

from __future__ import annotations

import json
import time

import pandas as pd

import mbot_nb as mb
from tests.helpers.recordings import short_run
from tests.helpers.waiting import until


async def test_batches_are_the_frames(bot: mb.Client) -> None:
    rec = mb.Recorder(bot, ping_rate=0)
    before = bot.stats
    began = time.monotonic()
    for n in range(10):
        bot.send("set_led", r=n, g=0, b=0)
    full = time.monotonic()
    for n in range(3):
        bot.send("set_led", r=n, g=0, b=0)
    await until(lambda: rec.total("batches") == 2, "the window's end")
    waited = time.monotonic() - full
    await bot.set_led(0, 0, 0)
    await bot.stop()
    rec.stop()
    batches = rec.batches
    assert batches.reason.tolist() == ["size", "window", "flush", "urgent"]
    assert batches.messages.tolist() == [10, 3, 1, 1]
    assert batches.bytes.sum() == bot.stats.bytes_out - before.bytes_out
    assert batches.wait_max_ms[0] <= (full - began) * 1e3
    assert 95 < batches.wait_mean_ms[1] <= batches.wait_max_ms[1] <= waited * 1e3
    assert (batches.wait_mean_ms <= batches.wait_max_ms).all()


async def test_frames_are_the_wire(bot: mb.Client) -> None:
    before = bot.stats
    rec = await short_run(bot)
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
