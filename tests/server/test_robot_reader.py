"""Robots that tell their telemetry by themselves, want to know when somebody looks, or take
`custom`."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import mbot_nb as mb
from mbot_nb import commands as c
from tests.helpers.connections import Connect, Serve
from tests.helpers.peer import peer
from tests.helpers.tiny_robot import TinyRobot
from tests.helpers.waiting import until


class Telling(TinyRobot):
    """Reports its telemetry when it likes."""

    pushes_telemetry = True
    takes_custom = True

    def __init__(self) -> None:
        super().__init__()
        self.looked = 0
        self.asked = 0

    def watched(self) -> None:
        self.looked += 1

    def telemetry(self) -> dict[str, Any]:
        self.asked += 1
        return {}

    def perform(self, command: c.Command) -> mb.Motion | Mapping[str, Any] | None:
        return (
            {"took": command.params()}
            if isinstance(command, c.CustomCommand)
            else super().perform(command)
        )


async def test_what_a_robot_tells_comes_and_it_is_not_asked() -> None:
    robot = Telling()
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        got: list[Any] = []
        bot.subscribe("telemetry", lambda event: got.append((event.data, event.sequence)))
        teller = threading.Thread(target=robot.report, args=("telemetry", {"x": 1}))
        teller.start()
        await until(lambda: got)
        teller.join()
        assert got == [({"x": 1}, None)], "like all telemetry it has no number"
        robot.values["tiny"]["n"] = 1
        await until(lambda: bot.state.tiny.n == 1)
        assert robot.asked == 0


async def test_of_telemetry_told_while_the_loop_was_busy_the_latest_comes() -> None:
    robot = Telling()
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        got: list[Any] = []
        bot.subscribe("*", lambda event: got.append(event.data))

        def tell() -> None:
            for number in range(5):
                robot.report("telemetry", {"x": number})
            robot.report("said", {"last": True})

        teller = threading.Thread(target=tell)
        teller.start()
        teller.join()  # blocks the loop
        await until(lambda: {"last": True} in got)
        await until(lambda: len(got) >= 2)
        assert sorted(map(str, got)) == ["{'last': True}", "{'x': 4}"]


async def test_a_robot_is_told_when_the_first_client_comes() -> None:
    robot = Telling()
    async with mb.serve(robot, port=0) as server:
        assert robot.looked == 0
        async with mb.connect(server), mb.connect(server):
            assert robot.looked == 1


async def test_one_that_fails_at_that_serves_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Telling):
        def watched(self) -> None:
            raise RuntimeError("no film in it")

    async with mb.serve(Failing(), port=0) as server, mb.connect(server) as bot:
        assert bot.connected
        assert "when it was told that a client had come: no film in it" in caplog.text


async def test_telemetry_that_cannot_be_sent_is_told(caplog: pytest.LogCaptureFixture) -> None:
    robot = Telling()
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        robot.report("telemetry", {"x": object()})
        assert "the robot said what cannot be sent" in caplog.text
        assert bot.connected


async def test_custom_goes_to_a_robot_that_takes_it_and_to_no_other() -> None:
    async with mb.serve(Telling(), port=0) as server, mb.connect(server) as bot:
        assert (await bot.custom("dance", steps=4)).value == {
            "took": {"action": "dance", "steps": 4}
        }
    async with mb.serve(TinyRobot(), port=0) as server, mb.connect(server) as bot:
        with pytest.raises(mb.CommandRejectedError, match="nobody handles it here"):
            await bot.custom("dance")


async def test_a_robot_may_tell_its_state_in_numpy_s_numbers(
    serve: Serve, connect: Connect
) -> None:
    class Measured(TinyRobot):
        def state(self) -> dict[str, Any]:
            return {**super().state(), "pose": {"x": np.float32(1.5)}, "row": np.arange(3)}

    bot = await connect(await serve(Measured()))
    assert bot.state.pose.x == 1.5
    assert bot.state.row == [0, 1, 2]


async def test_a_state_that_cannot_be_said_is_told_once_and_the_last_one_stays(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd(TinyRobot):
        odd: Any = 1

        def state(self) -> dict[str, Any]:
            return {**super().state(), "odd": self.odd}

    robot = Odd()
    bot = await connect(await serve(robot))
    robot.odd = object()
    await bot.display_text("one")
    await until(lambda: caplog.messages)
    other = await connect(bot.url)
    assert other.state.odd == 1
    assert len(caplog.messages) == 1
    assert "the robot cannot tell its state: TypeError" in caplog.text
    robot.odd = 2
    await until(lambda: other.state.odd == 2)


async def test_a_value_that_is_not_finite_is_left_out_and_the_rest_is_told(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    robot = TinyRobot()
    robot.values["sonar"] = {"distance": math.inf, "row": [1, math.nan], "n": 1}
    bot = await connect(await serve(robot))
    assert bot.state.sonar == {"row": [1, None], "n": 1}
    robot.values["sonar"] = {"distance": math.nan, "n": 2}
    await until(lambda: bot.state.sonar == {"n": 2})
    await bot.emergency_stop()
    assert bot.state.latch == robot.latch is not None
    await bot.release_stop()
    assert not caplog.messages


async def test_the_latch_is_told_also_by_a_robot_that_cannot_tell_its_state(
    serve: Serve, connect: Connect
) -> None:
    robot = TinyRobot()
    bot = await connect(await serve(robot))
    robot.values["odd"] = object()
    await bot.emergency_stop()
    assert bot.state.latch == robot.latch
    await bot.release_stop()
    assert robot.latch is None


async def test_a_state_too_large_for_a_frame_is_told_once_and_the_last_one_stays(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    robot = TinyRobot()
    bot = await connect(await serve(robot))
    robot.values["film"] = "x" * 2**20
    await bot.display_text("one")
    await until(lambda: caplog.messages)
    other = await connect(bot.url)
    assert "film" not in other.state
    assert len(caplog.messages) == 1
    assert "the robot cannot tell its state: ValueError: it has 1048" in caplog.text
    robot.values["film"] = ["x" * 600_000]
    await until(lambda: "film" in other.state)
    robot.values["film"] = ["y" * 600_000]
    await until(lambda: other.state.film == ["y" * 600_000])
    assert bot.state == other.state
    assert bot.stats.connections == other.stats.connections == 1, (
        "also a change whose two values do not fit into one frame"
    )


async def test_telemetry_comes_when_it_is_another_whatever_has_told_the_state_before(
    serve: Serve, connect: Connect
) -> None:
    class Showing(TinyRobot):
        battery = 100

        def telemetry(self) -> dict[str, Any]:
            return {"text": self.values["tiny"]["text"], "battery": self.battery}

    robot = Showing()
    bot = await connect(await serve(robot))
    got: list[Any] = []
    bot.subscribe("telemetry", lambda event: got.append(event.data))
    await bot.display_text("hello")
    await until(lambda: {"text": "hello", "battery": 100} in got)
    robot.battery = 99
    await until(lambda: len(got) >= 2)
    assert got == [{"text": "hello", "battery": 100}, {"text": "hello", "battery": 99}], "each once"


async def test_a_robot_at_rest_brings_no_message(serve: Serve) -> None:
    class Resting(mb.SimulatedRobot):
        looks = 0

        def telemetry(self) -> dict[str, Any]:
            self.looks += 1
            return super().telemetry()

    robot = Resting(seed=3)
    async with peer((await serve(robot)).url, extended=True) as one:
        await one.snapshot()
        await one.ping()
        count, looks = len(one.messages), robot.looks
        await until(lambda: robot.looks >= looks + 5)
        await one.ping()
        assert len(one.messages) == count + 1, "the pong alone"
