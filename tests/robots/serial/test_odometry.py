"""The pose that follows from two encoders, and the constants that a tape measure corrects."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.robots.serial.odometry import NOMINAL, Odometry
from tests.helpers.serial_robots import TURN, Wheels


def test_straight_on() -> None:
    odometry = Odometry()
    wheels = Wheels(odometry)
    wheels.roll(50, 50)
    assert odometry.pose == {"x": 50, "y": 0, "heading": 0}
    wheels.roll(-20, -20)
    assert odometry.pose == {"x": 30, "y": 0, "heading": 0}
    assert odometry.length == pytest.approx(70)


def test_a_turn_on_the_spot_and_a_circle() -> None:
    odometry = Odometry()
    wheels = Wheels(odometry)
    quarter = math.pi * NOMINAL.track / 4
    wheels.roll(-quarter, quarter)
    assert odometry.pose == {"x": 0, "y": 0, "heading": 90}
    wheels.roll(10, 10)
    assert odometry.pose == {"x": 0, "y": 10, "heading": 90}
    around = 2 * math.pi * 30
    wheels.roll(around * (1 - NOMINAL.track / 60), around * (1 + NOMINAL.track / 60))
    assert odometry.pose == pytest.approx({"x": 0, "y": 10, "heading": 90}, abs=0.01)


@given(st.lists(st.tuples(st.floats(-300, 300), st.floats(-300, 300)), max_size=30))
def test_the_way_back_leads_back(steps: list[tuple[float, float]]) -> None:
    odometry = Odometry()
    places = [(0.0, 0.0)]
    for left, right in steps:
        places.append((places[-1][0] + left, places[-1][1] + right))
    for left, right in [*places, *reversed(places)]:
        odometry.read("left", left)
        odometry.read("right", right)
    assert odometry.x == pytest.approx(0, abs=1e-6)
    assert odometry.y == pytest.approx(0, abs=1e-6)


def test_one_wheel_that_says_nothing_stands() -> None:
    odometry = Odometry()
    wheels = Wheels(odometry)
    wheels.roll(0, 0)
    angle = wheels.left
    for step in range(1, 11):
        odometry.read(
            "left", angle + step * TURN
        )  # 1 cm each; the right one tells nothing, since nothing changes
    odometry.flush()
    assert odometry.heading == pytest.approx(math.degrees(-10 / NOMINAL.track))


def test_an_encoder_that_counts_from_another_zero_moves_nothing() -> None:
    odometry = Odometry()
    wheels = Wheels(odometry)
    wheels.roll(50, 50)
    odometry.forget_zero()
    Wheels(odometry).roll(10, 10)
    assert odometry.x == pytest.approx(60, abs=0.01)
    odometry.read("left", -90_000)
    odometry.read("right", -90_000)
    assert odometry.x == pytest.approx(60, abs=0.01)
