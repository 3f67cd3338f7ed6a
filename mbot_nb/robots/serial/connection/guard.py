"""Starts and arms the guard process, which stops the robot when this process is killed or stuck."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

from . import guard_process

__all__ = ["GRACE", "Guard"]

_log = logging.getLogger("mbot_nb")

GRACE = 0.15
"""Seconds that it waits longer than the link's own clock."""
END_TIMEOUT = 2.0


class Guard:
    """The guard of one port, when there is one. All calls come from the link's thread."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Whether it would stop the robot."""
        process = self._process
        return process is not None and process.poll() is None

    def start(self, descriptor: int) -> None:
        """Start it, with the open port inherited; in the 20 ms it needs, what it is sent waits."""
        arguments = [guard_process.__file__, str(descriptor), str(os.getpid())]
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", *arguments],
                stdin=subprocess.PIPE,
                pass_fds=(descriptor,),
                # what interrupts or kills the kernel's group leaves it alone
                start_new_session=True,
            )
        except OSError:
            _log.exception(
                "the guard process could not be started: if this notebook is killed, the robot "
                "drives on"
            )

    def arm(self, seconds: float, stop: bytes) -> None:
        """A motion of so many seconds begins, and this would end it."""
        self._send(f"arm {seconds + GRACE:.3f} {stop.hex()}\n")

    def disarm(self) -> None:
        """Nothing moves."""
        self._send("disarm\n")

    def end(self) -> None:
        """Let it go."""
        process = self._process
        if process is None or process.stdin is None:
            return
        self.disarm()
        self._process = None
        try:
            process.stdin.close()
        except OSError:
            _log.debug("the guard process had gone before")
        try:
            process.wait(END_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _send(self, line: str) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        try:
            process.stdin.write(line.encode())
            process.stdin.flush()
        except OSError:
            self._process = None
            process.kill()
            process.wait()
            _log.warning(
                "the guard process has gone: if this notebook is killed, the robot drives on"
            )
