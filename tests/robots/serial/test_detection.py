"""A port is asked which robot is behind it."""

from __future__ import annotations

import os
from typing import Any

import pytest

from mbot_nb.errors import ConnectError
from mbot_nb.robots.serial.detection import DetectedRobot, detect, open_robot
from tests.helpers.serial_robots import DRIVERS, PATIENCE, Workshop

VERSIONS = {"cyberpi": "44.01.013", "mbot": "06.01.107"}


@pytest.mark.parametrize("kind", ["cyberpi", "mbot"])
@pytest.mark.parametrize(
    "how", [{"boot": 0.4}, {"boot": 0.0, "tcp": 0}, {"boot": 0.1, "paced": True, "latency": 0.5}]
)
def test_both_robots_are_found(workshop: Workshop, kind: Any, how: dict[str, Any]) -> None:
    emulator = workshop.emulator(kind, **how)
    assert detect(emulator.address, PATIENCE) == DetectedRobot(kind, VERSIONS[kind])


@pytest.mark.parametrize("kind", ["cyberpi", "mbot"])
def test_the_right_driver_is_taken(workshop: Workshop, kind: str) -> None:
    robot = open_robot(workshop.emulator(kind).address, timeout=PATIENCE)
    try:
        assert type(robot) is DRIVERS[kind]
        assert robot.state()["connection"]["ready"]
    finally:
        robot.close()
        robot.link.close(PATIENCE)


def test_nobody_there_says_what_to_look_at() -> None:
    master, slave = os.openpty()
    try:
        with pytest.raises(ConnectError, match="switched on"):
            detect(os.ttyname(slave), 0.4)
    finally:
        os.close(master)
        os.close(slave)


def test_no_port_says_so() -> None:
    with pytest.raises(ConnectError, match="there is no port"):
        detect("/dev/no-such-port")
