"""Emulated robots on a cable: an mBot2 and an mBot without a robot, with the faults of real ones.

From the bottom up:

    vehicle    what moves: a simulated mBot2
    script     parses the scripts an mBot2 is sent; evaluates nothing
    firmware   what both firmwares share: bytes and times in, bytes out
    cyberpi    the firmware of the mBot2
    mcore      the firmware of the mBot
    faults     what goes wrong on a cable
    ports      a pseudo-terminal, or a TCP port
    emulator   the thread that carries bytes at the speed of the cable
    run        starts an emulator, and keeps it until it is interrupted

`emulate` starts one in this process; `mbot-nb emulate` starts one as a process of its own.
"""

from __future__ import annotations

from .run import emulate

__all__ = ["emulate"]
