"""Reads a robot's state and telemetry, in a form that every client can read."""

from __future__ import annotations

from typing import Any

from .. import commands as c
from ..loops.home import log_failure
from ..protocol.codec import clean, encode, to_json
from ..protocol.server import MAX_STATE, encode_event
from ..robot import Robot

__all__ = ["RobotReader"]


class RobotReader:
    """Reads a robot, ten times a second and after each command; one that fails is reported once."""

    def __init__(self, robot: Robot) -> None:
        self._robot = robot
        self._state: dict[str, Any] = {}
        self._telemetry: bytes | None = None
        self._failing: set[str] = set()

    def state(self) -> dict[str, Any]:
        """The robot's state; the last one if this one cannot be sent, but for the latch, which
        whoever releases it must see."""
        latch = self._robot.latch
        try:
            state: dict[str, Any] = c.plain({**self._robot.state(), "latch": latch})
            changed = {key: value for key, value in state.items() if value != self._state.get(key)}
            if changed:
                to_json(clean(changed))
                size = len(encode(state))
                if size > MAX_STATE:
                    raise ValueError(
                        f"it has {size} bytes, and more than {MAX_STATE} do not fit into a frame "
                        "of 1 MiB: keep long lists out of it, and send them as events, in pieces. "
                        "Clients keep the last state that fitted"
                    )
            self._state = state
            self._failing.discard("state")
        except Exception as error:
            self._report_failure("state", error)
            self._state = {**self._state, "latch": latch}
        return self._state

    def telemetry(self) -> bytes | None:
        """The payload of the robot's telemetry if it is another one than the last time, else
        None."""
        try:
            payload = encode_event("telemetry", self._robot.telemetry())
            self._failing.discard("telemetry")
        except Exception as error:
            self._report_failure("telemetry", error)
            return None
        if payload == self._telemetry:
            return None
        self._telemetry = payload
        return payload

    def _report_failure(self, what: str, error: Exception) -> None:
        """Log the first failure only; the robot is read ten times a second."""
        if what not in self._failing:
            self._failing.add(what)
            log_failure(f"the robot cannot tell its {what}", error)
