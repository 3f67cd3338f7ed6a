"""Stops a robot whose program is killed or held up in mid-motion. Run by its path, as a process.

It inherits the open port, and reads its standard input, line by line:

    arm SECONDS HEX     a motion has begun: send these bytes after so many seconds, unless another
                        line comes before
    disarm              nothing moves

When its input ends while it is armed, the program that moved the robot is gone: it sends the bytes
at once. It imports nothing of mbot_nb, so that it starts fast and needs little.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

REPEAT_DELAYS = (0.0, 0.1, 0.2, 0.4, 0.8)
"""Seconds after which the bytes are sent (again): a busy robot may miss the first ones."""
PARENT_CHECK_INTERVAL = 0.25
"""Seconds between two checks whether the program lives: its fork could keep our input open."""


def main(port: int, parent: int) -> None:
    """Watch until the program has gone and the robot stands."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    buffer, armed, deadline, stop, due = b"", False, 0.0, b"", list(REPEAT_DELAYS)
    while True:
        orphaned = os.getppid() != parent
        if armed:
            now = time.monotonic()
            if orphaned:
                deadline = min(deadline, now)
            while due and now >= deadline + due[0]:
                send(port, stop)
                due.pop(0)
            if not due:
                armed = False
        if orphaned and not armed:
            return
        wait = (
            min(PARENT_CHECK_INTERVAL, max(deadline + due[0] - time.monotonic(), 0.0))
            if armed
            else None
        )
        if orphaned:
            time.sleep(wait or 0.0)
            continue
        if not select.select([0], [], [], wait)[0]:
            continue
        data = os.read(0, 4096)
        if not data:
            if armed:
                repeat(port, stop)
            return
        *lines, buffer = (buffer + data).split(b"\n")
        for line in lines:
            words = line.split()
            armed = words[0] == b"arm"
            if armed:
                deadline = time.monotonic() + float(words[1])
                stop, due = bytes.fromhex(words[2].decode()), list(REPEAT_DELAYS)


def repeat(port: int, stop: bytes) -> None:
    """Send the bytes a few times."""
    started = time.monotonic()
    for after in REPEAT_DELAYS:
        time.sleep(max(0.0, started + after - time.monotonic()))
        if not send(port, stop):
            return


def send(port: int, stop: bytes) -> bool:
    """Write all of it; False when the port is gone, too."""
    left = stop
    until = time.monotonic() + 1.0
    while left and time.monotonic() < until:
        try:
            if select.select([], [port], [], 0.1)[1]:
                left = left[os.write(port, left) :]
        except BlockingIOError:
            continue
        except OSError:
            return False
    return not left


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
