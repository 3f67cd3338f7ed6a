"""When a robot on a cable tells its telemetry: soon, not too often, and nothing while it does not
answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

import pytest

import mbot_nb as mb
from mbot_nb.robots.serial.connection.link import SerialLink
from mbot_nb.robots.serial.cyberpi import SENSORS
from mbot_nb.robots.serial.telemetry import MIN_INTERVAL, Telemetry
from mbot_nb.robots.simulator.world import Line
from mbot_nb.robots.timer import Timer
from tests.helpers.serial_robots import EMPTY, KINDS, Workshop, drive
from tests.helpers.waiting import eventually

LINE = Line(points=((10, 200), (390, 200)))


@KINDS
async def test_what_changes_under_a_standing_robot_reaches_the_client(
    workshop: Workshop, kind: str
) -> None:
    """The line is not in the state, and nothing in the state changes."""
    emulator = await asyncio.to_thread(workshop.emulator, kind, world=EMPTY)
    robot, _ = await asyncio.to_thread(workshop.robot, emulator)
    robot.detach()
    lines: list[int] = []
    async with mb.serve(robot, port=0) as server, mb.connect(server.url) as bot:
        bot.subscribe("telemetry", lambda event: lines.append(event.data.get("line", -1)))
        emulator.vehicle.simulation.put(LINE)
        await asyncio.to_thread(eventually, lambda: 6 in lines, "the line")


def test_who_comes_is_told_though_nothing_changes(workshop: Workshop) -> None:
    robot, ears = workshop.robot(workshop.emulator(world=EMPTY))
    eventually(lambda: len(robot.senses) > len(SENSORS), "all of them")
    eventually(
        lambda: ears.telemetry and ears.telemetry[-1][1] == robot.telemetry(), "all of it reported"
    )
    ears.telemetry.clear()
    robot.watched()
    eventually(lambda: ears.telemetry, "telemetry")
    assert ears.telemetry[0][1]["line"] == 0


def test_who_comes_from_another_thread_ends_no_telemetry() -> None:
    """The link's thread may be there first: it tells before the thread that asked for it goes
    on."""

    class Quick:
        state = "ready"
        asked = 0

        def call_at(self, deadline: float, callback: Callable[[], object]) -> Timer:
            self.asked += 1
            callback()
            return Timer(callback)

    reports: list[Any] = []
    link = Quick()
    telemetry = Telemetry(cast(SerialLink, link), lambda: {"n": link.asked}, reports.append)
    telemetry.resend()
    telemetry.schedule()
    telemetry.schedule()
    assert reports == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_it_is_told_as_it_changes_and_at_most_twenty_times_a_second(workshop: Workshop) -> None:
    robot, ears = workshop.robot(workshop.emulator(world=EMPTY))
    ears.telemetry.clear()
    motion = drive(robot, 40, 40, 1.0)
    eventually(lambda: motion.ended, "its end")
    reports = list(ears.telemetry)
    assert len(reports) >= 12, "ten times a second would be ten"
    assert min(later[0] - earlier[0] for earlier, later in pairwise(reports)) > MIN_INTERVAL * 0.9
    assert all(earlier[1] != later[1] for earlier, later in pairwise(reports))


def test_nothing_is_told_of_a_robot_that_is_not_there(workshop: Workshop, tmp_path: Any) -> None:
    emulator = workshop.emulator(world=EMPTY, link=tmp_path / "robot")
    robot, ears = workshop.robot(emulator)
    eventually(lambda: ears.telemetry, "telemetry")
    emulator.unplug()
    eventually(lambda: robot.link.attempts >= 2, "attempts")
    ears.telemetry.clear()
    robot.watched()
    before = robot.link.attempts
    eventually(lambda: robot.link.attempts >= before + 2, "more of them")
    assert ears.telemetry == []
    with robot.lock:
        robot.senses["line"] = 15  # from before; it stands elsewhere now
    emulator.plug()
    eventually(
        lambda: "line" in ears.telemetry[-1][1] if ears.telemetry else False, "telemetry again"
    )
    assert 15 not in [values.get("line") for _, values in ears.telemetry], (
        "old values are not told as new ones"
    )


@pytest.mark.parametrize("name", ["a", "b", "up", "down", "left", "right", "middle"])
def test_each_of_the_seven_buttons_is_told(workshop: Workshop, name: str) -> None:
    emulator = workshop.emulator(world=EMPTY)
    robot, ears = workshop.robot(emulator)
    emulator.press(name)
    eventually(lambda: ears.of("button") == [{"button": name, "pressed": True}], "the button")
    assert robot.telemetry()[f"button_{name}"] is True
    emulator.press(name, False)
    eventually(lambda: ears.of("button")[1:] == [{"button": name, "pressed": False}], "its release")
    assert robot.telemetry()[f"button_{name}"] is False
