"""A robot's own constants: measured by driving a known way and a known turn, and kept for it by its
serial number.

What a robot believes to have driven is compared with what a tape measure says. One file per robot,
in the user's folder.
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

__all__ = ["after_turn", "after_way", "file_of", "load", "save"]

LEAST_WAY = 10.0
"""cm: less cannot be measured well enough with a tape."""
LEAST_TURN = 90.0
MOST = 1.5
"""No robot of these kinds is further from the book than by this factor; what seems so was measured
otherwise."""


def file_of(serial: str) -> Path:
    """Where the constants of the robot with this serial number are kept."""
    name = re.sub(r"[^\w.-]+", "_", serial)
    return paths.config() / "robots" / f"{name}.json"


def load(serial: str) -> Constants | None:
    """The robot's constants, or None if none were measured.

    Raises:
        UsageError: there is a file, and it cannot be read; it says which.
    """
    path = file_of(serial)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        told = json.loads(text)
        constants = Constants(float(told["wheel_cm"]), float(told["track_cm"]))
        _must_be_likely(constants)
    except (ValueError, TypeError, KeyError, UsageError) as error:
        raise UsageError(
            f"the constants of this robot in {path} cannot be used ({type(error).__name__}: "
            f"{error}): delete that file, then "
            "measure again"
        ) from None
    return constants


def save(serial: str, constants: Constants) -> Path:
    """Keep them; returns where."""
    path = file_of(serial)
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "serial": serial,
        "wheel_cm": round(constants.wheel, 4),
        "track_cm": round(constants.track, 4),
        "measured": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(path)
    return path


def after_way(constants: Constants, believed: float, measured: float) -> Constants:
    """The constants with which ``believed`` cm, by the encoders, would have been the ``measured``
    ones.

    Raises:
        UsageError: one of the two is too short or unlikely, and why.
    """
    factor = _factor(
        believed, measured, LEAST_WAY, "a straight way", "cm", "bot.drive(40, 40, duration=2)"
    )
    # A track that was measured was so with the old wheels, and what they turn the robot by is right
    # already.
    track = constants.track * (factor if constants.track != NOMINAL.track else 1.0)
    return _must_be_likely(Constants(constants.wheel * factor, track))


def after_turn(constants: Constants, believed: float, measured: float) -> Constants:
    """The constants with which a turn of ``believed`` degrees, by the encoders, would have been the
    ``measured`` one.

    Raises:
        UsageError: one of the two is too small or unlikely, and why.
    """
    factor = _factor(
        believed,
        measured,
        LEAST_TURN,
        "a turn on the spot",
        "degrees",
        "bot.drive(-20, 20, duration=5)",
    )
    return _must_be_likely(Constants(constants.wheel, constants.track / factor))


def _factor(
    believed: float, measured: float, least: float, what: str, unit: str, how: str
) -> float:
    """What was measured of what was believed; forwards and backwards, left and right alike."""
    believed, measured = abs(believed), abs(measured)
    if not isfinite(measured) or min(believed, measured) < least:
        raise UsageError(
            f"{what} of at least {least:g} {unit} is needed; the last motion was one of "
            f"{believed:.1f} by the encoders, and you "
            f"measured {measured:.1f}. Drive it with `await {how}`, then measure it"
        )
    return measured / believed


def _must_be_likely(constants: Constants) -> Constants:
    for name, value, usual in zip(("wheels", "track"), constants, NOMINAL, strict=True):
        if not usual / MOST <= value <= usual * MOST:
            raise UsageError(
                f"that would make the robot's {name} {value:.2f} cm, and in the book they are "
                f"{usual:g}: was the last motion the "
                "one that was measured, and in cm and degrees?"
            )
    return constants
