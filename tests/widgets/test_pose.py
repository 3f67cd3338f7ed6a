"""Where a robot is, as the page draws it."""

from __future__ import annotations

from typing import Any

import pytest

from mbot_nb.client import EventReceived
from mbot_nb.state import StateView
from mbot_nb.widgets.pose import pose_of, replay_jumped


def test_a_pose_is_rounded_to_a_millimetre() -> None:
    state = StateView({"pose": {"x": 1.2345, "y": 2, "heading": -90.07}})
    assert pose_of(state) == (1.2, 2.0, -90.1)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"pose": None},
        {"pose": {"x": 1, "y": 2}},
        {"pose": {"x": 1, "y": 2, "heading": "north"}},
        {"pose": {"x": float("nan"), "y": 2, "heading": 0}},
    ],
)
def test_a_robot_that_does_not_know_has_none(state: dict[str, Any]) -> None:
    assert pose_of(StateView(state)) is None


@pytest.mark.parametrize(
    ("name", "data", "jumped"),
    [
        ("replay_changed", {"why": "loop"}, True),
        ("replay_changed", {"why": "seek"}, True),
        ("replay_changed", {"why": "pause"}, False),
        ("replay_changed", None, False),
        ("telemetry", {"why": "seek"}, False),
    ],
)
def test_a_replay_that_went_elsewhere_has_not_driven_there(
    name: str, data: Any, jumped: bool
) -> None:
    event = EventReceived(0.0, name, data, None, 0)
    assert replay_jumped(event) is jumped
