"""Detects which robot is at a port: the chip in the cable does not say, so both are probed."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import NamedTuple

from ...errors import ConnectError
from ...robot import RobotKind
from .connection.port import OpenPort, Port, WakeablePort, Waker, open_error, opener
from .cyberpi import CyberPiRobot
from .driver import SerialRobot
from .mcore import MBotRobot
from .wire.dialects import Answer, Dialect, F3Dialect, FF55Dialect

__all__ = ["DetectedRobot", "detect", "open_robot"]

DRIVERS: dict[str, type[SerialRobot]] = {"cyberpi": CyberPiRobot, "mbot": MBotRobot}
PROBE_INTERVAL = 0.3


class DetectedRobot(NamedTuple):
    """A robot that has answered."""

    kind: RobotKind
    version: str
    """Of its firmware."""


def detect(
    port: str, timeout: float = 8.0, *, ended: threading.Event | None = None
) -> DetectedRobot:
    """Ask both kinds of robots for their version until one answers; call it from a thread.

    Args:
        port: an address for pyserial.
        timeout: seconds; an mBot2 may need 6 to start after its port was opened.
        ended: set it, and the port is given back within 0.3 s.

    Raises:
        ConnectError: the port cannot be opened, or no robot answers; with what to do.
    """
    found, opened = _detect(port, timeout, ended)
    with contextlib.suppress(OSError):  # it went meanwhile
        opened.close()
    return found


def open_robot(
    port: str,
    *,
    kind: RobotKind | None = None,
    timeout: float = 10.0,
    robot_id: str | None = None,
    ended: threading.Event | None = None,
) -> SerialRobot:
    """The driver for the robot at ``port``, which has answered. It waits: call it from a thread.

    Args:
        port: an address for pyserial.
        kind: which robot it is; without it both are asked for.
        timeout: seconds; an mBot2 may need 6 to start after its port was opened.
        robot_id: its name.
        ended: set it, and it is not asked any more which robot it is.

    Raises:
        ConnectError: there is none, with what to do.
    """
    if kind is None:
        found, opened = _detect(port, timeout, ended)
        kind = found.kind
    else:
        opened = _open(port)  # here, so that what cannot be opened is reported at once
    robot = DRIVERS[kind](_handing_over(opened, opener(port)), name=port, robot_id=robot_id)
    try:
        robot.wait_ready(timeout)
    except ConnectError:
        robot.close()
        raise
    return robot


def _detect(port: str, timeout: float, ended: threading.Event | None) -> tuple[DetectedRobot, Port]:
    """Who is there, and the port, which is still open."""
    with contextlib.closing(Waker()) as waker:
        opened = WakeablePort(_open(port), waker)
        found = None
        try:
            found = _ask(opened, timeout, ended)
        except OSError as error:
            raise open_error(port, error) from None
        finally:
            if found is None:
                opened.close()
    if found is None and ended is not None and ended.is_set():
        raise ConnectError(f"the search at {port} was ended before anybody answered: look again")
    if found is None:
        raise ConnectError(
            f"nobody answered at {port} within {timeout:g} s: is the robot switched on, is it an "
            "mBot2 or mBot, and is its own firmware on it (mBlock can restore it)?"
        )
    return found, opened.port


def _open(port: str) -> Port:
    try:
        return opener(port)()
    except (OSError, ValueError) as error:
        raise open_error(port, error) from None


def _handing_over(opened: Port, again: OpenPort) -> OpenPort:
    """Gives the open port once and then reopens it: opening a port may restart the robot."""
    left = [opened]
    return lambda: left.pop() if left else again()


def _ask(port: WakeablePort, timeout: float, ended: threading.Event | None) -> DetectedRobot | None:
    """Both in turn: what the one is asked is noise to the other."""
    dialects: dict[RobotKind, Dialect] = {"cyberpi": F3Dialect(), "mbot": FF55Dialect()}
    asked: dict[RobotKind, set[int]] = {kind: set() for kind in dialects}
    now = time.monotonic()
    end, next_question = now + timeout, now
    while now < end and not (ended is not None and ended.is_set()):
        if now >= next_question:
            next_question = now + PROBE_INTERVAL
            for kind, dialect in dialects.items():
                number = dialect.next_number()
                asked[kind].add(number)
                port.write(dialect.encode(dialect.probe, number))
        data = port.wait(max(0.0, min(next_question, end) - now))
        for kind, dialect in dialects.items():
            for received in dialect.feed(data):
                match received:
                    case Answer(answered, str(version)) if answered in asked[kind]:
                        return DetectedRobot(kind, version)
        now = time.monotonic()
    return None
