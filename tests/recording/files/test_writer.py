"""Recording into a file: nothing but the last second is lost to a kill, and a disk that is full
ends no run."""

from __future__ import annotations

import asyncio
import logging
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

import mbot_nb as mb
from mbot_nb.recording.files.mbot_blocks import HEAD, MAGIC
from mbot_nb.recording.tables.schema import SCHEMA
from tests.helpers.killed_recorder import PAUSE
from tests.helpers.waiting import until

PATIENCE = 10.0


def _same(run: mb.Recording, rec: mb.Recorder) -> None:
    for name in SCHEMA:
        pd.testing.assert_frame_equal(getattr(run, name), getattr(rec, name), obj=name)


async def test_the_file_has_what_the_recorder_has(bot: mb.Client, tmp_path: Path) -> None:
    path = tmp_path / "run.mbot"
    rec = mb.Recorder(bot, ping_rate=50, path=path, text=True)
    for n in range(30):
        bot.send("set_led", r=n, g=0, b=0)
    with pytest.raises(mb.CommandRejectedError):
        await bot.send_command("nonsense")
    await bot.drive(30, 30, duration=0.6)
    bot.cut()
    await until(lambda: bot.connected, "the connection")
    await bot.flush()
    rec.stop()
    run = mb.Recording.load(path)
    assert run.cut is None
    _same(run, rec)
    assert run.metadata == rec.metadata
    assert len(run.connection) > 1


async def test_it_goes_on_after_a_pause(bot: mb.Client, tmp_path: Path) -> None:
    path = tmp_path / "run.mbot"
    rec = mb.Recorder(bot, ping_rate=0, path=path)
    await bot.set_led(1, 1, 1)
    rec.stop()
    await bot.set_led(2, 2, 2)
    rec.start()
    await bot.set_led(3, 3, 3)
    rec.clear()
    await bot.set_led(4, 4, 4)
    await bot.set_led(5, 5, 5)
    rec.stop()
    run = mb.Recording.load(path)
    assert run.commands.sequence.tolist() == [4, 5]
    _same(run, rec)
    assert run.cut is None


async def test_it_is_written_while_a_cell_blocks(bot: mb.Client, tmp_path: Path) -> None:
    """The thread that writes is not the one that is blocked."""
    path = tmp_path / "run.mbot"
    rec = mb.Recorder(bot, ping_rate=0, path=path)
    await bot.set_led(1, 1, 1)
    deadline = time.monotonic() + PATIENCE
    while len(mb.Recording.load(path).commands) < 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)  # noqa: ASYNC251 - the cell that blocks
    run = mb.Recording.load(path)
    assert run.cut is not None
    assert "not ended in order" in run.cut
    rec.stop()
    assert mb.Recording.load(path).cut is None


