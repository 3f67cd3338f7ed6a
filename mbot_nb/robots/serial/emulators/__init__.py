"""Both robots without a robot: processes or threads that behave like one at the other end of a
cable, as badly as the real ones.

From the bottom up:

    vehicle             what moves: a simulated mBot2
    script              what an mBot2 is told, read and never evaluated
    emulation           what both share: bytes and times in, bytes out
    cyberpi  mcore      the two robots
    mischief            what goes wrong on a cable
    doors               a pseudo-terminal, or a TCP port
    host                the thread that brings bytes to and fro at the speed of the cable
    run                 starting one, and keeping it until it is interrupted

`emulate` starts one in this process; `mbot-nb emulate` is one as a process of its own.
"""

from __future__ import annotations

from .run import emulate

__all__ = ["emulate"]
