"""A recorder's tables against what was done."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mbot_nb as mb
from mbot_nb.loops.monitor import LoopMonitor
from mbot_nb.recording.tables.schema import SCHEMA
from tests.helpers.waiting import until

PATIENCE = 5.0


async def test_events_are_those_that_subscribers_heard(bot: mb.Client) -> None:
    heard: list[mb.Event] = []
    bot.subscribe("*", heard.append)
    with mb.Recorder(bot, ping_rate=0) as rec:
        await bot.update_personality(curiosity_drive=0.9)
        await bot.drive(30, 30, duration=0.2)
    await bot.display_text("not recorded any more")
    events = rec.events
    heard = [event for event in heard if event.name != "connection"][: len(events)]
    assert events.name.tolist() == [event.name for event in heard]
    assert {"personality_changed", "command_result", "telemetry"} <= set(events.name)
    assert [json.loads(data) for data in events.data] == [event.data for event in heard]
    assert [None if number is pd.NA else number for number in events.sequence] == [
        event.sequence for event in heard
    ]
    assert events.time_s.tolist() == [event.received for event in heard]
    assert events.time_s.is_monotonic_increasing
    assert abs(events.wall.iloc[0].timestamp() - time.time()) < 10


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


async def test_commands_tell_their_way_and_their_end(server: mb.Server, bot: mb.Client) -> None:
    rec = mb.Recorder(bot, ping_rate=0)
    began = time.monotonic()
    await bot.drive(20, 20, duration=0.15)
    bot.send("set_led", r=1, g=2, b=3)
    with pytest.raises(mb.CommandRejectedError):
        await bot.send_command("nonsense")
    await bot.stop()
    rec.stop()
    commands = rec.commands
    assert commands.name.tolist() == ["drive", "set_led", "nonsense", "stop"]
    assert commands.outcome.tolist() == ["done", "delivered", "rejected", "done"]
    assert commands.sequence.tolist()[:3] == [1, 2, 3]
    assert commands.sequence[3] is pd.NA
    drive = commands.iloc[0]
    assert began <= drive.queued_s <= drive.sent_s <= drive.acknowledged_s <= drive.answered_s
    assert drive.answered_s - drive.sent_s >= 0.15
    assert drive.acknowledged_s - drive.sent_s < drive.answered_s - drive.sent_s
    assert "nonsense" in commands.error[2]
    assert commands.error.isna().tolist() == [True, True, False, True]
    assert rec.batches.messages.sum() == len(commands)


async def test_round_trips_are_those_of_the_client(bot: mb.Client) -> None:
    with mb.Recorder(bot, ping_rate=0) as rec:
        measured = [await bot.ping() for _ in range(5)]
    latency = rec.latency
    assert latency.rtt_ms.tolist() == pytest.approx([seconds * 1e3 for seconds in measured])
    assert (latency.received_s - latency.sent_s).tolist() == pytest.approx(measured)
    assert latency.id.is_unique


async def test_it_pings_at_its_own_rate(bot: mb.Client) -> None:
    rec = mb.Recorder(bot, ping_rate=50)
    await until(lambda: rec.total("latency") >= 15)
    rec.stop()
    gaps = rec.latency.sent_s.diff().dropna() * 1e3
    assert gaps.median() == pytest.approx(20, abs=8)
    await asyncio.sleep(0.1)
    count = rec.total("latency")
    await asyncio.sleep(0.1)
    assert rec.total("latency") == count


async def test_a_blocked_loop_shows_as_lag_not_as_network(bot: mb.Client) -> None:
    rec = mb.Recorder(bot, ping_rate=0)
    await until(lambda: LoopMonitor.of(bot.home.loop).pending is not None or rec.total("latency"))
    quick = [await bot.ping() for _ in range(20)]
    ping = asyncio.ensure_future(bot.ping())
    await asyncio.sleep(0)  # it is on its way
    time.sleep(0.3)  # noqa: ASYNC251 - the cell that blocks
    slow = await ping
    await until(lambda: rec.total("stalls"))
    rec.stop()
    latency, stalls = rec.latency, rec.stalls
    assert slow > 0.29
    last = latency.iloc[-1]
    assert last.rtt_ms == pytest.approx(slow * 1e3)
    # The loop is asked every 20 ms: so much of the block may be missed.
    assert last.loop_lag_ms > 250
    assert last.rtt_ms - last.loop_lag_ms < 50
    assert (latency.loop_lag_ms <= latency.rtt_ms + 1e-6).all()
    assert stalls.blocked_ms.max() == pytest.approx(last.loop_lag_ms, abs=20)
    summary = rec.summary()
    assert summary.round_trips == 21
    assert summary.held_up >= 1
    assert summary.latency_p99_ms is not None
    assert summary.latency_p99_ms <= max(quick) * 1e3 + 1e-3


async def test_a_block_that_ends_with_stop_is_not_lost(bot: mb.Client) -> None:
    """In a cell, nothing of the loop runs between the two."""
    rec = mb.Recorder(bot, ping_rate=0)
    await asyncio.sleep(0.05)
    time.sleep(0.2)  # noqa: ASYNC251 - the cell that blocks
    rec.stop()
    assert rec.stalls.blocked_ms.max() > 140


async def test_the_connection_s_cut_and_healing(bot: mb.Client) -> None:
    rec = mb.Recorder(bot, ping_rate=50)
    bot.cut(0.02)
    bot.send("display_text", text="away")
    await until(lambda: bot.connected)
    await bot.flush()
    connection = rec.connection
    assert connection.state.iloc[0] == "reconnecting"
    assert connection.previous.iloc[0] == "connected"
    assert "pulled" in connection.reason.iloc[0]
    assert connection.next_attempt_in_s.dropna().tolist() == pytest.approx([0, 0.05])
    last = connection.iloc[-1]
    assert (last.state, last.resumed) == ("connected", True)
    assert connection.time_s.is_monotonic_increasing
    assert rec.summary().reconnects == 1
    commands = rec.commands
    assert commands.outcome.tolist() == ["delivered"]
    assert commands.sent_s[0] >= last.time_s
    # It goes on pinging over the new connection.
    count = rec.total("latency")
    await until(lambda: rec.total("latency") > count + 2)


async def test_the_distance_driven_is_the_robot_s_own(server: mb.Server, bot: mb.Client) -> None:
    rec = mb.Recorder(bot, ping_rate=0)
    await bot.drive(60, 60, duration=0.5)
    robot = server.robot
    assert isinstance(robot, mb.SimulatedRobot)

    def complete() -> bool:
        return bool(
            json.loads(rec.events.data.iloc[-1]).get("driven")
            == pytest.approx(robot.distance_driven, abs=0.01)
        )

    await until(complete, "the last telemetry")
    first = json.loads(rec.events.data[rec.events.name == "telemetry"].iloc[0])["driven"]
    assert rec.summary().distance_cm == pytest.approx(robot.distance_driven - first, abs=0.02)
    assert robot.distance_driven > 10


async def test_several_recorders_hear_the_same(bot: mb.Client) -> None:
    one, two = mb.Recorder(bot, ping_rate=0), mb.Recorder(bot, ping_rate=0)
    await bot.set_led(1, 1, 1)
    two.stop()
    await bot.set_led(2, 2, 2)
    assert len(one.commands) == 2
    # Each reads the wall clock when it is made.
    pd.testing.assert_frame_equal(
        one.commands.head(1).drop(columns="wall"), two.commands.drop(columns="wall")
    )


async def test_what_was_cleared_is_not_called_dropped(bot: mb.Client) -> None:
    rec = mb.Recorder(bot, ping_rate=0)
    for n in range(1200):
        bot.send("set_led", r=n % 256, g=0, b=0)
    await bot.flush()
    rec.clear()
    assert rec.total("commands") == 1200
    assert "commands" not in repr(rec)
    await bot.set_led(1, 1, 1)
    rec.stop()
    assert "1 commands" in repr(rec)
    for told in (repr(rec), rec._repr_html_()):
        assert "dropped" not in told
    assert rec.summary().commands == rec.metadata["rows"]["commands"] == 1
    assert rec.to_recording().cut is None


async def test_a_summary_is_of_the_whole_run_also_where_memory_is_small(bot: mb.Client) -> None:
    small = mb.Recorder(bot, ping_rate=50, max_rows=5)
    large = mb.Recorder(bot, ping_rate=0)
    for columns_of in range(100):
        for n in range(30):
            bot.send("set_led", r=n, g=0, b=0)
        if columns_of % 10 == 0:
            await bot.drive(30, 30, duration=0.05)
    await bot.flush()
    small.stop(), large.stop()
    assert len(small.commands) == len(small.batches) == 5
    summary, expected = small.summary(), large.summary()
    assert (summary.commands, summary.frames) == (3010, expected.frames)
    assert f"3010 in {expected.frames} frames" in str(summary)
    assert summary.events == expected.events > 5
    assert summary.distance_cm == expected.distance_cm
    assert summary.distance_cm is not None
    assert summary.distance_cm > 0
    assert summary.cut is None
    assert "3010 in" in small.to_html()


async def test_stopping_starting_and_clearing(bot: mb.Client) -> None:
    rec = mb.Recorder(bot, ping_rate=0)
    await bot.set_led(1, 1, 1)
    rec.stop().stop()
    assert not rec.recording
    await bot.set_led(2, 2, 2)
    rec.start().start()
    assert rec.recording
    await bot.set_led(3, 3, 3)
    assert rec.commands.sequence.tolist() == [1, 3]
    rec.clear()
    assert len(rec.commands) == len(rec.batches) == 0
    await bot.set_led(4, 4, 4)
    assert rec.commands.sequence.tolist() == [4]
    async with rec as same:
        assert same is rec
    assert not rec.recording


async def test_closing_the_client_ends_it_with_the_last_word(bot: mb.Client) -> None:
    rec = mb.Recorder(bot)
    bot.send("display_text", text="bye")
    await bot.close()
    await asyncio.sleep(0)
    assert not rec.recording
    assert rec.connection.state.tolist() == ["disconnected"]
    assert rec.commands.outcome.tolist() == ["delivered"]
    seconds = rec.seconds
    await asyncio.sleep(0.01)
    assert rec.seconds == seconds
    with pytest.raises(mb.UsageError, match="closed"):
        rec.start()
    with pytest.raises(mb.UsageError, match="closed"):
        mb.Recorder(bot)


async def test_one_that_nobody_holds_ends_by_itself(bot: mb.Client) -> None:
    """As after a cell that made one was run again."""
    monitor = LoopMonitor.of(bot.home.loop)
    rec = mb.Recorder(bot)
    taps = len(bot._taps)
    assert monitor.watching
    rec = mb.Recorder(bot)
    gc.collect()
    assert len(bot._taps) == taps
    rec.stop()
    del rec
    gc.collect()
    assert not bot._taps
    assert not monitor.watching


async def test_only_the_newest_rows_are_kept(bot: mb.Client) -> None:
    rec = mb.Recorder(bot, ping_rate=0, max_rows=100)
    for n in range(1000):
        bot.send("set_led", r=n % 256, g=0, b=0)
    await bot.flush()
    rec.stop()
    assert len(rec.commands) == 100
    assert rec.commands.sequence.iloc[-1] == 1000
    assert rec.total("commands") == 1000
    assert "dropped" in repr(rec)
    assert "dropped" in rec._repr_html_()


async def test_frames_are_typed_before_anything_happens(bot: mb.Client) -> None:
    rec = mb.Recorder(bot, ping_rate=0)
    rec.stop()
    for name, columns in SCHEMA.items():
        frame = getattr(rec, name)
        assert list(frame.columns) == [column.name for column in columns]
        if name == "states":
            assert set(frame.revision) == {bot.revision}, "it begins with the state as it was"
        else:
            assert len(frame) == 0
        assert str(frame.dtypes["wall"]) == "datetime64[us, UTC]"
    empty = rec.events.dtypes.astype(str).to_dict()
    assert empty == {
        "time_s": "float64",
        "wall": "datetime64[us, UTC]",
        "name": "str",
        "sequence": "Int64",
        "data": "str",
    }
    summary = rec.summary()
    assert (summary.events, summary.commands, summary.frames) == (0, 0, 0)
    assert summary.distance_cm is None
    assert summary.latency_p50_ms is None
    assert "not measured" in str(summary)


def test_docstrings_name_their_columns() -> None:
    for name, columns in SCHEMA.items():
        words = getattr(mb.Recorder, name).__doc__
        for column in columns:
            assert f"`{column.name}`" in words, f"Recorder.{name} does not tell of {column.name}"


async def test_every_column_is_explained(bot: mb.Client) -> None:
    columns = mb.Recorder(bot, ping_rate=0).columns
    assert set(columns.table) == set(SCHEMA)
    assert columns.meaning.str.len().min() > 5


@pytest.mark.parametrize(
    "wrong", [{"ping_rate": -1}, {"ping_rate": float("nan")}, {"ping_rate": 1e6}, {"max_rows": 0}]
)
async def test_wrong_numbers_are_refused(bot: mb.Client, wrong: dict[str, Any]) -> None:
    with pytest.raises(mb.UsageError, match=next(iter(wrong))):
        mb.Recorder(bot, **wrong)


async def test_what_is_no_client_is_refused(server: mb.Server) -> None:
    with pytest.raises(mb.UsageError, match="SimulatedRobot"):
        mb.Recorder(server.robot)  # type: ignore[arg-type]
    forgotten = mb.connect(server)
    with pytest.raises(mb.UsageError, match="await"):
        mb.Recorder(forgotten)  # type: ignore[arg-type]
    async with forgotten:
        pass


def test_a_client_on_the_io_thread_is_recorded_from_here() -> None:
    """Rows are written on that thread while this one reads them."""
    with mb.sync.serve(mb.SimulatedRobot(seed=1), port=0) as server, mb.sync.connect(server) as bot:
        rec = mb.Recorder(bot, ping_rate=200)
        sizes = []
        for n in range(300):
            bot.send("set_led", r=n % 256, g=0, b=0)
            if n % 10 == 0:
                bot.ping()
                sizes.append(len(rec.commands))
        bot.flush()
        rec.stop()
        bot.ping()  # what was posted before has been done
        assert threading.current_thread() is threading.main_thread()
        assert sizes == sorted(sizes)
        assert rec.commands.sequence.tolist() == list(range(1, 301))
        assert rec.commands.outcome.tolist() == ["delivered"] * 300
        assert rec.total("latency") >= 30


async def test_a_gap_in_the_events_has_a_row(bot: mb.Client) -> None:
    heard: list[mb.Event] = []
    bot.subscribe("gap", heard.append)
    with mb.Recorder(bot, ping_rate=0) as rec:
        bot._session._on_gap(7, 9, time.monotonic())
        bot._link.pump()
    row = rec.events[rec.events.name == "gap"]
    assert (
        [json.loads(data) for data in row.data]
        == [{"expected": 7, "got": 9}]
        == [event.data for event in heard]
    )
    assert row.time_s.tolist() == [event.received for event in heard]
    assert row.sequence.isna().all()


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl", "mcap"])
async def test_a_path_of_another_format_is_refused_at_once(
    bot: mb.Client, tmp_path: Path, ending: str
) -> None:
    with pytest.raises(mb.UsageError, match=rf"run\.mbot.*rec\.save\('run\.{ending}'\)"):
        mb.Recorder(bot, path=tmp_path / f"run.{ending}")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("side", ["client", "server"])
async def test_nothing_is_recorded_in_a_pause(
    server: mb.Server, bot: mb.Client, tmp_path: Path, side: str
) -> None:
    rec = mb.Recorder(bot if side == "client" else server, path=tmp_path / "run.mbot")
    await bot.set_led(1, 0, 0)
    began = time.monotonic()
    rec.pause().pause()
    assert "paused" in repr(rec)
    assert not rec.recording
    await bot.set_led(2, 0, 0)
    rec.start()
    ended = time.monotonic()
    await bot.set_led(3, 0, 0)
    assert len(rec.commands) == 2
    rec.pause()
    rec.stop()
    rec.pause()
    assert "stopped" in repr(rec)
    run = mb.Recording.load(tmp_path / "run.mbot")
    assert run.cut is None
    assert len(run.commands) == 2
    (since, until), (_, never) = run.metadata["pauses"]
    assert began <= since < until <= ended
    assert never is None
