"""A simulated robot that tells of a cable."""

from __future__ import annotations

from typing import Any

import mbot_nb as mb


class OnCable(mb.SimulatedRobot):
    """Tells of its cable as a robot on one does."""

    lost: dict[str, Any] | None = None

    def state(self) -> dict[str, Any]:
        connection = {
            "port": "/dev/ttyUSB0",
            "ready": self.lost is None,
            "reason": "",
            **(self.lost or {}),
        }
        return {**super().state(), "connection": connection}
