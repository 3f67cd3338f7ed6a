"""What was lost is sent again, but not behind what came after it; and a stop is heard soon,
whatever the robot is at."""

from __future__ import annotations

import os
import time
from concurrent.futures import Future
from statistics import median
from typing import Any

import pytest

from mbot_nb import commands as c
from mbot_nb.errors import CommandTimeoutError
from mbot_nb.robots.serial.wire import ff55
from mbot_nb.robots.serial.wire.dialects import DeviceRequest
from tests.helpers.serial_robots import EMPTY, KINDS, PATIENCE, STOPS, Spoiler, Workshop, drive, ran
from tests.helpers.waiting import eventually

LED = bytes((7, 2, 1, 9, 9, 9))


@KINDS
def test_a_stop_that_was_not_heard_does_not_end_the_next_motion(
    workshop: Workshop, kind: str
) -> None:
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


def test_a_lost_answer_to_lights_or_silence_changes_nothing_that_came_later(
    workshop: Workshop,
) -> None:
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


@KINDS
def test_a_stop_is_heard_soon_while_a_tone_sounds(workshop: Workshop, kind: str) -> None:
    """An mBot is deaf while a slice of it sounds: the first stop is lost then."""
    emulator = workshop.emulator(kind, world=EMPTY, paced=True)
    robot, ears = workshop.robot(emulator)
    took = []
    for _ in range(3):
        drive(robot, 50, 50, 10)
        eventually(lambda: not emulator.vehicle.standing.is_set(), "the motion")
        tones = len(emulator.vehicle.tones)
        robot.submit(c.PlayTone(frequency=440, duration=20))
        eventually(lambda: len(emulator.vehicle.tones) > tones, "the tone")  # noqa: B023
        stopping_at = time.monotonic()
        robot.stop()
        eventually(emulator.vehicle.standing.is_set, "standing")
        took.append(emulator.vehicle.stopped_at - stopping_at)
        assert robot.state()["sound"] == {"frequency": None}
    assert median(took) < 0.3, took
    assert ears.of("error") == []


@KINDS
def test_a_motion_s_end_waits_no_longer_than_a_slice_of_a_tone_which_goes_on(
    workshop: Workshop, kind: str
) -> None:
    emulator = workshop.emulator(kind, world=EMPTY, paced=True)
    robot, ears = workshop.robot(emulator)
    before, later = 0.0, []
    for duration in (0.5, 0.57, 0.64):
        motion = drive(robot, 50, 50, duration)
        robot.submit(c.PlayTone(frequency=440, duration=20)).result(PATIENCE)
        eventually(lambda: motion.ended == "time", "the end")  # noqa: B023
        eventually(emulator.vehicle.standing.is_set, "standing")
        later.append(emulator.vehicle.turned - before - duration)
        before = emulator.vehicle.turned
        tones = len(emulator.vehicle.tones)
        eventually(lambda: len(emulator.vehicle.tones) > tones, "the next slice")  # noqa: B023
    assert -0.1 < median(later) < 0.3, later
    assert ears.of("error") == []


def test_the_guard_s_stops_confirm_nobody_s_request(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link's thread was held up, and what the guard wrote meanwhile is acknowledged without a
    number."""
    emulator = workshop.emulator("mbot", world=EMPTY)
    robot, _ = workshop.robot(emulator)
    link = robot.link
    monkeypatch.setattr(type(link._guard), "alive", True)
    monkeypatch.setattr(robot, "_poll", lambda *turn: None)
    eventually(lambda: link._exchange.idle, "silence")
    spoilt = Spoiler(emulator, LED)
    asked: list[Future[Any]] = []

    def hold_up() -> None:
        """As code that does not let go of the interpreter."""
        before = emulator.sent
        for _ in range(3):
            os.write(link._port.descriptor, link._exchange.dialect.encode(robot.stop_request, 1))
        eventually(
            lambda: emulator.sent >= before + 3 * len(ff55.encode_ack()), "the acknowledgements"
        )
        robot.halt()
        asked.append(link.request(DeviceRequest(ff55.RUN, 8, LED), attempts=1, what="set_led"))

    link.arm(-1.0)
    link.post(hold_up)
    eventually(lambda: asked, "the request")
    assert isinstance(asked[0].exception(PATIENCE), CommandTimeoutError)
    assert spoilt.done
    assert link.request(DeviceRequest(ff55.RUN, 8, LED), what="set_led").result(PATIENCE) is None
