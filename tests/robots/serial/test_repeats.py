"""What was lost is sent again, but not behind what came after it; and a stop is heard soon, whatever the robot is at."""

from __future__ import annotations

import pytest

from mbot_nb import commands as c
from mbot_nb.errors import CommandTimeoutError

from .conftest import PATIENCE, STOPS, Spoiler, Workshop, eventually
from .test_robots import EMPTY, KINDS, ran


@KINDS
def test_a_stop_that_was_not_heard_does_not_end_the_next_motion(workshop: Workshop, kind: str) -> None:
    """It is sent again, but not behind what was to begin after it."""
    emulator = workshop.emulator(kind, world=EMPTY)
    robot, ears = workshop.robot(emulator)
    spoilt = Spoiler(emulator, STOPS[kind], answer=True)
    robot.submit(c.Drive(left=50, right=50, duration=0.3)).result(PATIENCE)
    eventually(lambda: spoilt.done, "the stop")
    eventually(emulator.vehicle.standing.is_set, "standing")
    before = emulator.vehicle.turned
    assert robot.submit(c.Drive(left=-50, right=-50, duration=1)).result(PATIENCE) == "time"
    eventually(emulator.vehicle.standing.is_set, "standing")
    assert emulator.vehicle.turned - before == pytest.approx(1.0, abs=0.2)
    assert ears.of("error") == []


def test_a_lost_answer_to_lights_or_silence_changes_nothing_that_came_later(workshop: Workshop) -> None:
    emulator = workshop.emulator(world=EMPTY)
    robot, _ = workshop.robot(emulator)
    spoilt = Spoiler(emulator, b"led.on(0, 0, 0, 'all')", answer=True)
    dark = robot.submit(c.SetLed(r=0, g=0, b=0))
    robot.submit(c.SetLed(r=255, g=0, b=0, index=2)).result(PATIENCE)
    assert isinstance(dark.exception(PATIENCE), CommandTimeoutError)
    assert spoilt.done
    assert emulator.vehicle.leds[:3] == [(0, 0, 0), (255, 0, 0), (0, 0, 0)]
    spoilt = Spoiler(emulator, b"led.on(1, 1, 1, 3)", answer=True)
    third = robot.submit(c.SetLed(r=1, g=1, b=1, index=3))
    robot.submit(c.SetLed(r=2, g=2, b=2, index=4)).result(PATIENCE)
    assert third.result(PATIENCE) is None, "sent again: what came later was another LED"
    assert spoilt.done
    robot.submit(c.PlayTone(frequency=440, duration=5))
    eventually(lambda: (440, 0.3) in emulator.vehicle.tones, "the tone")
    spoilt = Spoiler(emulator, b"audio.stop()", answer=True)
    robot.stop()
    eventually(lambda: spoilt.done, "the silence")
    robot.submit(c.PlayTone(frequency=880, duration=1.5)).result(PATIENCE)
    assert ran(emulator).count("cyberpi.audio.stop()") == 1
