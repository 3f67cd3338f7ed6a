"""A recorder of a server: all of its clients, what they asked for and what came of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pandas as pd
import pytest

import mbot_nb as mb
from tests.helpers.peer import command, peer
from tests.helpers.waiting import until


async def test_commands_are_seen_from_their_coming_to_their_end(
    server: mb.Server, bot: mb.Client
) -> None:
    @server.command("slow")
    async def slow(client: mb.server.RemoteClient) -> str:
        await asyncio.sleep(0.05)
        return "done"

    with mb.Recorder(server) as rec:
        await bot.drive(20, 20, duration=0.15)
        bot.send("set_led", r=1, g=2, b=3)
        with pytest.raises(mb.CommandRejectedError):
            await bot.send_command("nonsense")
        await bot.send_command("slow")
        bot.send("slow")
        await bot.send_command("slow")
        await bot.stop()
        assert len(rec.commands) == 7
        assert not rec._listener._under_way, "it lets go of what is at its end"  # type: ignore[attr-defined]
    commands = rec.commands
    assert commands.name.tolist() == [
        "drive",
        "set_led",
        "nonsense",
        "slow",
        "slow",
        "slow",
        "stop",
    ]
    assert commands.outcome.tolist() == [
        "done",
        "delivered",
        "rejected",
        "done",
        "delivered",
        "done",
        "done",
    ]
    assert commands.sequence.tolist()[:6] == [1, 2, 3, 4, 5, 6]
    assert commands.sequence[6] is pd.NA
    assert "nonsense" in commands.error[2]
    assert set(commands.client) == {1}
    drive, last = commands.iloc[0], commands.iloc[5]
    assert drive.queued_s <= drive.sent_s
    assert drive.answered_s - drive.sent_s >= 0.14
    assert last.sent_s - last.queued_s > 0.03, "it waited for the one before"
    assert last.answered_s - last.sent_s > 0.04


async def test_it_sees_all_clients(server: mb.Server, bot: mb.Client) -> None:
    rec = mb.Recorder(server, text=True)
    async with mb.connect(server) as other:
        await other.set_led(1, 1, 1)
        server.emit("hello", {"to": "all"})
        await bot.set_led(2, 2, 2)
    await until(lambda: rec.connection.state.tolist().count("disconnected") == 1, "the goodbye")
    rec.stop()
    connection = rec.connection
    assert connection.state.tolist() == ["connected", "connected", "disconnected"]
    assert connection.client.tolist() == [1, 2, 2]
    assert rec.commands.client.tolist() == [2, 1]
    said = rec.events[rec.events.name == "hello"]
    assert [json.loads(text) for text in said.data] == [{"to": "all"}]
    frames = rec.frames
    hello = frames[frames.text.str.contains('"hello"', regex=False)]
    assert sorted(hello.client) == [1, 2]
    assert set(hello.direction) == {"out"}
    snapshot = frames[(frames.type == "state") & (frames.client == 2)]
    assert len(snapshot) >= 1, "a client's first snapshot is its own already"


async def test_what_the_server_has_seen_is_what_the_client_has(
    server: mb.Server, bot: mb.Client
) -> None:
    its = mb.Recorder(server)
    mine = mb.Recorder(bot, ping_rate=20)
    for n in range(25):
        bot.send("set_led", r=n, g=0, b=0)
    await bot.drive(30, -30, duration=0.3)
    await asyncio.sleep(0.15)
    await bot.flush()
    await until(lambda: mine.commands.acknowledged_s.notna().all(), "the acknowledgements")
    mine.stop(), its.stop()
    sent, came = (rec.frames[rec.frames.type == "command"] for rec in (mine, its))
    for column in ("sequence", "bytes", "position"):
        assert sent[column].tolist() == came[column].tolist()
    assert set(sent.direction) == {"out"}
    assert set(came.direction) == {"in"}
    assert mine.commands.sequence.tolist() == its.commands.sequence.tolist()
    # An acknowledgement is sent once the command has come, and then it arrives.
    assert (its.commands.acknowledged_s >= its.commands.queued_s).all()
    assert (its.commands.acknowledged_s <= mine.commands.acknowledged_s).all()
    assert mine.to_recording().state() == its.to_recording().state()
    named = [mine.events.name.tolist(), its.events.name.tolist()]
    assert named[0] == named[1]
    assert mine.events.data.tolist() == its.events.data.tolist()
    batches = its.batches
    assert batches.messages[batches.direction == "in"].tolist() == [10, 10, 6]
    assert its.summary().commands == 26
    assert its.summary().frames == mine.summary().frames
    assert its.metadata["side"] == "server"
    assert its.metadata["seed"] == 1
    assert its.to_html().startswith("<!DOCTYPE html>")
    with pytest.raises(mb.UsageError, match="listens to a server"):
        its.client  # noqa: B018


async def test_acknowledgements_are_those_that_were_sent(server: mb.Server, bot: mb.Client) -> None:
    """Also of a command that begins only after its acknowledgement, behind a slow one; and after a
    cut."""
    go = asyncio.Event()

    @server.command("slow")
    async def slow(client: mb.server.RemoteClient) -> str:
        await go.wait()
        return "done"

    with mb.Recorder(server) as its, mb.Recorder(bot, ping_rate=0) as mine:
        bot.send("slow")
        bot.send("set_led", r=1, g=2, b=3)
        await bot.flush()
        await until(lambda: mine.commands.acknowledged_s.notna().sum() == 2, "the acknowledgements")
        assert its.commands.name.tolist() == ["slow"], "the other one waits"
        go.set()
        await until(lambda: len(its.commands) == 2, "the second one")
        bot.cut()
        await until(lambda: bot.connected, "the connection")
        await bot.set_led(4, 5, 6)
        await until(
            lambda: mine.commands.acknowledged_s.notna().sum() == 3, "the last acknowledgement"
        )
    at, told = its.commands, mine.commands.acknowledged_s
    assert (at.queued_s <= at.acknowledged_s).all()
    assert (at.acknowledged_s <= told).all()
    assert at.acknowledged_s[1] < at.sent_s[1]


async def test_a_baseline_client_is_sent_no_acknowledgements(server: mb.Server) -> None:
    with mb.Recorder(server) as rec:
        async with peer(server.url) as one:
            await one.snapshot()
            await one.send(command("set_led", 1, r=1, g=2, b=3))
            await until(lambda: len(rec.commands) == 1, "the command")
            assert not rec._listener._acks, "nothing waits for them"  # type: ignore[attr-defined]
    assert rec.commands.sequence.tolist() == [1]
    assert rec.commands.acknowledged_s.isna().all()


async def test_several_recorders_and_then_none(server: mb.Server, bot: mb.Client) -> None:
    one, two = mb.Recorder(server), mb.Recorder(server)
    await bot.set_led(1, 1, 1)
    two.stop()
    await bot.set_led(2, 2, 2)
    one.stop()
    await bot.set_led(3, 3, 3)
    assert len(one.commands) == 2
    assert len(two.commands) == 1
    assert server._hub.tap is None


async def test_closing_the_server_ends_it(tmp_path: Path) -> None:
    path = tmp_path / "run.mbot"
    async with mb.serve(mb.SimulatedRobot(seed=1), port=0) as server:
        rec = mb.Recorder(server, path=path)
        async with mb.connect(server) as bot:
            await bot.set_led(1, 1, 1)
    assert not rec.recording
    run = mb.Recording.load(path)
    assert run.cut is None
    assert run.connection.state.tolist() == ["connected", "disconnected"]
    assert len(run.commands) == 1
    with pytest.raises(mb.UsageError, match="server was closed"):
        rec.start()


async def test_the_file_of_another_thread_is_whole_after_stop(tmp_path: Path) -> None:
    """The client lives on the I/O thread; its recorder is stopped from here."""
    path = tmp_path / "run.mbot"

    def run() -> None:
        with (
            mb.sync.serve(mb.SimulatedRobot(seed=1), port=0) as server,
            mb.sync.connect(server.url) as bot,
        ):
            rec = mb.Recorder(bot, path=path)
            its = mb.Recorder(server)
            bot.set_led(1, 1, 1)
            rec.stop()
            assert mb.Recording.load(path).cut is None
            assert len(mb.Recording.load(path).commands) == 1
            assert len(its.commands) == 1

    await asyncio.to_thread(run)
