"""A robot's own wheel and track, measured by driving and kept by its serial number.

The encoders' estimate is compared with a tape measure. One file per robot, in the user's folder.
"""

from __future__ import annotations

import json
import re
import time
from math import isfinite
from pathlib import Path

from ...errors import UsageError
from ...local import paths
from .odometry import NOMINAL, Constants

__all__ = ["correct_by_distance", "correct_by_turn", "load", "path_for", "save"]

MIN_DISTANCE = 10.0
"""cm: less cannot be measured well enough with a tape."""
MIN_TURN = 90.0
MAX_FACTOR = 1.5
"""A correction beyond this factor is a mistake in measuring."""


def path_for(serial: str) -> Path:
    """Where the constants of the robot with this serial number are kept."""
    name = re.sub(r"[^\w.-]+", "_", serial)
    return paths.config() / "robots" / f"{name}.json"


def load(serial: str) -> Constants | None:
    """The robot's constants, or None if none were measured.

    Raises:
        UsageError: there is a file, and it cannot be read; it says which.
    """
    path = path_for(serial)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        data = json.loads(text)
        constants = Constants(float(data["wheel_cm"]), float(data["track_cm"]))
        _check_plausible(constants)
    except (ValueError, TypeError, KeyError, UsageError) as error:
        why = f"{type(error).__name__}: {error}"
        raise UsageError(
            f"the constants of this robot in {path} cannot be used ({why}): delete that file, "
            "then measure again"
        ) from None
    return constants


def save(serial: str, constants: Constants) -> Path:
    """Keep them; returns where."""
    path = path_for(serial)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = {
        "serial": serial,
        "wheel_cm": round(constants.wheel, 4),
        "track_cm": round(constants.track, 4),
        "measured": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)
    return path


def correct_by_distance(constants: Constants, estimated: float, measured: float) -> Constants:
    """The constants with which the ``estimated`` cm, by the encoders, become the ``measured`` ones.

    Raises:
        UsageError: one of the two is too short or unlikely, and why.
    """
    how = "bot.drive(40, 40, duration=2)"
    factor = _factor(estimated, measured, MIN_DISTANCE, "a straight way", "cm", how)
    # A measured track belongs to the old wheels: turns are right already, and stay so.
    track = constants.track * (factor if constants.track != NOMINAL.track else 1.0)
    return _check_plausible(Constants(constants.wheel * factor, track))


def correct_by_turn(constants: Constants, estimated: float, measured: float) -> Constants:
    """The constants by which ``estimated`` degrees of the encoders become the ``measured``.

    Raises:
        UsageError: one of the two is too small or unlikely, and why.
    """
    how = "bot.drive(-20, 20, duration=5)"
    factor = _factor(estimated, measured, MIN_TURN, "a turn on the spot", "degrees", how)
    return _check_plausible(Constants(constants.wheel, constants.track / factor))


def _factor(
    estimated: float, measured: float, least: float, what: str, unit: str, how: str
) -> float:
    """The measured by the estimated size; forwards and backwards, left and right alike."""
    estimated, measured = abs(estimated), abs(measured)
    if not isfinite(measured) or min(estimated, measured) < least:
        raise UsageError(
            f"{what} of at least {least:g} {unit} is needed; the last motion was one of "
            f"{estimated:.1f} by the encoders, and you measured {measured:.1f}. Drive it with "
            f"`await {how}`, then measure it"
        )
    return measured / estimated


def _check_plausible(constants: Constants) -> Constants:
    for name, value, usual in zip(("wheels", "track"), constants, NOMINAL, strict=True):
        if not usual / MAX_FACTOR <= value <= usual * MAX_FACTOR:
            raise UsageError(
                f"that would make the robot's {name} {value:.2f} cm, and in the book they are "
                f"{usual:g}: was the last motion the one that was measured, and in cm and degrees?"
            )
    return constants
