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
from tests.helpers.waiting import until

PATIENCE = 5.0


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