async def test_an_earlier_file_is_kept(
    bot: mb.Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.mbot"
    for n in range(3):
        rec = mb.Recorder(bot, ping_rate=0, path=path)
        for _ in range(n):
            await bot.set_led(1, 1, 1)
        rec.stop()
    assert [
        len(mb.Recording.load(tmp_path / name).commands)
        for name in ("run.1.mbot", "run.2.mbot", "run.mbot")
    ] == [0, 1, 2]
    assert "run.1.mbot now" in capsys.readouterr().out


@pytest.mark.parametrize("cut", ["middle of the body", "middle of the head", "a byte that changed"])
async def test_a_torn_end_is_cut_off_and_told(bot: mb.Client, tmp_path: Path, cut: str) -> None:
    path = tmp_path / "run.mbot"
    rec = mb.Recorder(bot, ping_rate=0, path=path)
    await bot.set_led(1, 1, 1)
    rec.stop()
    rec.start()
    await bot.set_led(2, 2, 2)
    rec.stop()
    data = path.read_bytes()
    # The last block is the end, before it the metadata, before that rows.
    at, starts = len(MAGIC), []
    while at < len(data):
        starts.append(at)
        at += HEAD.size + HEAD.unpack_from(data, at)[4]
    last_rows = starts[-3]
    if cut == "middle of the body":
        torn = data[: last_rows + HEAD.size + 40]
    elif cut == "middle of the head":
        torn = data[: last_rows + 7]
    else:
        torn = data[: last_rows + HEAD.size + 40] + b"\xff" + data[last_rows + HEAD.size + 41 :]
    path.write_bytes(torn)
    run = mb.Recording.load(path)
    assert run.cut is not None
    assert f"{len(torn) - last_rows} bytes of an unfinished block were cut off" in run.cut
    assert run.cut in repr(run)
    assert run.commands.sequence.tolist()[0] == 1
    assert run.seconds > 0


@pytest.mark.timeout(60)
def test_a_killed_process_loses_the_last_second_at_most(tmp_path: Path) -> None:
    path = tmp_path / "run.mbot"
    program = [
        sys.executable,
        str(Path(__file__).parents[2] / "helpers" / "killed_recorder.py"),
        str(path),
    ]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = []
        try:
            for line in process.stdout:
                told.append([float(word) for word in line.split()])
                if len(told) > 2 and told[-1][0] - told[0][0] > PAUSE + 2.5:
                    break
        finally:
            process.kill()
            process.wait()
    over, killed = time.monotonic(), told[-1][0]
    run = mb.Recording.load(path)
    assert run.cut is not None
    assert "not ended in order" in run.cut
    # Every row that was there a second before the end is there.
    _, seconds, events, commands, latency, frames = max(
        row for row in told if row[0] < killed - 1.0
    )
    assert len(run.events) >= events
    assert len(run.latency) >= latency
    assert len(run.frames) >= frames
    assert len(run.commands) >= commands > 100
    assert run.commands.sequence.tolist() == list(range(1, len(run.commands) + 1))
    early = run.commands[run.commands.queued_s < killed - 1.0]
    assert early.outcome.tolist()[:2] == ["done", "rejected"]
    assert set(early.outcome[2:]) == {"delivered"}
    [[paused, resumed]] = run.metadata["pauses"]
    assert resumed - paused >= PAUSE
    assert seconds <= run.seconds <= told[-1][1] + over - killed, "without the pause"
    assert run.metadata["rows"] == {name: run.total(name) for name in SCHEMA}
    assert run.metadata["seed"] == 1
    assert run.state()["pose"]["x"] > 0


async def test_what_a_kill_leaves_knows_of_pauses_and_rows(bot: mb.Client, tmp_path: Path) -> None:
    """The file as it would lie there if the process had been killed at this moment."""
    path = tmp_path / "run.mbot"

    def found() -> mb.Recording:
        rec._listener.writer.sync()
        run = mb.Recording.load(path)
        assert run.cut is not None
        assert run.metadata["rows"] == {name: run.total(name) for name in SCHEMA}
        assert "since_s" not in run.metadata
        return run

    rec = mb.Recorder(bot, ping_rate=0, path=path)
    await bot.set_led(1, 1, 1)
    rec.pause()
    paused_at = rec.seconds
    await asyncio.sleep(0.3)
    run = found()
    assert run.metadata["pauses"] == rec.metadata["pauses"]
    assert run.metadata["pauses"][0][1] is None
    assert run.seconds == pytest.approx(paused_at, abs=1e-5)
    assert run.total("commands") == 1
    rec.start()
    await bot.set_led(2, 2, 2)
    now = rec.seconds
    run = found()
    assert run.metadata["pauses"] == rec.metadata["pauses"]
    assert run.metadata["pauses"][0][1] is not None
    assert paused_at < run.seconds == pytest.approx(now, abs=0.2)
    rec.stop()
    await asyncio.sleep(0.3)
    rec.start()
    await bot.set_led(3, 3, 3)
    run = found()
    assert run.seconds == pytest.approx(rec.seconds, abs=0.2), (
        "what was not recorded does not count, paused or stopped"
    )
    rec.clear()
    await bot.set_led(4, 4, 4)
    run = found()
    assert run.seconds == pytest.approx(rec.seconds, abs=0.1)
    assert run.metadata["pauses"] == []
    assert run.metadata["rows"]["commands"] == 1
    rec.stop()


@contextmanager
def _files_at_most(nbytes: int) -> Iterator[None]:
    """The system refuses to let any file of this process grow beyond this, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (nbytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_is_told_and_the_run_goes_on(
    bot: mb.Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "run.mbot"
    rec = mb.Recorder(bot, ping_rate=0, path=path, text=True)
    await bot.set_led(1, 1, 1)
    await until(lambda: mb.Recording.load(path).total("commands"), "the file's first command")
    size = path.stat().st_size
    with caplog.at_level(logging.ERROR, "mbot_nb"), _files_at_most(size + 100):
        await bot.set_led(2, 2, 2)
        await until(lambda: rec.trouble and caplog.messages, "the trouble")
        await bot.set_led(3, 3, 3)
    [complaint] = caplog.messages
    assert "cannot be written: File too large" in complaint
    assert "goes on in memory" in complaint
    assert "File too large" in repr(rec)
    assert len(rec.commands) == 3, "the run goes on"
    assert path.stat().st_size == size, "no half of a block is left"
    assert mb.Recording.load(path).commands.sequence.tolist() == [1]
    # Somebody makes room, and it is all there.
    rec.stop()
    assert rec.trouble is None
    run = mb.Recording.load(path)
    assert run.cut is None
    _same(run, rec)


@pytest.mark.parametrize("path", ["missing/run.mbot", "/proc/run.mbot"])
async def test_a_folder_that_takes_nothing_is_told(
    bot: mb.Client, tmp_path: Path, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    rec = mb.Recorder(bot, ping_rate=0, path=tmp_path / path)
    assert rec.trouble is not None
    assert "No such file or directory" in rec.trouble
    [complaint] = [message for message in caplog.messages if "cannot be written" in message]
    assert "the run goes on in memory" in complaint
    await bot.set_led(1, 1, 1)
    rec.stop()
    assert len(rec.commands) == 1
    assert len(mb.Recording.load(rec.save(tmp_path / "elsewhere.mbot")).commands) == 1


async def test_what_leaves_memory_comes_back(bot: mb.Client) -> None:
    rec = mb.Recorder(bot, ping_rate=0, max_rows=200)
    for n in range(6000):
        bot.send("set_led", r=n % 256, g=0, b=0)
        if n % 500 == 0:
            await bot.drain()
    await bot.flush()
    rec.stop()
    assert len(rec.commands) == 200
    assert "dropped from memory" in repr(rec)
    run = rec.to_recording()
    assert run.commands.sequence.tolist() == list(range(1, 6001))
    assert set(run.commands.outcome) == {"delivered"}
    assert len(run.frames) == rec.total("frames") > 6000
    assert run.frames.frame.is_monotonic_increasing
    assert (run.frames[run.frames.type == "command"].sequence.diff().dropna() == 1).all()
    pd.testing.assert_frame_equal(run.commands.tail(200).reset_index(drop=True), rec.commands)


async def test_a_small_memory_and_a_file(bot: mb.Client, tmp_path: Path) -> None:
    path = tmp_path / "run.mbot"
    rec = mb.Recorder(bot, ping_rate=0, max_rows=100, path=path)
    for n in range(6000):
        bot.send("set_led", r=n % 256, g=0, b=0)
        if n % 500 == 0:
            await bot.drain()
    await bot.flush()
    rec.stop()
    run = mb.Recording.load(path)
    assert run.cut is None
    assert run.commands.sequence.tolist() == list(range(1, 6001))
    assert (
        run.metadata["rows"] == {name: run.total(name) for name in SCHEMA} == rec.metadata["rows"]
    )
    pd.testing.assert_frame_equal(rec.to_recording().frames, run.frames)


async def test_a_forgotten_recorder_leaves_a_whole_file(bot: mb.Client, tmp_path: Path) -> None:
    import gc

    path = tmp_path / "run.mbot"
    rec = mb.Recorder(bot, ping_rate=0, path=path)
    await bot.set_led(1, 1, 1)
    del rec
    gc.collect()
    run = mb.Recording.load(path)
    assert run.cut is None
    assert len(run.commands) == 1
