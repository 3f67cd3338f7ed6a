"""Dimensions of an mBot2, in cm."""

from __future__ import annotations

from math import hypot

__all__ = ["HALF_LENGTH", "HALF_WIDTH", "RADIUS", "TRACK", "WHEEL"]

HALF_LENGTH = 17.5 / 2
HALF_WIDTH = 13.0 / 2
"""Half of the footprint of 17.5 cm by 13 cm."""
RADIUS = hypot(HALF_LENGTH, HALF_WIDTH)
"""Of the circle that holds the robot whichever way it turns, cm."""

WHEEL = 6.5
"""Diameter of a wheel, cm."""
TRACK = 11.5
"""Distance between the wheels, cm."""
