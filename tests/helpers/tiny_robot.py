"""A robot of two numbers, for tests of what is around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mbot_nb as mb
from mbot_nb import commands as c


class TinyRobot(mb.Robot):
    """A robot of two numbers. A test ends its motions, or does not."""

    robot_id = "tiny"

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, Any] = {"tiny": {"n": 0, "text": ""}, "leds": [[0, 0, 0]]}
        self.done: list[c.Command] = []
        self.motion: mb.Motion | None = None
        self.halts = 0

    def state(self) -> dict[str, Any]:
        return {
            key: dict(value) if isinstance(value, dict) else value
            for key, value in self.values.items()
        }

    def telemetry(self) -> dict[str, Any]:
        return {"n": self.values["tiny"]["n"]}

    def perform(self, command: c.Command) -> mb.Motion | Mapping[str, Any] | None:
        self.done.append(command)
        if command.motion:
            if self.motion is not None:
                self.motion.end("replaced")
            self.motion = mb.Motion(1.0)
            return self.motion
        if isinstance(command, c.DisplayText):
            self.values["tiny"]["text"] = command.text
        elif isinstance(command, c.SetLed):
            self.values["leds"] = [[command.r, command.g, command.b]]
        elif isinstance(command, c.SortPieces):
            raise mb.CommandRejectedError("UNSUPPORTED", "a tiny robot has no arm")
        return None

    def halt(self) -> None:
        self.halts += 1
        motion, self.motion = self.motion, None
        if motion is not None:
            motion.end("stopped")
