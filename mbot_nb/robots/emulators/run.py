"""Starts an emulator in this process, and runs it until it is interrupted."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...errors import UsageError
from ...local import instances, paths
from ...robot import RobotKind
from ..dimensions import TRACK, WHEEL
from ..simulator import World
from .cyberpi import CyberPiFirmware
from .emulator import Emulator
from .faults import Faults
from .firmware import Firmware
from .mcore import MCoreFirmware
from .ports import PtyPort, TcpPort
from .vehicle import Vehicle

__all__ = ["default_link", "emulate", "run_until_interrupted"]


def emulate(
    kind: RobotKind = "cyberpi",
    *,
    link: str | Path | None = None,
    tcp: int | None = None,
    paced: bool = True,
    boot: float | None = None,
    latency: float = 0.051,
    world: World | Mapping[str, Any] | None = None,
    seed: int | None = None,
    scale: float = 1.0,
    wheel: float = WHEEL,
    track: float = TRACK,
    faults: Faults | None = None,
    registered: bool = True,
    resets_on_open: bool = True,
) -> Emulator:
    """Start an emulated robot in this process, for use in a ``with``; connect to its ``address``.

    Args:
        kind: ``"cyberpi"`` for an mBot2, ``"mbot"`` for an mBot.
        link: a path that leads to its pseudo-terminal, whatever that is called.
        tcp: serve on this TCP port of this machine instead (0: any), for ``socket://``.
        paced: let bytes take as long as at 115200 baud.
        boot: seconds it needs to start (6 of an mBot2, 1.3 of an mBot).
        latency: of a script's answer, s (mBot2); through the shield it is twice that.
        world, seed: of the simulated mBot2 behind it.
        scale: how fast its wheels turn, of what they should: 0.95 is a robot with tired motors.
        wheel, track: the diameter of its wheels and the distance between them, cm.
        faults: what goes wrong on the cable.
        registered: let discovery find it.
        resets_on_open: restart whenever the port is opened.

    Raises:
        UsageError: for a kind there is none of, a path or port that is taken or cannot be, or no
            folder to list it in.
    """
    if kind not in ("cyberpi", "mbot"):
        raise UsageError(f'there are emulators of "cyberpi" (mBot2) and "mbot", not of {kind!r}')
    vehicle = Vehicle(world, seed=seed, scale=scale, wheel=wheel, track=track)
    firmware: Firmware
    if kind == "cyberpi":
        firmware = CyberPiFirmware(vehicle, boot=6.0 if boot is None else boot, latency=latency)
    else:
        firmware = MCoreFirmware(vehicle, boot=1.3 if boot is None else boot)
    port = PtyPort(link) if tcp is None else TcpPort(tcp)
    return Emulator(
        firmware,
        port,
        paced=paced,
        faults=faults,
        registered=registered,
        resets_on_open=resets_on_open,
    )


def default_link(kind: RobotKind) -> Path | None:
    """A free path for a pseudo-terminal, named after the robot; None where there are none."""
    if os.name != "posix":
        return None
    taken = {entry.address for entry in instances.running("emulator")}
    number = 1
    while str(path := paths.runtime() / (kind if number == 1 else f"{kind}-{number}")) in taken:
        number += 1
    return path


def run_until_interrupted(
    emulator: Emulator,
    on_start: Callable[[], object],
    *,
    reset_after: float | None,
    unplug_after: float | None,
    replug_after: float,
) -> None:
    """Call ``on_start()`` and run the emulator until a signal or a fault, which is raised, ends it.

    Args:
        reset_after: seconds until it restarts once.
        unplug_after, replug_after: seconds until its cable is pulled once, and then until it is
            plugged in again.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: emulator.switch_off())
    timers = []
    if reset_after is not None:
        timers.append(threading.Timer(reset_after, emulator.reset))
    if unplug_after is not None:
        timers.append(threading.Timer(unplug_after, emulator.unplug, (replug_after,)))
    with emulator:
        on_start()
        for timer in timers:
            timer.start()
        emulator.join()
        for timer in timers:
            timer.cancel()
    if emulator.failure is not None:
        raise emulator.failure
