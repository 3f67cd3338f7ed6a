"""Lights on the robots of both kinds."""

from __future__ import annotations

import pytest

from mbot_nb import commands as c
from tests.helpers.serial_robots import EMPTY, KINDS, PATIENCE, Workshop
from tests.helpers.waiting import eventually


@KINDS
def test_lights_and_tones(workshop: Workshop, kind: str) -> None:
    emulator = workshop.emulator(kind, world=EMPTY)
    robot, ears = workshop.robot(emulator)
    robot.submit(c.SetLed(r=1, g=2, b=3)).result(PATIENCE)
    robot.submit(c.SetLed(r=255, g=0, b=0, index=2)).result(PATIENCE)
    assert emulator.vehicle.leds[:2] == [(1, 2, 3), (255, 0, 0)]
    assert robot.state()["leds"][:2] == [[1, 2, 3], [255, 0, 0]]
    tone = robot.submit(c.PlayTone(frequency=440, duration=0.2))
    assert robot.state()["sound"] == {"frequency": 440}
    tone.result(PATIENCE)
    eventually(
        lambda: sum(seconds for _, seconds in emulator.vehicle.tones) == pytest.approx(0.2),
        "the whole tone",
    )
    assert {frequency for frequency, _ in emulator.vehicle.tones} == {440}
    assert ears.of("error") == []
