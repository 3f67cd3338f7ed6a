"""What can come, go and move in a world."""

from __future__ import annotations

import pytest

from mbot_nb.errors import UsageError
from mbot_nb.robots import SimulatedRobot, World
from mbot_nb.robots.dimensions import HALF_LENGTH
from mbot_nb.robots.simulator.world import Box, Line
from tests.helpers.robots import Ears, FakeClock


def test_a_box_can_come_and_go_but_not_on_a_robot(clock: FakeClock) -> None:
    bot = SimulatedRobot(world=World(), clock=clock, noise=0)
    ears = Ears()
    bot.attach(ears)
    clock.sleep(30)
    free = bot.telemetry()["distance"]
    box = Box(x=130, y=75)
    bot.simulation.put(box)
    clock.sleep(0.2)
    assert bot.telemetry()["distance"] == pytest.approx(30 - 10 - HALF_LENGTH, abs=0.1)
    assert [data["type"] for data in ears.of("stimulus_detected")] == ["obstacle"], "right ahead"
    with pytest.raises(UsageError, match="robot stands"):
        bot.simulation.put(Box(x=110, y=75))
    bot.simulation.take_away(box)
    clock.sleep(0.2)
    assert bot.telemetry()["distance"] == free
    with pytest.raises(UsageError, match="no such box"):
        bot.simulation.take_away(box)


def test_a_box_can_be_moved_but_not_onto_a_robot_or_out_of_the_arena(clock: FakeClock) -> None:
    bot = SimulatedRobot(
        world=World(boxes=(Box(x=20, y=20), Box(x=180, y=20))), clock=clock, noise=0
    )
    first, second = bot.simulation.world.boxes
    moved = bot.simulation.move(second, 150, 75, angle=90)
    assert bot.simulation.world.boxes == (first, moved), "under the same number"
    assert (moved.x, moved.y, moved.angle, moved.width) == (150, 75, 90, 20)
    clock.sleep(0.2)
    assert bot.telemetry()["distance"] == pytest.approx(50 - 10 - HALF_LENGTH, abs=0.1)
    for x, y, why in (
        (110, 75, "robot stands"),
        (201, 75, "outside of the arena"),
        (20, -1, "outside of the arena"),
    ):
        with pytest.raises(UsageError, match=why):
            bot.simulation.move(moved, x, y)
    assert bot.simulation.world.boxes == (first, moved)
    with pytest.raises(UsageError, match="no such box"):
        bot.simulation.move(second, 20, 100)


def test_a_line_can_be_drawn_and_taken_away(clock: FakeClock) -> None:
    bot = SimulatedRobot(world=World(), clock=clock, noise=0)
    line = Line(points=((107.5, 60), (107.5, 90)), width=6)
    bot.simulation.put(line)
    assert bot.telemetry()["line"] == 0b1111
    assert bot.state()["arena"]["lines"][0]["width"] == 6
    bot.simulation.take_away(line)
    assert bot.telemetry()["line"] == 0
    with pytest.raises(UsageError, match="no such line"):
        bot.simulation.take_away(line)
