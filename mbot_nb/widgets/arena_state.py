"""What the arena and the card show: where a robot is, and the floor under it."""

from __future__ import annotations

from math import isfinite
from typing import Any

from ..client import EventReceived, StateChanged
from ..state import StateView

__all__ = ["ArenaState", "Pose", "pose_of", "replay_jumped"]

Pose = tuple[float, float, float]


def replay_jumped(event: object) -> bool:
    """Whether a replay has begun again or was sent elsewhere: it has not driven there."""
    return (
        isinstance(event, EventReceived)
        and event.name == "replay_changed"
        and isinstance(event.data, dict)
        and event.data.get("why") in ("loop", "seek")
    )


def pose_of(state: StateView) -> Pose | None:
    """Where a robot is, x and y in cm and its heading in degrees; None if it does not know."""
    pose: Any = state.get("pose")
    try:
        x, y, heading = (round(float(pose[name]), 1) for name in ("x", "y", "heading"))
    except (TypeError, KeyError, ValueError):
        return None
    return (x, y, heading) if all(map(isfinite, (x, y, heading))) else None


class ArenaState:
    """A robot's arena as plain data. It is large, and so copied only when it has changed."""

    def __init__(self) -> None:
        self._copy: dict[str, Any] | None = None
        self._is_new = True

    def on_state_changed(self, event: StateChanged) -> None:
        """The state has changed: remember whether the arena has."""
        if event.kind == "snapshot" or any(field.startswith("arena") for field in event.fields):
            self._is_new = True

    def data(self, state: StateView) -> dict[str, Any] | None:
        """The arena, the same object until it changes; None if the robot knows none."""
        if self._is_new:
            self._is_new = False
            arena = state.get("arena")
            self._copy = arena.to_dict() if isinstance(arena, StateView) else None
        return self._copy
