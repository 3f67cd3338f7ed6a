"""Where a robot with encoders is: odometry with the constants of its serial number."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ...errors import CommandRejectedError, UsageError
from . import calibration
from .odometry import NOMINAL, Odometry

__all__ = ["Localization"]

SIDES = {"encoder_left": "left", "encoder_right": "right"}
PAIR_TIMEOUT = 0.1
"""Seconds after which the reading of one wheel is not waited with for the other one's any more."""


class Localization:
    """One robot's pose. All calls come with the robot's lock held."""

    def __init__(self) -> None:
        self.odometry = Odometry()
        self.serial = ""
        """The robot's serial number, as soon as it is known."""
        self.measured = False
        """Whether its constants are its own, or the book's."""
        self._read_at = 0.0

    def set_serial(self, serial: str) -> None:
        """It is the robot with this serial number: take the constants that were measured of it.

        Raises:
            UsageError: there are some, and they cannot be read.
        """
        if serial == self.serial:
            return
        self.serial = serial
        constants = calibration.load(serial)
        self.measured = constants is not None
        self.odometry.constants = constants or NOMINAL

    def update(self, values: Mapping[str, Any]) -> None:
        """Take sensor values; those of the encoders move the pose."""
        for name, side in SIDES.items():
            if name in values:
                self._read_at = time.monotonic()
                self.odometry.read(side, float(values[name]))

    def state(self) -> dict[str, Any]:
        """The sections ``pose`` and ``calibration`` of the state."""
        self._flush_lone_reading()
        wheel, track = self.odometry.constants
        return {
            "pose": self.odometry.pose,
            "calibration": {
                "serial": self.serial,
                "wheel": round(wheel, 3),
                "track": round(track, 3),
                "measured": self.measured,
            },
        }

    def telemetry(self) -> dict[str, float]:
        """``x``, ``y`` and ``driven`` cm, ``heading`` degrees."""
        self._flush_lone_reading()
        return {**self.odometry.pose, "driven": round(self.odometry.length, 2)}

    def calibrate(self, distance: float | None, turn: float | None) -> dict[str, Any]:
        """See :meth:`.SerialRobot.calibrate`."""
        if (distance is None) == (turn is None):
            raise _rejected(
                "INVALID_PARAMS",
                "give either the distance (cm) or the turn (degrees) that you have measured of "
                "the last motion",
            )
        if not self.serial:
            raise _rejected(
                "STATE_CONFLICT",
                "the robot has not told its serial number yet, under which its constants are "
                "kept: wait a second",
            )
        displacement, before = self.odometry.displacement(), self.odometry.constants
        try:
            if distance is not None:
                after = calibration.correct_by_distance(before, displacement.distance, distance)
            else:
                assert turn is not None
                after = calibration.correct_by_turn(before, displacement.turn, turn)
            path = calibration.save(self.serial, after)
        except (UsageError, TypeError) as error:
            raise _rejected("INVALID_PARAMS", str(error)) from None
        except OSError as error:
            why = f"the constants cannot be kept ({error}); MBOT_NB_CONFIG_DIR names another folder"
            raise _rejected("STATE_CONFLICT", why) from None
        self.odometry.constants, self.measured = after, True
        estimated = displacement.turn if distance is None else displacement.distance
        return {
            "wheel_cm": round(after.wheel, 3),
            "track_cm": round(after.track, 3),
            "before": {"wheel_cm": round(before.wheel, 3), "track_cm": round(before.track, 3)},
            "by_encoders": round(estimated, 2),
            "measured": turn if distance is None else distance,
            "file": str(path),
        }

    def _flush_lone_reading(self) -> None:
        if time.monotonic() - self._read_at > PAIR_TIMEOUT:
            self.odometry.flush()


def _rejected(code: str, why: str) -> CommandRejectedError:
    return CommandRejectedError(code, f"calibrate: {why}", command="calibrate")
