"""What a server needs of a robot, and nothing more.

A robot knows nothing of JSON, sockets or clients: it executes typed commands, tells its state, and
reports events. It keeps its own clock: a motion ends on time, and a stop is obeyed, whatever the
notebook's event loop is doing.
"""

from __future__ import annotations

import secrets
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Literal

from .commands import Command
from .errors import CommandRejectedError, UsageError

__all__ = ["Ended", "Motion", "Outcome", "Report", "Robot", "RobotKind"]

Ended = Literal["time", "replaced", "stopped"]
RobotKind = Literal["cyberpi", "mbot"]
"""What is on the cable: an mBot2 or an mBot."""
Report = Callable[[str, Mapping[str, Any]], None]


class Motion:
    """One motion under way. It ends once: by its ``time``, ``replaced`` by the next one, or
    ``stopped``."""

    def __init__(self, duration: float) -> None:
        self.duration = duration
        """Seconds it was asked to last."""
        self.ended: Ended | None = None
        self.error: Exception | None = None
        """Why it ended as `stopped` though nobody stopped it: who waits for it is told that."""
        self._callbacks: list[Callable[[Ended], None]] = []
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Motion of {self.duration:g} s, {self.ended or 'under way'}>"

    def end(self, how: Ended, error: Exception | None = None) -> None:
        """Say that it has ended; callbacks run here, in this thread. Saying it again changes
        nothing."""
        with self._lock:
            if self.ended is not None:
                return
            self.ended, self.error = how, error
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(how)

    def on_end(self, callback: Callable[[Ended], None]) -> None:
        """Call back with how it ended, in the thread that ended it (at once if it has)."""
        with self._lock:
            if self.ended is None:
                self._callbacks.append(callback)
                return
            how = self.ended
        callback(how)

    def future(self) -> Future[Ended]:
        """Its end to come: how it ended, or its error. Who stops waiting for it does not stop the
        motion."""
        future: Future[Ended] = Future()
        future.set_running_or_notify_cancel()

        def ended(how: Ended) -> None:
            if self.error is None:
                future.set_result(how)
            else:
                future.set_exception(self.error)

        self.on_end(ended)
        return future


Outcome = Motion | Future[Any] | Mapping[str, Any] | None
"""What a robot makes of a command: the motion it began, the robot's confirmation to come, or what
the answer shall hold."""


class Robot(ABC):
    """The base of every robot. All methods may be called from any thread.

    A subclass gives :meth:`state`, :meth:`telemetry`, :meth:`perform` and :meth:`halt`; this class
    keeps the emergency stop's latch and makes stops and motions exclude each other.
    """

    robot_id: str = "robot"
    port: str = ""
    """The serial port it is driven by, if it is."""
    telemetry_interval: float = 0.1
    """Seconds between two looks at the state (10 Hz)."""
    pushes_telemetry: bool = False
    """Whether it reports `telemetry` by itself, at times of its own, so that the server does not
    ask for it."""
    takes_custom: bool = False
    """Whether `custom` is given to it where the server has no handler for that."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.latch: str | None = None
        """The id of the standing emergency stop, or None."""
        self.started_at = time.monotonic()
        self._report: Report | None = None

    # What a subclass gives.

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """All sections of the state now: plain data in the units of the protocol, a new object at
        each call."""

    @abstractmethod
    def telemetry(self) -> dict[str, Any]:
        """What the `telemetry` event carries: the values that change all the time, flat."""

    @abstractmethod
    def perform(self, command: Command) -> Outcome:
        """Carry out one command that is neither a stop nor the server's own affair; called with the
        lock held.

        Returns the motion it began, or what the answer shall hold; or the future of that, where the
        answer has to wait until the robot has confirmed it. It returns at once: long work goes on
        by itself.

        Raises:
            CommandRejectedError: with ``UNSUPPORTED`` for what this robot cannot do.
        """

    @abstractmethod
    def halt(self) -> None:
        """Stand still now and end the motion under way as `stopped`; called with the lock held."""

    def own_commands(self) -> Mapping[str, Callable[..., Any]]:
        """Commands that the vocabulary does not have, by their names: functions of their
        parameters, which return at once."""
        return {}

    def close(self) -> None:  # noqa: B027 - most robots have nothing to give back
        """Give back what the robot holds. The server has stopped it before."""

    def watched(self) -> None:  # noqa: B027 - most robots do the same whether somebody looks or not
        """Somebody looks from now on: called on the server's loop when a first client has come."""

    # What a server calls.

    def attach(self, report: Report) -> None:
        """Begin to report events to ``report(event, data)``, which may be called from any
        thread."""
        self._report = report

    def must_be_free(self) -> None:
        """Make sure that no server speaks for it.

        Raises:
            UsageError: one does.
        """
        if self._report is not None:
            raise UsageError(
                f"{self.robot_id} is served already, and a robot has one server at a time: connect "
                "to that one, close it first, or serve another robot."
            )

    def detach(self) -> None:
        """Stop reporting."""
        self._report = None

    def report(self, event: str, data: Mapping[str, Any] | None = None) -> None:
        """Tell the server that something happened."""
        if self._report is not None:
            self._report(event, data or {})

    def execute(self, command: Command) -> Outcome:
        """Carry out one command, unless it is a motion and an emergency stop stands."""
        with self.lock:
            if command.motion:
                self.refuse_if_latched(command.name)
            return self.perform(command)

    def refuse_if_latched(self, command: str) -> None:
        """Check that no emergency stop stands in the way of a motion.

        Raises:
            CommandRejectedError: ``STOPPED``, if one does.
        """
        latch = self.latch
        if latch is not None:
            raise CommandRejectedError(
                "STOPPED",
                "an emergency stop stands: release it first, with Release beside Stop, or "
                "`await bot.release_stop()`",
                command=command,
                details={"latch": latch},
            )

    def stop(self, reason: str = "stop") -> None:
        """Stand still now. Reports `robot_stopped` with the reason."""
        with self.lock:
            self.halt()
        self.report("robot_stopped", {"reason": reason})

    def emergency_stop(self, reason: str = "emergency_stop") -> str:
        """Stand still now and refuse motion until released; returns the new latch, which replaces
        an older one."""
        with self.lock:
            self.latch = latch = secrets.token_hex(8)
            self.halt()
        self.report("robot_stopped", {"reason": reason, "latch": latch})
        return latch

    def release_stop(self, latch: str) -> None:
        """Allow motion again, if ``latch`` is the one that stands.

        Raises:
            CommandRejectedError: ``STATE_CONFLICT`` if another one stands or none does.
        """
        with self.lock:
            if self.latch is None:
                why = "no emergency stop stands: nothing to release"
            elif not latch:
                why = (
                    "which emergency stop is to be released was not said: its name is in "
                    "state.latch"
                )
            elif latch != self.latch:
                why = (
                    "another emergency stop has come since: look at state.latch and release that "
                    "one"
                )
            else:
                self.latch = None
                return
        raise CommandRejectedError("STATE_CONFLICT", why, command="release_stop")
