"""Collisions and echoes: boxes, inner walls, other robots."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbot_nb import commands as c
from mbot_nb.robots import SimulatedRobot, Simulation, World
from mbot_nb.robots.dimensions import HALF_LENGTH
from mbot_nb.robots.simulator.world import Box, Start, Wall
from tests.helpers.robots import Ears, FakeClock

CROWD = World(
    width=160,
    height=120,
    boxes=(Box(x=40, y=60, angle=30), Box(x=120, y=100, width=30, height=10, angle=-20)),
    walls=(Wall(x1=80, y1=0, x2=80, y2=30),),
    starts=(Start(x=80, y=75), Start(x=110, y=75, heading=180), Start(x=60, y=100, heading=45)),
)


def test_a_box_stops_it(clock: FakeClock) -> None:
    bot = SimulatedRobot(
        world=World(boxes=(Box(x=170, y=75),), starts=(Start(x=100, y=75),)), clock=clock
    )
    bot.execute(c.Drive(left=80, right=80, duration=3))
    clock.sleep(4)
    assert bot.state()["pose"]["x"] == pytest.approx(160 - HALF_LENGTH, abs=1e-6)
    assert bot.telemetry()["bumped"] is False, "it stands: nothing pushes any more"


def test_two_robots_stop_each_other(clock: FakeClock) -> None:
    world = World(starts=(Start(x=60, y=75), Start(x=140, y=75, heading=180)))
    simulation = Simulation(world, clock=clock)
    left, right = SimulatedRobot(world=simulation), SimulatedRobot(world=simulation)
    ears = Ears()
    right.attach(ears)
    for bot in (left, right):
        bot.execute(c.Drive(left=50, right=50, duration=3))
    clock.sleep(4)
    x1, x2 = left.state()["pose"]["x"], right.state()["pose"]["x"]
    assert x2 - x1 == pytest.approx(2 * HALF_LENGTH, abs=1.5)
    assert x2 - x1 >= 2 * HALF_LENGTH - 1e-6
    assert [data["type"] for data in ears.of("stimulus_detected")] == ["obstacle", "bump"]


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.floats(-100, 100), st.floats(-100, 100), st.floats(0, 2)),
        max_size=12,
    )
)
def test_nothing_ever_overlaps(drives: list[tuple[int, float, float, float]]) -> None:
    clock = FakeClock()
    simulation = Simulation(CROWD, seed=1, clock=clock)
    bots = [SimulatedRobot(world=simulation) for _ in CROWD.starts]
    space = simulation.scene.space
    for which, left, right, pause in drives:
        bots[which].execute(c.Drive(left=left, right=right, duration=2))
        for _ in range(10):
            clock.sleep(pause / 10)
            bots[0].advance()
            for body in space.bodies:
                half_x, half_y = body.shape.half_extents()
                assert half_x - 1e-6 <= body.x <= space.width - half_x + 1e-6
                assert half_y - 1e-6 <= body.y <= space.height - half_y + 1e-6
                for thing in (
                    *space.solids,
                    *(other.shape for other in space.bodies if other is not body),
                ):
                    push = body.shape.push(thing)
                    assert push is None or math.hypot(*push) < 1e-6


def test_the_echo_sees_what_stands_in_the_cone(clock: FakeClock) -> None:
    def distance(*boxes: Box) -> float:
        bot = SimulatedRobot(
            world=World(boxes=boxes, starts=(Start(x=50, y=75),)), clock=clock, noise=0
        )
        found: float = bot.state()["neural_state"]["distance"]
        return found

    wall = 200 - 50 - HALF_LENGTH
    assert distance() == pytest.approx(wall, abs=0.1)
    assert distance(Box(x=130, y=75)) == pytest.approx(70 - HALF_LENGTH, abs=0.1)
    assert distance(Box(x=130, y=95)) == pytest.approx(
        (70 - HALF_LENGTH) / math.cos(math.radians(10)), abs=0.8
    ), "at its edge"
    assert distance(Box(x=130, y=110)) == pytest.approx(wall, abs=0.1), "beside it"
    assert distance(Box(x=20, y=75)) == pytest.approx(wall, abs=0.1), "behind"


def test_the_echo_sees_another_robot(clock: FakeClock) -> None:
    simulation = Simulation(World(starts=(Start(x=50, y=75), Start(x=120, y=75))), clock=clock)
    bot = SimulatedRobot(world=simulation, noise=0)
    assert bot.telemetry()["distance"] == pytest.approx(200 - 50 - HALF_LENGTH, abs=0.1)
    SimulatedRobot(world=simulation)
    clock.sleep(0.2)
    assert bot.telemetry()["distance"] == pytest.approx(70 - 2 * HALF_LENGTH, abs=0.1)


def test_out_of_range_is_300(clock: FakeClock) -> None:
    bot = SimulatedRobot(world=World(width=800, height=800), clock=clock)
    assert bot.telemetry()["distance"] == 300
