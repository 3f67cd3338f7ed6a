"""What only an mBot does."""

from __future__ import annotations

import time

import pytest

from mbot_nb import commands as c
from mbot_nb.errors import CommandRejectedError
from tests.helpers.serial_robots import EMPTY, Workshop, ran
from tests.helpers.waiting import eventually


def test_an_mbot_has_two_leds_and_no_display(workshop: Workshop) -> None:
    robot, _ = workshop.robot(workshop.emulator("mbot"))
    with pytest.raises(CommandRejectedError, match=r"INVALID_PARAMS.*2 LEDs"):
        robot.execute(c.SetLed(r=0, g=0, b=0, index=3))
    with pytest.raises(CommandRejectedError, match=r"UNSUPPORTED.*no display"):
        robot.execute(c.DisplayText(text="hello"))


def test_the_mbot_s_sensors_are_asked_ten_times_a_second(workshop: Workshop) -> None:
    world = {
        **EMPTY,
        "width": 150,
        "ambient_light": 50,
        "lines": [{"points": [[10, 200], [140, 200]], "width": 2.0}],
    }
    emulator = workshop.emulator("mbot", world=world)
    robot, _ = workshop.robot(emulator)
    eventually(
        lambda: {"distance", "light", "line"} <= robot.telemetry().keys(), "the first values"
    )
    telemetry = robot.telemetry()
    assert telemetry["line"] == 6
    assert telemetry["light"] == pytest.approx(50, abs=0.2)
    assert telemetry["distance"] == pytest.approx(emulator.vehicle.sense()["distance"], abs=0.1)
    before, start = len(ran(emulator)), time.monotonic()
    eventually(lambda: len(ran(emulator)) >= before + 30, "ten rounds")
    assert 0.6 < time.monotonic() - start < 3
