"""Emulators, links and robots that are put away after each test, and waiting for what one wants to
see."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mbot_nb.robots.emulators import emulate
from mbot_nb.robots.emulators.cyberpi import CyberPiFirmware
from mbot_nb.robots.emulators.emulator import Emulator
from mbot_nb.robots.emulators.mcore import MCoreFirmware
from mbot_nb.robots.emulators.vehicle import Vehicle
from mbot_nb.robots.serial.connection.link import Link
from mbot_nb.robots.serial.connection.port import opener
from mbot_nb.robots.serial.cyberpi import CyberPiRobot
from mbot_nb.robots.serial.driver import SerialRobot
from mbot_nb.robots.serial.mcore import MBotRobot
from mbot_nb.robots.serial.wire import f3, ff55
from mbot_nb.robots.serial.wire.dialects import F3Dialect, FF55Dialect

PATIENCE = 8.0
DIALECTS = {"cyberpi": F3Dialect, "mbot": FF55Dialect}
DRIVERS: dict[str, type[SerialRobot]] = {"cyberpi": CyberPiRobot, "mbot": MBotRobot}


def eventually(condition: Callable[[], Any], what: str = "it", patience: float = PATIENCE) -> Any:
    """What ``condition()`` gives as soon as that is true."""
    deadline = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not happen within {patience:g} s"
        time.sleep(0.002)


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
        return [data for name, data in list(self) if name == event]


STOPS = {"cyberpi": b"EM_stop", "mbot": b"\x05\0\0\0\0"}
"""What is in every stop."""


class Spoiler:
    """Loses the first request with ``text`` that goes to a robot, and all that comes within a
    moment of it; or its answer."""

    def __init__(
        self,
        emulator: Emulator,
        text: bytes,
        *,
        answer: bool = False,
        moment: float = 0.0,
        then: Callable[[], object] = lambda: None,
    ) -> None:
        self.done = False
        hear, due = emulator.firmware.receive, emulator.firmware.due
        wanted: list[int] = []
        deaf_until = 0.0

        def receive(data: bytes, now: float) -> None:
            nonlocal deaf_until
            if now < deaf_until:
                return
            if text in data and not self.done and not wanted:
                if not answer:
                    then()
                    deaf_until = now + moment
                    self.done = True
                    return
                frames = f3.Decoder().feed(data)
                wanted.append(
                    next(
                        (f.number for f in frames if isinstance(f, f3.Script) and text in f.text), 0
                    )
                )
            hear(data, now)

        def is_wanted(frame: bytes) -> bool:
            if not wanted or self.done:
                return False
            number = next(
                (f.number for f in f3.Decoder().feed(frame) if isinstance(f, f3.Script)), 0
            )
            self.done = number == wanted[0] if wanted[0] else frame == ff55.encode_ack()
            return self.done

        emulator.firmware.receive = receive  # type: ignore[method-assign]
        emulator.firmware.due = lambda now: [f for f in due(now) if not is_wanted(f)]  # type: ignore[method-assign]


class Clock:
    """It shows what a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mbot2(clock: Clock) -> CyberPiFirmware:
    return CyberPiFirmware(Vehicle({}, clock=clock), boot=0, latency=0)


@pytest.fixture
def mbot(clock: Clock) -> MCoreFirmware:
    return MCoreFirmware(Vehicle({}, clock=clock), boot=0)


class Workshop:
    """Makes what a test needs."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def emulator(self, kind: Any = "cyberpi", **how: Any) -> Emulator:
        usual = {"boot": 0.02, "latency": 0.0, "paced": False, "registered": False}
        emulator = self._stack.enter_context(emulate(kind, **{**usual, **how}))
        self._stack.callback(lambda: _is_sound(emulator))
        return emulator

    def link(self, emulator: Emulator, **how: Any) -> Link:
        dialect = DIALECTS[emulator.firmware.kind]
        link = Link(
            opener(emulator.address), dialect, **{"name": emulator.address, "guarded": False, **how}
        ).start()
        self._stack.callback(link.close, PATIENCE)
        link.wait_ready(PATIENCE)
        return link

    def robot(self, emulator: Emulator, **how: Any) -> tuple[Any, Ears]:
        robot = DRIVERS[emulator.firmware.kind](emulator.address, **{"guarded": False, **how})
        ears = Ears()
        robot.attach(ears)

        def close() -> None:
            robot.close()
            robot.link.close(PATIENCE)

        self._stack.callback(close)
        robot.wait_ready(PATIENCE)
        return robot, ears


def _is_sound(emulator: Emulator) -> None:
    assert emulator.failure is None


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
