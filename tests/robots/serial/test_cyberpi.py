"""What only an mBot2 does."""

from __future__ import annotations

import time

import pytest

from mbot_nb import commands as c
from mbot_nb.robots.serial.cyberpi import SENSORS
from mbot_nb.robots.serial.wire.dialects import ScriptRequest
from tests.helpers.serial_robots import EMPTY, PATIENCE, Workshop, drive, ran
from tests.helpers.waiting import eventually


def test_a_stop_is_not_held_up_by_the_robot_s_queue(workshop: Workshop) -> None:
    """Somebody had the robot drive for 2 s by a script that keeps its queue busy."""
    emulator = workshop.emulator(world=EMPTY)
    robot, _ = workshop.robot(emulator)
    robot.link.request(ScriptRequest("cyberpi.mbot2.forward(50, 2)"), timeout=PATIENCE)
    eventually(lambda: not emulator.vehicle.standing.is_set(), "the motion")
    asked = time.monotonic()
    robot.stop()
    eventually(emulator.vehicle.standing.is_set, "standing")
    assert emulator.vehicle.stopped_at - asked < 0.5


def test_a_motion_that_a_stop_overtook_does_not_begin_behind_it(workshop: Workshop) -> None:
    """The stop goes past the robot's queue. The motion that waits there is ended by a second stop
    behind it."""
    emulator = workshop.emulator(world=EMPTY)
    robot, _ = workshop.robot(emulator)
    robot.link.request(
        ScriptRequest("cyberpi.led.play('rainbow',)"), timeout=PATIENCE
    )  # keeps the queue busy for half a second
    before = len(ran(emulator))
    drive(robot, 50, 50, 10)
    robot.stop()
    motion, stop = "cyberpi.mbot2.drive_speed(100, -100)", "cyberpi.mbot2.EM_stop('all',)"
    eventually(
        lambda: ran(emulator)[before:].count(stop) >= 2,
        "the stop past the queue, and the one in it",
    )
    assert [script for script in ran(emulator)[before:] if script in (motion, stop)][-1] == stop
    eventually(lambda: emulator.vehicle.motors == (0, 0), "standing")


@pytest.mark.parametrize(
    "text", ["hello", "it's", "'); cyberpi.led.off('all'); ('", "a\\", "ünï → 中", "\n\r\0", '"""']
)
def test_what_a_student_typed_stays_text(workshop: Workshop, text: str) -> None:
    emulator = workshop.emulator()
    robot, ears = workshop.robot(emulator)
    robot.submit(c.DisplayText(text=text)).result(PATIENCE)
    assert emulator.vehicle.text == text
    robot.submit(c.DisplayText(text="")).result(PATIENCE)
    assert emulator.vehicle.text == ""
    assert ears.of("error") == []


def test_the_mbot2_s_sensors_arrive_in_the_protocol_s_units(workshop: Workshop) -> None:
    world = {
        **EMPTY,
        "lines": [{"points": [[10, 200], [390, 200]], "width": 2.0}],
        "ambient_light": 44,
    }
    emulator = workshop.emulator(world=world)
    robot, _ = workshop.robot(emulator)
    eventually(
        lambda: {"button_b", "battery", "line"} <= robot.telemetry().keys(), "the first values"
    )
    telemetry = robot.telemetry()
    assert (telemetry["line"], telemetry["line_offset"], telemetry["light"]) == (6, 0, 44)
    assert telemetry["distance"] == pytest.approx(emulator.vehicle.sense()["distance"], abs=0.1)
    drive(robot, 60, 60, 0.3)
    eventually(lambda: robot.telemetry()["encoder_right"] > 100, "turning wheels")
    telemetry = robot.telemetry()
    assert telemetry["encoder_left"] == pytest.approx(telemetry["encoder_right"], abs=40)
    assert robot.state()["neural_state"]["distance"] == telemetry["distance"]
    assert robot.state()["capabilities"]["firmware_version"] == "44.01.013"


def test_after_a_restart_the_subscriptions_are_there_again(workshop: Workshop) -> None:
    emulator = workshop.emulator(world=EMPTY)
    robot, ears = workshop.robot(emulator)
    eventually(lambda: "button_b" in robot.telemetry(), "the first values")
    emulator.reset()
    eventually(
        lambda: [data["connected"] for data in ears.of("robot_connection")][-2:] == [False, True],
        "the restart",
    )
    robot.senses.clear()
    eventually(lambda: "button_b" in robot.telemetry(), "values after it")


def test_a_motion_does_not_wait_until_all_sensors_are_asked_for(workshop: Workshop) -> None:
    """Right after it has answered, with answers that take their time."""
    emulator = workshop.emulator(world=EMPTY, latency=0.1)
    robot, _ = workshop.robot(emulator)
    emulator.reset()
    eventually(lambda: robot.connections == 2, "the restart")
    asked = time.monotonic()
    drive(robot, 40, 40, 0.5)
    eventually(lambda: not emulator.vehicle.standing.is_set(), "the motion")
    assert emulator.vehicle.started_at - asked < 0.3
    subscriptions = [script for script in ran(emulator) if script.startswith("subscribe")]
    assert len(subscriptions) < 2 * len(SENSORS), "the rest comes after it"
