"""The floor as the page gets it: copied when it has changed, and only then."""

from __future__ import annotations

from typing import Any

import mbot_nb as mb
from mbot_nb.client import StateChanged
from mbot_nb.robots.simulator.world import Box
from mbot_nb.widgets.arena_state import ArenaState
from tests.helpers.waiting import until


async def test_it_is_the_same_object_until_the_arena_changes() -> None:
    robot = mb.SimulatedRobot(seed=1)
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        arena = ArenaState(bot)
        seen: list[Any] = []

        def changed(event: Any) -> None:
            if isinstance(event, StateChanged):
                arena.on_state_changed(event)
                seen.append(event)

        remove = bot.tap(changed)
        first = arena.data()
        assert first == bot.state.arena.to_dict()
        await bot.set_led(1, 2, 3)
        await until(lambda: seen)
        assert arena.data() is first
        robot.simulation.put(Box(x=30, y=30, width=4, height=4))
        await until(lambda: arena.data() is not first)
        assert arena.data() == bot.state.arena.to_dict()
        remove()


async def test_a_robot_that_knows_no_arena_has_none() -> None:
    class Blind(mb.SimulatedRobot):
        def state(self) -> dict[str, Any]:
            return {name: value for name, value in super().state().items() if name != "arena"}

    async with mb.serve(Blind(seed=1), port=0) as server, mb.connect(server) as bot:
        assert ArenaState(bot).data() is None
