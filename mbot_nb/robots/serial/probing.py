"""Which robot is at a port: the chip in the cable does not tell, so both are asked."""

from __future__ import annotations

import contextlib
import time
from typing import Literal, NamedTuple

from ...errors import ConnectError
from .cyberpi import CyberPiRobot
from .dialects import Answer, Dialect, F3Dialect, FF55Dialect
from .mcore import MBotRobot
from .port import Channel, OpenPort, Waker, opener, why_not
from .robot import SerialRobot

__all__ = ["Found", "open_robot", "probe"]

Kind = Literal["cyberpi", "mbot"]
DRIVERS: dict[str, type[SerialRobot]] = {"cyberpi": CyberPiRobot, "mbot": MBotRobot}
ASK_EVERY = 0.3


class Found(NamedTuple):
    """A robot that has answered."""

    kind: Kind
    version: str
    """Of its firmware."""


def probe(port: str | OpenPort, timeout: float = 8.0, *, name: str | None = None) -> Found:
    """Ask both kinds of robots for their version, until one answers. It waits: call it from a thread.

    Args:
        port: an address for pyserial, or a function that opens a port.
        timeout: seconds; an mBot2 may need 6 to start after its port was opened.

    Raises:
        ConnectError: the port cannot be opened, or nobody answers; with what to do.
    """
    address = name or (port if isinstance(port, str) else "the given port")
    waker = Waker()
    try:
        channel = Channel((opener(port) if isinstance(port, str) else port)(), waker)
    except (OSError, ValueError) as error:
        waker.close()
        raise why_not(address, error) from None
    with contextlib.closing(waker), contextlib.closing(channel):
        try:
            found = _ask(channel, timeout)
        except OSError as error:
            raise why_not(address, error) from None
    if found is None:
        raise ConnectError(
            f"nobody answered at {address} within {timeout:g} s: is the robot switched on, is it an mBot2 or mBot, and is its "
            "own firmware on it (mBlock can restore it)?"
        )
    return found


def open_robot(port: str, *, kind: Kind | None = None, timeout: float = 10.0, robot_id: str | None = None) -> SerialRobot:
    """The driver for the robot at ``port``, which has answered. It waits: call it from a thread.

    Raises:
        ConnectError: there is none, with what to do.
    """
    chosen = kind or probe(port, timeout).kind
    robot = DRIVERS[chosen](port, robot_id=robot_id)
    try:
        robot.wait_ready(timeout)
    except ConnectError:
        robot.close()
        raise
    return robot


def _ask(channel: Channel, timeout: float) -> Found | None:
    """Both in turn: what the one is asked is noise to the other."""
    dialects: tuple[tuple[Kind, Dialect], ...] = (("cyberpi", F3Dialect()), ("mbot", FF55Dialect()))
    asked: dict[Kind, set[int]] = {kind: set() for kind, _ in dialects}
    now = time.monotonic()
    end, next_question = now + timeout, now
    while now < end:
        if now >= next_question:
            next_question = now + ASK_EVERY
            for kind, dialect in dialects:
                number = dialect.next_number()
                asked[kind].add(number)
                channel.write(dialect.encode(dialect.probe, number))
        data = channel.wait(max(0.0, min(next_question, end) - now))
        for kind, dialect in dialects:
            for heard in dialect.feed(data):
                if isinstance(heard, Answer) and heard.number in asked[kind] and isinstance(heard.value, str):
                    return Found(kind, heard.value)
        now = time.monotonic()
    return None
