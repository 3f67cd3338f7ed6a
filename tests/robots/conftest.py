"""A robot on a clock that goes when told, and its events."""

from __future__ import annotations

import pytest

from mbot_nb.robots import SimulatedRobot
from tests.helpers.simulated_robots import Ears, FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def bot(clock: FakeClock) -> SimulatedRobot:
    return SimulatedRobot(seed=1, clock=clock)


@pytest.fixture
def ears(bot: SimulatedRobot) -> Ears:
    ears = Ears()
    bot.attach(ears)
    return ears
