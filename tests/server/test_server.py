"""The server for its observers: what it tells of clients and commands, and the state that they
know."""

from __future__ import annotations

import pytest

import mbot_nb as mb
from mbot_nb.protocol.server.events import (
    ClientConnected,
    ClientDisconnected,
    CommandEnded,
    CommandStarted,
    EventSent,
    FrameReceived,
    FramesSent,
    RobotStateChanged,
    ServerEvent,
)
from tests.helpers.connections import Connect
from tests.helpers.waiting import until


async def test_a_tap_gets_what_happens_in_order(server: mb.Server, connect: Connect) -> None:
    events: list[ServerEvent] = []
    end = server.tap(events.append)
    arrived_before_started = []

    @server.command("dance")
    def dance(client: mb.server.RemoteClient, steps: int) -> int:
        started = events[-1]
        assert isinstance(started, CommandStarted)
        assert started.message.payload.params == {"steps": steps}
        arrived_before_started.append(started.arrived <= started.at)
        return steps

    bot = await connect(server)
    assert (await bot.send_command("dance", steps=4)).value == 4
    await bot.close()
    await until(lambda: isinstance(events[-1], ClientDisconnected))
    end()
    end()
    assert arrived_before_started == [True]
    kinds = [type(event) for event in events]
    assert kinds.index(ClientConnected) < kinds.index(CommandStarted) < kinds.index(CommandEnded)
    assert {EventSent, FrameReceived, FramesSent} <= set(kinds)
    assert {event.session.number for event in events if isinstance(event, CommandEnded)} == {1}
    count = len(events)
    await connect(server)
    assert len(events) == count


async def test_a_tap_may_end_itself_and_leaves_the_others(
    server: mb.Server, connect: Connect
) -> None:
    seen: list[str] = []

    def once(event: ServerEvent) -> None:
        seen.append("once")
        end()

    end = server.tap(once)
    server.tap(lambda event: seen.append("always"))
    await (await connect(server)).stop()
    assert seen.count("once") == 1
    assert seen.count("always") > 1


async def test_the_state_is_what_clients_know(connect: Connect) -> None:
    async with mb.serve(mb.SimulatedRobot(seed=1), port=0) as server:
        events: list[ServerEvent] = []
        server.tap(events.append)
        bot = await connect(server)
        await bot.set_led(10, 20, 30)
        changed = [event for event in events if isinstance(event, RobotStateChanged)]
        assert changed[-1].revision == server.revision
        await until(lambda: bot.state["leds"] == server.state["leds"])


async def test_a_handler_can_be_removed(server: mb.Server, connect: Connect) -> None:
    server.command("dance")(lambda client: "danced")
    bot = await connect(server)
    assert (await bot.send_command("dance")).value == "danced"
    server.remove_command("dance")
    server.remove_command("dance")
    with pytest.raises(mb.CommandRejectedError, match="INVALID_COMMAND"):
        await bot.send_command("dance")
