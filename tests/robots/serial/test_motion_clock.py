"""How long a motion lasts by the robot's own wheels, also when it has to wait; and that no look
ahead holds an mBot up."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mbot_nb import commands as c
from mbot_nb.errors import CommandTimeoutError
from mbot_nb.robots.emulators.emulator import Emulator
from mbot_nb.robots.emulators.mcore import MCoreFirmware
from tests.helpers.serial_robots import EMPTY, KINDS, PATIENCE, Workshop, drive, ran
from tests.helpers.waiting import eventually

OPEN: dict[str, Any] = {"width": 1500, "height": 1500, "starts": [{"x": 100, "y": 750}]}


def held_up(emulator: Emulator) -> bool:
    """Whether it stands still for an echo that does not come."""
    assert isinstance(emulator.firmware, MCoreFirmware)
    return emulator.firmware.busy_until > time.monotonic() + 0.5


def test_a_motion_of_an_mbot_that_looks_for_an_echo_begins_later_and_lasts_as_long(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its firmware stands still for 0.9 s when no echo comes."""
    monkeypatch.setattr("mbot_nb.robots.serial.mcore.DISTANCE_INTERVAL", 0.0)
    emulator = workshop.emulator("mbot", world=OPEN)
    robot, ears = workshop.robot(emulator)
    for _ in range(3):
        eventually(lambda: held_up(emulator), "a look ahead")
        before = emulator.vehicle.turned
        assert robot.submit(c.Drive(left=50, right=50, duration=0.2)).result(PATIENCE) == "time"
        eventually(emulator.vehicle.standing.is_set, "standing")
        assert emulator.vehicle.turned - before == pytest.approx(0.2, abs=0.1)
    assert ears.of("error") == []


def test_no_look_ahead_holds_up_a_stop_of_an_mbot(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mbot_nb.robots.serial.mcore.DISTANCE_INTERVAL", 0.0)
    emulator = workshop.emulator("mbot", world=OPEN)
    robot, _ = workshop.robot(emulator)
    eventually(
        lambda: robot.telemetry().get("distance") == 300 and not held_up(emulator), "nothing ahead"
    )
    drive(robot, 50, 50, 10)
    eventually(lambda: not emulator.vehicle.standing.is_set(), "the motion")
    asked = len(ran(emulator))
    eventually(
        lambda: held_up(emulator) or len(ran(emulator)) > asked + 4, "two rounds of its sensors"
    )
    stopping_at = time.monotonic()
    robot.stop()
    eventually(emulator.vehicle.standing.is_set, "standing")
    assert emulator.vehicle.stopped_at - stopping_at < 0.3


def test_an_mbot_that_turns_away_from_a_box_does_not_look_for_it(workshop: Workshop) -> None:
    emulator = workshop.emulator("mbot", world={**OPEN, "starts": [{"x": 1450, "y": 750}]})
    robot, _ = workshop.robot(emulator)
    eventually(lambda: robot.telemetry().get("distance", 300) < 100, "the wall")
    motion = drive(robot, -60, 60, 0.8)
    eventually(lambda: motion.ended, "the end")
    eventually(emulator.vehicle.standing.is_set, "standing")
    assert emulator.vehicle.turned == pytest.approx(0.8, abs=0.1)


@KINDS
def test_a_motion_that_cannot_be_sent_is_given_up_in_words(
    workshop: Workshop, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mbot_nb.robots.serial.driver.UNSENT_TIMEOUT", 0.2)
    emulator = workshop.emulator(kind, world=EMPTY)
    robot, ears = workshop.robot(emulator)
    monkeypatch.setattr(robot.link._exchange, "_may_send", lambda job: job.urgent)
    end = robot.submit(c.Drive(left=50, right=50, duration=0.1))
    with pytest.raises(CommandTimeoutError, match="drive was not sent"):
        end.result(PATIENCE)
    (error,) = eventually(lambda: ears.of("error"), "the words")
    assert (error["error"], error["command"]) == ("CommandTimeoutError", "drive")
    assert "drive was not sent" in error["message"]
    assert emulator.vehicle.turned == 0
