"""A clock that goes when told, and what hears a robot's events."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from mbot_nb import commands as c
from mbot_nb.robot import Motion
from mbot_nb.robots import SimulatedRobot


class FakeClock:
    """Seconds that pass only when somebody says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Ears(list[tuple[str, dict[str, Any]]]):
    """Every event a robot reports, in order; the telemetry apart, with the time of each."""

    def __init__(self) -> None:
        super().__init__()
        self.telemetry: list[tuple[float, dict[str, Any]]] = []

    def __call__(self, event: str, data: Mapping[str, Any]) -> None:
        if event == "telemetry":
            self.telemetry.append((time.monotonic(), dict(data)))
        else:
            self.append((event, dict(data)))

    def of(self, event: str) -> list[dict[str, Any]]:
        # A copy: a robot on a cable reports in a thread of its own.
        return [data for name, data in list(self) if name == event]


def game(bot: SimulatedRobot) -> dict[str, Any]:
    found: dict[str, Any] = bot.state()["game_state"]
    return found


def drive(bot: SimulatedRobot, left: float, right: float, duration: float = 1.0) -> Motion:
    motion = bot.execute(c.Drive(left=left, right=right, duration=duration))
    assert isinstance(motion, Motion)
    return motion
