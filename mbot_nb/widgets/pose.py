"""Where a robot is, as the page draws it."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from ..client import EventReceived

if TYPE_CHECKING:
    from ..state import StateView

__all__ = ["Pose", "pose_of", "replay_jumped"]

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
    pose = state.get("pose")
    try:
        place = (float(pose["x"]), float(pose["y"]), float(pose["heading"]))  # type: ignore[index]
    except (TypeError, KeyError, ValueError):
        return None
    return (
        (round(place[0], 1), round(place[1], 1), round(place[2], 1))
        if all(map(isfinite, place))
        else None
    )
