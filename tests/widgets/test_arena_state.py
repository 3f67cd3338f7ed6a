"""What the arena shows: where a robot is, and the floor under it."""

from __future__ import annotations

from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb.client import EventReceived, StateChanged
from mbot_nb.robots.simulator.world import Box
from mbot_nb.state import StateView
from mbot_nb.widgets.arena_state import ArenaState, pose_of, replay_jumped
from tests.helpers.waiting import until


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


async def test_the_arena_is_the_same_object_until_it_changes() -> None:
    robot = mb.SimulatedRobot(seed=1)
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        arena = ArenaState()
        seen: list[StateChanged] = []

        def changed(event: Any) -> None:
            if isinstance(event, StateChanged):
                arena.on_state_changed(event)
                seen.append(event)

        remove = bot.tap(changed)
        first = arena.data(bot.state)
        assert first == bot.state.arena.to_dict()
        await bot.set_led(1, 2, 3)
        await until(lambda: seen)
        assert arena.data(bot.state) is first
        robot.simulation.put(Box(x=30, y=30, width=4, height=4))
        await until(lambda: arena.data(bot.state) is not first)
        assert arena.data(bot.state) == bot.state.arena.to_dict()
        remove()


def test_a_robot_that_knows_no_arena_has_none() -> None:
    assert ArenaState().data(StateView({"pose": {}})) is None
