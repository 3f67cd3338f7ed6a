"""Where a robot on a cable believes to be, and how that is corrected."""

from __future__ import annotations

import pytest

from mbot_nb.robots.serial import calibration
from mbot_nb.robots.serial.localization import Localization
from mbot_nb.robots.serial.odometry import NOMINAL, Constants
from tests.helpers.serial_robots import Wheels


def test_the_same_measure_twice_corrects_once_and_a_wrong_one_is_put_right() -> None:
    """Every cell can be run again, also the one that calibrates."""

    def calibrated(turns: bool, *measures: float) -> list[Constants]:
        localization = Localization()
        localization.set_serial("02:e0:ac")
        localization.odometry.start_motion()
        Wheels(localization.odometry).roll(*((-50, 50) if turns else (50, 50)))
        constants = []
        for measure in measures:
            localization.calibrate(*((None, measure) if turns else (measure, None)))
            constants.append(localization.odometry.constants)
        calibration.path_for("02:e0:ac").unlink()
        return constants

    once, twice = calibrated(False, 47.0, 47.0)
    assert once.wheel == pytest.approx(NOMINAL.wheel * 0.94)
    assert twice == pytest.approx(once)
    assert calibrated(False, 60.0, 47.0)[-1] == pytest.approx(once)
    once, twice = calibrated(True, 470.0, 470.0)
    assert once.track != pytest.approx(NOMINAL.track)
    assert twice == pytest.approx(once)
    assert calibrated(True, 600.0, 470.0)[-1] == pytest.approx(once)
