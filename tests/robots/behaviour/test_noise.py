"""The noise of the sensors."""

from __future__ import annotations

import statistics

import pytest

from mbot_nb.robots.behaviour.noise import noise


def test_the_noise_is_as_said_and_depends_on_nothing_but_the_seed() -> None:
    values = [noise(7, 1, reading) for reading in range(4000)]
    assert values == [noise(7, 1, reading) for reading in range(4000)]
    assert values != [noise(8, 1, reading) for reading in range(4000)]
    assert all(-1 < value < 1 for value in values)
    assert statistics.mean(values) == pytest.approx(0, abs=0.03)
    assert statistics.stdev(values) == pytest.approx(0.41, abs=0.02)
