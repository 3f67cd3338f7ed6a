"""A clock that goes when told, robots and emulators on it, and what is put away after each test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mbot_nb.robots import SimulatedRobot
from mbot_nb.robots.emulators.cyberpi import CyberPiFirmware
from mbot_nb.robots.emulators.mcore import MCoreFirmware
from mbot_nb.robots.emulators.vehicle import Vehicle
from tests.helpers.robots import Ears, FakeClock
from tests.helpers.serial_robots import Workshop
from tests.helpers.waiting import eventually


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


@pytest.fixture
def mbot2(clock: FakeClock) -> CyberPiFirmware:
    return CyberPiFirmware(Vehicle({}, clock=clock), boot=0, latency=0)


@pytest.fixture
def mbot(clock: FakeClock) -> MCoreFirmware:
    return MCoreFirmware(Vehicle({}, clock=clock), boot=0)


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    with ExitStack() as stack:
        yield Workshop(stack)
    eventually(
        lambda: (
            not [
                t
                for t in threading.enumerate()
                if t.name.startswith(("mbot-link", "mbot-emulator"))
            ]
        ),
        "the end",
    )


@pytest.fixture(autouse=True)
def own_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MBOT_NB_RUNTIME_DIR", str(tmp_path / "runtime"))
    return tmp_path / "runtime"


@pytest.fixture(autouse=True)
def own_config_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MBOT_NB_CONFIG_DIR", str(tmp_path / "config"))
    return tmp_path / "config"
