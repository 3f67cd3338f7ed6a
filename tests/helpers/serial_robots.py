"""Emulators, links and robots for tests of robots on a cable."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from mbot_nb import commands as c
from mbot_nb.robots.emulators import emulate
from mbot_nb.robots.emulators.cyberpi import CyberPiFirmware
from mbot_nb.robots.emulators.emulator import Emulator
from mbot_nb.robots.emulators.mcore import MCoreFirmware
from mbot_nb.robots.serial.connection.link import SerialLink
from mbot_nb.robots.serial.connection.port import opener
from mbot_nb.robots.serial.cyberpi import CyberPiRobot
from mbot_nb.robots.serial.driver import SerialRobot
from mbot_nb.robots.serial.mcore import MBotRobot
from mbot_nb.robots.serial.odometry import NOMINAL, Odometry
from mbot_nb.robots.serial.wire import f3, ff55
from mbot_nb.robots.serial.wire.dialects import F3Dialect, FF55Dialect
from tests.helpers.robots import Ears, FakeClock

PATIENCE = 8.0
DIALECTS = {"cyberpi": F3Dialect, "mbot": FF55Dialect}
DRIVERS: dict[str, type[SerialRobot]] = {"cyberpi": CyberPiRobot, "mbot": MBotRobot}

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


class Workshop:
    """Makes what a test needs."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def emulator(self, kind: Any = "cyberpi", **how: Any) -> Emulator:
        usual = {"boot": 0.02, "latency": 0.0, "paced": False, "registered": False}
        emulator = self._stack.enter_context(emulate(kind, **{**usual, **how}))
        self._stack.callback(lambda: _is_sound(emulator))
        return emulator

    def link(self, emulator: Emulator, **how: Any) -> SerialLink:
        dialect = DIALECTS[emulator.firmware.kind]
        link = SerialLink(
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


KINDS = pytest.mark.parametrize("kind", ["cyberpi", "mbot"])
EMPTY: dict[str, Any] = {"width": 400, "height": 400, "starts": [{"x": 60, "y": 200}]}


def drive(robot: Any, left: float, right: float, duration: float) -> Any:
    return robot.execute(c.Drive(left=left, right=right, duration=duration))


def motors_at(emulator: Emulator, left: float, right: float) -> bool:
    """Whether its motors are set so, as near as an mBot can be."""
    return bool(emulator.vehicle.motors == pytest.approx((left, right), abs=0.3))


def ran(emulator: Emulator) -> list[Any]:
    """What it carried out."""
    assert isinstance(emulator.firmware, CyberPiFirmware | MCoreFirmware)
    return list(emulator.firmware.ran)


def usb(
    device: str, vid: int | None = 0x1A86, pid: int = 0x7523, product: str | None = "USB Serial"
) -> Any:
    """A port as pyserial lists it."""
    return SimpleNamespace(
        device=device,
        vid=vid,
        pid=pid,
        product=product,
        manufacturer=None,
        description="n/a",
        serial_number=None,
    )


def frames_within(firmware: Any, clock: FakeClock, seconds: float) -> list[bytes]:
    """What it writes in so many seconds."""
    end = clock.now + seconds
    frames = list(firmware.due(clock.now))
    while firmware.deadline <= end:
        clock.now = max(clock.now, firmware.deadline)
        frames += firmware.due(clock.now)
    clock.now = end
    return frames + list(firmware.due(end))


TURN = 360 / (math.pi * NOMINAL.wheel)
"""Degrees that a wheel turns for 1 cm."""


class Wheels:
    """Two wheels whose angles an odometry is given, step by step."""

    def __init__(self, odometry: Odometry) -> None:
        self._odometry = odometry
        self.left = self.right = 0.0
        """How far each has turned, degrees."""

    def roll(self, left: float, right: float, steps: int = 50) -> None:
        """Both roll so many cm."""
        for step in range(steps + 1):
            self._odometry.read("left", self.left + left * TURN * step / steps)
            self._odometry.read("right", self.right + right * TURN * step / steps)
        self.left += left * TURN
        self.right += right * TURN
