"""`mb.connect("usb")`: which port is meant, and the robot at it. All of it blocks."""

from __future__ import annotations

import atexit
import re
import threading
import weakref
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from ..errors import ConnectError
from ..local.runtime import Slot
from ..robot import RobotKind
from .discovery import USB, Candidate, candidates, examine

if TYPE_CHECKING:
    from ..robots.emulators.emulator import Emulator
    from ..robots.serial.driver import SerialRobot

__all__ = ["open_cable", "port_of", "stand_in"]

TIMEOUT = 10.0
"""Seconds for a robot to answer: an mBot2 may need 6 to start after its port was opened."""
_DEVICE = re.compile(r"/dev/.+|COM\d+", re.IGNORECASE)
_opened: Slot[weakref.WeakSet[SerialRobot]] = Slot(weakref.WeakSet)
"""Robots of this process; one that was closed may not have let go of its port yet."""


def port_of(address: object) -> str | None:
    """The port in ``"usb:/dev/ttyUSB0"`` or ``"/dev/ttyUSB0"``, empty for ``"usb"``; else None."""
    if not isinstance(address, str):
        return None
    word, colon, port = address.strip().partition(":")
    if word.lower() == USB and (port or not colon):
        return port
    return address.strip() if _DEVICE.fullmatch(address.strip()) else None


def open_cable(
    port: str, own: Iterable[str] = (), ended: threading.Event | None = None
) -> SerialRobot | str:
    """The robot at ``port``, which has answered; with an empty one, the only robot there is.

    Args:
        port: an address for pyserial, or an empty text.
        own: the ports by which servers of this process drive robots already.
        ended: set it to stop probing and give the ports back.

    Returns:
        The robot; or, if it is one of those already driven, its port.

    Raises:
        ConnectError: there is none, or there are several: then it lists them.
    """
    from ..robots.serial.detection import open_robot

    own = list(own)
    if port in own:
        return port
    kind = None
    if not port:
        chosen = _only_robot(own, ended)
        if isinstance(chosen, str):
            return chosen
        port, kind = chosen.address, chosen.kind if chosen.what == "emulator" else None
    else:
        kind = next((one.kind for one in candidates() if one.address == port), None)
    for earlier in [robot for robot in _opened() if robot.port == port]:
        earlier.link.close(TIMEOUT)  # it was closed, and may not have let go of the port yet
    robot = open_robot(port, kind=kind, timeout=TIMEOUT, ended=ended)
    _opened().add(robot)
    return robot


def stand_in(kind: RobotKind = "cyberpi", **how: Any) -> Emulator | None:
    """An emulated robot of this process, for want of a real one; `connect("usb")` finds it. It is
    there until the process ends.

    Args:
        kind, how: which one, and what else `emulate` takes.

    Returns:
        The emulator; the same one at a second call. None if there is a robot, or another emulator.
    """
    from ..robots.emulators import emulate
    from ..robots.emulators.run import default_link

    for emulator in stand_ins():
        print(f"The emulated robot at {emulator.address} is still there.")
        return emulator
    there = [one for one in candidates() if one.usable]
    if there:
        print(f"There is something at {there[0].address}: no emulated robot is needed.")
        return None
    link = default_link(kind)
    emulator = emulate(kind, link=link, tcp=0 if link is None else None, **how)
    stand_ins().append(emulator)
    atexit.register(emulator.close)
    print(f"No robot is plugged in: an emulated one stands in for it, at {emulator.address}.")
    return emulator


def _close_all(emulators: list[Emulator]) -> None:
    for emulator in emulators:
        atexit.unregister(emulator.close)
        emulator.close()


stand_ins: Slot[list[Emulator]] = Slot(list, close=_close_all)
"""The emulator that replaces a real robot, once there is one."""


def _only_robot(own: list[str], ended: threading.Event | None) -> Candidate | str:
    """The only robot there is. Of several ports each is asked; a single one is opened later."""
    listed = [one for one in candidates() if one.address not in own]
    likely = [one for one in listed if one.usable]
    if len(likely) + len(own) > 1:
        with ThreadPoolExecutor(len(listed), "mbot_nb-cable") as threads:
            listed = list(threads.map(lambda one: examine(one, TIMEOUT, ended), listed))
        likely = [one for one in listed if one.usable]
    if len(likely) + len(own) == 1:
        return likely[0] if likely else own[0]
    if likely or own:
        lines = [f"    {one.call}    # {one.robot}" for one in likely]
        lines += [
            f'    bot = await mb.connect("{USB}:{port}")    # connected to already' for port in own
        ]
        raise ConnectError(
            "there are several robots; say which:\n" + "\n".join(lines), retryable=False
        )
    reasons = "\n".join(f"    {one.address}: {one.why_not}" for one in listed)
    listing = (
        f"these ports are there, and none will do:\n{reasons}\n"
        if listed
        else "no serial port is there at all.\n"
    )
    raise ConnectError(
        f"no robot was found on a cable: {listing}Plug the robot in, switch it on, and try again; "
        "`mb.doctor()` looks closer. Without a robot, `mbot-nb emulate cyberpi` in a terminal is "
        "one; `await mb.connect()` brings a simulated one."
    )
