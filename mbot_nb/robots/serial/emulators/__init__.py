"""Both robots without a robot: processes or threads that behave like one at the other end of a cable, as badly as the real ones.

From the bottom up:

    vehicle             what moves: a simulated mBot2
    script              what an mBot2 is told, read and never evaluated
    emulation           what both share: bytes and times in, bytes out
    cyberpi  mcore      the two robots
    mischief            what goes wrong on a cable
    doors               a pseudo-terminal, or a TCP port
    registry            which emulators run
    host                the thread that brings bytes to and fro at the speed of the cable
    run                 one emulator as a process, until it is interrupted

`emulate` starts one in this process; `run.main` is what the command line calls.
"""

from __future__ import annotations

from .run import emulate

__all__ = ["emulate"]
