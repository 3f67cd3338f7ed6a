"""How long a second of our notebooks lasts: the one setting that makes them short, for tests and
for whoever is in a hurry."""

from __future__ import annotations

import os

from ..errors import UsageError

__all__ = ["PACE", "a_second"]

PACE = "MBOT_NB_PACE"
"""The environment variable: 0.2 is five times as fast, and measures less well."""


def a_second() -> float:
    """How long a second lasts in our notebooks: 1.0, or what ``MBOT_NB_PACE`` in the environment
    says.

    Raises:
        UsageError: it is not a number from 0.05 to 10.
    """
    value = os.environ.get(PACE, "1")
    try:
        second = float(value)
    except ValueError:
        second = 0.0
    if not 0.05 <= second <= 10:
        raise UsageError(
            f"{PACE}={value!r} in the environment: it says how many seconds a second of a notebook "
            "lasts, 0.05 to 10"
        )
    return second
