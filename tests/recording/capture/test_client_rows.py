"""What a recorder hears from a client is what happened."""

from __future__ import annotations

import asyncio
import json
import time

import pandas as pd
import pytest

import mbot_nb as mb
from tests.helpers.cutting_relay import CuttingRelay
from tests.helpers.waiting import until


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


async def test_a_gap_in_the_events_has_a_row() -> None:
    robot, settings = mb.SimulatedRobot(seed=1), {"replay_messages": 5}
    heard: list[mb.Event] = []
    async with (
        mb.serve(robot, port=0, settings=settings) as server,
        CuttingRelay(server.port) as relay,
        mb.connect(relay.url, settings={"retry_delays": (0.0, 0.02)}) as bot,
    ):
        bot.subscribe("gap", heard.append)
        with mb.Recorder(bot, ping_rate=0) as rec:
            await relay.refuse()
            relay.cut()
            await until(lambda: not server.clients, "the cut")
            for n in range(1, 21):
                server.emit("news", n)
            await relay.listen()
            await until(lambda: heard, "the gap")
    row = rec.events[rec.events.name == "gap"]
    assert (
        [json.loads(data) for data in row.data]
        == [{"expected": 1, "got": 16}]
        == [event.data for event in heard]
    )
    assert row.time_s.tolist() == [event.received for event in heard]
    assert row.sequence.isna().all()
