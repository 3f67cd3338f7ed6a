"""The constants of one robot: measured, kept, and refused where they make no sense."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from mbot_nb import commands as c
from mbot_nb.errors import CommandRejectedError, UsageError
from mbot_nb.robots.serial import calibration
from mbot_nb.robots.serial.odometry import NOMINAL, Constants
from tests.helpers.serial_robots import PATIENCE, Workshop
from tests.helpers.waiting import eventually

EMPTY: dict[str, Any] = {"width": 1500, "height": 600, "starts": [{"x": 300, "y": 300}]}


def test_constants_are_kept_by_serial_number(own_config_folder: Path) -> None:
    assert calibration.load("02:e0:aa") is None
    assert not own_config_folder.exists(), "looking writes nothing"
    path = calibration.save("02:e0:aa", Constants(6.2, 11.9))
    assert path.is_relative_to(own_config_folder)
    assert calibration.load("02:e0:aa") == Constants(6.2, 11.9)
    assert calibration.load("02:e0:ab") is None
    path.write_text("{")
    with pytest.raises(UsageError, match="delete that file"):
        calibration.load("02:e0:aa")
    path.write_text('{"wheel_cm": 650, "track_cm": 11.5}')
    with pytest.raises(UsageError, match="delete that file"):
        calibration.load("02:e0:aa")


@pytest.mark.parametrize("serial", ["../../etc/passwd", "/dev/ttyUSB0", "COM3", "a b", ""])
def test_no_serial_number_leads_elsewhere(own_config_folder: Path, serial: str) -> None:
    assert (
        calibration.path_for(serial)
        .resolve()
        .is_relative_to(own_config_folder.resolve() / "robots")
    )


def test_a_way_and_a_turn_give_the_constants_in_either_order() -> None:
    """A robot with a wheel of 6.2 and a track of 12 cm; what it believes is by the constants it has
    then."""
    real, angle, difference = Constants(6.2, 12.0), 1000.0, 900.0

    def distance(constants: Constants) -> float:
        return angle / 360 * math.pi * constants.wheel

    def turn(constants: Constants) -> float:
        return math.degrees(difference / 360 * math.pi * constants.wheel / constants.track)

    one = calibration.correct_by_distance(NOMINAL, distance(NOMINAL), distance(real))
    assert one.wheel == pytest.approx(6.2)
    one = calibration.correct_by_turn(
        one, turn(one), -turn(real)
    )  # whichever way round it was measured
    other = calibration.correct_by_turn(NOMINAL, turn(NOMINAL), turn(real))
    other = calibration.correct_by_distance(other, distance(other), distance(real))
    assert one == pytest.approx(real)
    assert other == pytest.approx(real)


@pytest.mark.parametrize(
    ("believed", "measured"),
    [(3.0, 50.0), (50.0, 3.0), (50.0, math.nan), (50.0, math.inf), (50.0, 200.0)],
)
def test_what_is_no_measure_is_refused(believed: float, measured: float) -> None:
    with pytest.raises(UsageError):
        calibration.correct_by_distance(NOMINAL, believed, measured)


def test_an_mbot2_is_calibrated_by_what_was_measured(
    workshop: Workshop, own_config_folder: Path
) -> None:
    """Its wheels are smaller and further apart than in the book, which its encoders do not know;
    the tape measure does."""
    emulator = workshop.emulator(world=EMPTY, wheel=6.0, track=12.4)
    robot, ears = workshop.robot(emulator)
    eventually(lambda: robot.state()["calibration"]["serial"], "its serial number")
    assert robot.state()["pose"] == {"x": 0, "y": 0, "heading": 0}

    def driven(left: float, right: float, duration: float) -> dict[str, float]:
        """What really happened."""
        before = emulator.vehicle.sense()
        robot.submit(c.Drive(left=left, right=right, duration=duration)).result(PATIENCE)
        simulation = emulator.vehicle.simulation
        eventually(lambda: simulation.body_now(simulation.agents[0]).at_rest, "rest")
        angle = emulator.vehicle.sense()["encoder_left"]
        eventually(lambda: abs(robot.senses["encoder_left"] - angle) < 1, "the last reading")
        after = emulator.vehicle.sense()
        turned = (after["heading"] - before["heading"] + 180) % 360 - 180
        return {
            "distance": math.hypot(after["x"] - before["x"], after["y"] - before["y"]),
            "turn": turned,
        }

    calibrated = robot.calibrate(distance=driven(60, 60, 0.6)["distance"])
    assert calibrated["wheel_cm"] == pytest.approx(6.0, abs=0.05)
    calibrated = robot.calibrate(turn=driven(-30, 30, 0.65)["turn"])
    assert calibrated["track_cm"] == pytest.approx(12.4, abs=0.25)
    state = robot.state()
    assert state["calibration"]["measured"]
    assert Path(calibrated["file"]).is_relative_to(own_config_folder)
    x, y = state["pose"]["x"], state["pose"]["y"]
    distance = driven(50, 50, 0.4)["distance"]
    pose = robot.state()["pose"]
    assert math.hypot(pose["x"] - x, pose["y"] - y) == pytest.approx(distance, abs=0.5)
    assert robot.telemetry()["driven"] > distance
    assert ears.of("error") == []

    # The next program that drives this robot knows it.
    robot.close()
    robot.link.close(PATIENCE)
    again, _ = workshop.robot(emulator)
    eventually(lambda: again.state()["calibration"]["measured"], "what was measured")
    assert again.state()["calibration"]["wheel"] == pytest.approx(6.0, abs=0.05)


def test_what_cannot_be_calibrated_says_why(workshop: Workshop) -> None:
    robot, _ = workshop.robot(workshop.emulator(world=EMPTY))
    with pytest.raises(CommandRejectedError, match="either the distance"):
        robot.calibrate()
    with pytest.raises(CommandRejectedError, match="either the distance"):
        robot.calibrate(distance=1, turn=1)
    eventually(lambda: robot.state()["calibration"]["serial"], "its serial number")
    with pytest.raises(CommandRejectedError, match="at least 10 cm"):
        robot.calibrate(distance=50)
    with pytest.raises(CommandRejectedError, match="INVALID_PARAMS"):
        robot.calibrate(distance="fifty")
    mbot, _ = workshop.robot(workshop.emulator("mbot"))
    assert "pose" not in mbot.state()
    with pytest.raises(CommandRejectedError, match=r"UNSUPPORTED.*no encoders"):
        mbot.calibrate(distance=50)


def test_constants_that_cannot_be_read_are_told_and_the_book_s_are_taken(
    workshop: Workshop,
) -> None:
    emulator = workshop.emulator(world=EMPTY)
    first, _ = workshop.robot(emulator)
    serial = eventually(lambda: first.state()["calibration"]["serial"], "its serial number")
    first.close()
    first.link.close(PATIENCE)
    path = calibration.save(serial, NOMINAL)
    path.write_text("rubbish")
    robot, ears = workshop.robot(emulator)
    errors = eventually(lambda: ears.of("error"), "the complaint")
    assert "delete that file" in errors[0]["message"]
    assert robot.state()["calibration"]["wheel"] == NOMINAL.wheel
