"""How a body moves: by the closed form, within what wheels hold, and along walls."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest

from mbot_nb import commands as c
from mbot_nb.robots import SimulatedRobot, World
from mbot_nb.robots.dimensions import TRACK
from mbot_nb.robots.simulator.body import FULL_SPEED
from tests.helpers.robots import Ears, FakeClock, drive

BRAKING = 0.15
"""More than full speed needs to come to rest, s."""


def pose(bot: SimulatedRobot) -> Any:
    found = bot.state()["pose"]
    return found["x"], found["y"], found["heading"]


def test_full_speed_is_200_rpm() -> None:
    assert pytest.approx(68.07, abs=0.01) == FULL_SPEED


def test_a_straight_line_is_as_long_as_speed_times_time(
    bot: SimulatedRobot, clock: FakeClock
) -> None:
    drive(bot, 50, 50, 1.5)
    clock.sleep(1.5 + BRAKING)
    assert bot.distance_driven == pytest.approx(0.5 * FULL_SPEED * 1.5, abs=1e-9)
    assert pose(bot) == (pytest.approx(100 + 0.75 * FULL_SPEED, abs=1e-3), 75, 0)


def test_spinning_at_50_rpm_turns_170_degrees_a_second(
    bot: SimulatedRobot, clock: FakeClock
) -> None:
    bot.execute(c.Move(direction="left", speed=25, duration=1.0))
    clock.sleep(1 + BRAKING)
    assert pose(bot) == (100, 75, pytest.approx(169.6, abs=0.1))
    bot.execute(c.Move(direction="right", speed=25, duration=1.0))
    clock.sleep(1 + BRAKING)
    assert pose(bot) == (100, 75, pytest.approx(0, abs=1e-3))


def test_an_arc_is_the_arc_of_the_closed_form(bot: SimulatedRobot, clock: FakeClock) -> None:
    drive(bot, 20, 40, 2.0)
    clock.sleep(2 + BRAKING)
    left, right = 0.2 * FULL_SPEED * 2, 0.4 * FULL_SPEED * 2
    turn = (right - left) / TRACK
    radius = (left + right) / 2 / turn
    x, y, heading = pose(bot)
    assert x == pytest.approx(100 + radius * math.sin(turn), abs=1e-3)
    assert y == pytest.approx(75 + radius * (1 - math.cos(turn)), abs=1e-3)
    assert heading == pytest.approx(math.degrees(turn) % 360, abs=1e-3)
    assert bot.distance_driven == pytest.approx(radius * turn, abs=1e-9)


def test_it_speeds_up_and_brakes_no_faster_than_wheels_hold(
    bot: SimulatedRobot, clock: FakeClock
) -> None:
    drive(bot, 100, 100, 0.5)
    speeds = []
    for _ in range(80):
        clock.sleep(0.01)
        speeds.append(bot.telemetry()["speed"])
    assert max(speeds) == pytest.approx(FULL_SPEED, abs=1e-3)
    assert max(abs(b - a) for a, b in itertools.pairwise(speeds)) <= 5.001
    assert speeds[-1] == 0


def test_stop_brakes_at_once(bot: SimulatedRobot, clock: FakeClock, ears: Ears) -> None:
    motion = drive(bot, 100, 100, 10)
    clock.sleep(0.3)
    before = bot.distance_driven
    bot.stop("test")
    assert motion.ended == "stopped"
    assert ears.of("robot_stopped") == [{"reason": "test"}]
    clock.sleep(BRAKING)
    assert bot.telemetry()["speed"] == 0
    assert bot.distance_driven - before == pytest.approx(FULL_SPEED**2 / 2 / 500)
    rest = bot.state()["pose"]
    clock.sleep(60)
    assert bot.state()["pose"] == rest


def test_a_wall_holds_it_while_the_wheels_turn(
    bot: SimulatedRobot, clock: FakeClock, ears: Ears
) -> None:
    drive(bot, 100, 100, 3)
    clock.sleep(4)
    assert pose(bot) == (pytest.approx(200 - 17.5 / 2), 75, 0)
    assert bot.distance_driven == pytest.approx(100 - 17.5 / 2)
    assert bot.telemetry()["encoder_left"] == pytest.approx(3 * 200 / 60 * 360, abs=0.1)
    kinds = [data["type"] for data in ears.of("stimulus_detected")]
    assert kinds == ["obstacle", "bump"]
    assert ears.of("stimulus_detected")[1]["side"] == "front"
    assert bot.state()["neural_state"]["distance"] == 3


def test_it_slides_along_a_wall_it_meets_at_an_angle(clock: FakeClock) -> None:
    bot = SimulatedRobot(world=World(), clock=clock)
    bot.execute(c.Move(direction="left", speed=25, duration=45 / 169.565))
    clock.sleep(1)
    drive(bot, 100, 100, 3)
    clock.sleep(4)
    x, y, heading = pose(bot)
    reach = (17.5 + 13) / 2 * math.sqrt(0.5)
    assert heading == pytest.approx(45, abs=0.5)
    assert (x, y) == (pytest.approx(200 - reach, abs=0.1), pytest.approx(150 - reach, abs=0.1))


def test_the_path_goes_from_the_start_to_here(bot: SimulatedRobot, clock: FakeClock) -> None:
    assert bot.path == [(0.0, 100.0, 75.0, 0.0)]
    drive(bot, 40, 50, 1)
    clock.sleep(0.512)
    path = bot.path
    assert path[0] == (0.0, 100.0, 75.0, 0.0)
    assert path[-1][0] == pytest.approx(0.512)
    assert (round(path[-1][1], 3), round(path[-1][2], 3)) == pose(bot)[:2]
    assert [row[0] for row in path] == sorted(row[0] for row in path)
