"""`mb.demo()`: one line, a robot that moves, and an end that leaves nothing."""

from __future__ import annotations

import asyncio

import pytest

import mbot_nb as mb
from mbot_nb import demonstration
from mbot_nb.embedded.registry import local_servers
from tests.helpers.waiting import until


@pytest.mark.parametrize("thread", [False, True], ids=["home=here", "home=thread"])
async def test_it_moves_and_is_gone_when_its_client_is_closed(thread: bool) -> None:
    async with mb.demo(thread=thread) as bot:
        assert bot.connected
        assert bot.home.is_io_thread is thread
        (server,) = local_servers().running()
        robot = server.robot
        assert isinstance(robot, mb.SimulatedRobot)
        assert robot.motion is not None, "it moves by itself"
        assert robot.motion.duration < 10, "and ends by itself, soon"
        begin = robot.distance_driven
        await until(lambda: robot.distance_driven > begin + 5)
        await until(lambda: bot.state.pose.x != 100)
    await until(lambda: not local_servers().running())


async def test_it_returns_while_the_robot_still_moves_and_stop_stops_it() -> None:
    async with mb.demo() as bot:
        await bot.stop()
        assert not bot.state.motors.left
        (server,) = local_servers().running()
        assert isinstance(server.robot, mb.SimulatedRobot)
        assert server.robot.motion is None
    await until(lambda: not local_servers().running())


async def test_the_next_one_replaces_it(capsys: pytest.CaptureFixture[str]) -> None:
    first = await mb.demo()
    (old,) = local_servers().running()
    second = await mb.demo()
    assert "replaced" in capsys.readouterr().out
    assert (first.connection_state, old.closed) == ("disconnected", True)
    assert second.connected
    assert len(local_servers().running()) == 1
    await second.close()
    await until(lambda: not local_servers().running())
    third = await mb.demo()
    assert "replaced" not in capsys.readouterr().out, "there was nothing to replace"
    await third.close()
    await until(lambda: not local_servers().running())


async def test_it_takes_no_port_from_a_server_of_the_user() -> None:
    async with mb.serve(port=0) as mine, mb.demo() as bot:
        assert not mine.closed
        assert bot.url != mine.url
    await until(lambda: not local_servers().running())


async def test_outside_of_a_notebook_it_says_what_happens(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with mb.demo() as bot:
        said = capsys.readouterr().out
        assert bot.url in said
        assert demonstration.FIGURE in said
    await until(lambda: not local_servers().running())


def test_after_another_loop_has_ended_it_begins_anew() -> None:
    async def once() -> None:
        bot = await mb.demo()
        (server,) = local_servers().running()
        await bot.close()
        await until(lambda: server.closed)

    for _ in range(2):
        asyncio.run(once())
