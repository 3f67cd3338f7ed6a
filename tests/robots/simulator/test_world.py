"""The world is data: it reads and writes itself, and says what is wrong with it."""

from __future__ import annotations

import json

import pytest

from mbot_nb.errors import UsageError
from mbot_nb.robots import SimulatedRobot, Simulation, World
from mbot_nb.robots.simulator.world import Box, Light, Line, Piece, Start, Wall, playground
from tests.helpers.robots import FakeClock

EVERYTHING = World(
    width=300,
    walls=(Wall(x1=0, y1=50, x2=60, y2=50),),
    boxes=(Box(x=200, y=100, angle=30),),
    lines=(Line(points=((0, 0), (100, 100)), closed=True),),
    lights=(Light(x=10, y=10),),
    pieces=(Piece(x=50, y=90, color="red"),),
    starts=(Start(x=100, y=75, heading=90),),
)


@pytest.mark.parametrize("world", [World(), playground(), EVERYTHING])
def test_a_world_survives_json(world: World) -> None:
    assert World.from_json(world.to_json()) == world
    assert World.from_dict(json.loads(world.to_json())) == world


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"widht": 3}', "widht"),
        ('{"width": 3}', "width"),
        ('{"boxes": [{"x": 1}]}', r"y.*boxes\[0\]"),
        ('{"pieces": [{"x": 1, "y": 2, "color": "pink"}]}', "pink"),
        ('{"width": NaN}', "no JSON"),
        ("[", "no JSON"),
        ("[]", "array"),
    ],
)
def test_what_is_wrong_is_said(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        World.from_json(text)


def test_lists_are_as_good_as_tuples() -> None:
    made = World(lines=[Line(points=[(0, 0), (100, 100)])], boxes=[Box(x=30, y=30)])
    assert made == World(lines=(Line(points=((0, 0), (100, 100))),), boxes=(Box(x=30, y=30),))
    assert World.from_json(made.to_json()) == made
    assert SimulatedRobot(world=made).simulation.world == made


@pytest.mark.parametrize(
    "made",
    [
        World(width=1),
        World(boxes=(Box(x=-1, y=0),)),
        World(boxes=({"x": 1},)),  # type: ignore[arg-type]
    ],
)
def test_a_world_made_by_hand_is_held_to_its_ranges(made: World) -> None:
    with pytest.raises(UsageError, match="no world"):
        SimulatedRobot(world=made)


def test_a_robot_takes_its_world_as_plain_data(clock: FakeClock) -> None:
    bot = SimulatedRobot(world={"starts": [{"x": 50, "y": 60, "heading": 90}]}, clock=clock)
    assert bot.state()["pose"] == {"x": 50, "y": 60, "heading": 90}
    assert bot.state()["arena"]["width"] == 200
    with pytest.raises(UsageError, match="no world"):
        SimulatedRobot(world={"start": 1}, clock=clock)


@pytest.mark.parametrize("start", [Start(x=5, y=75), Start(x=200, y=100)])
def test_a_start_where_something_stands_is_refused(start: Start) -> None:
    with pytest.raises(UsageError, match="something is in the way"):
        SimulatedRobot(world=World(boxes=EVERYTHING.boxes, starts=(start,)))


def test_further_robots_find_room_until_there_is_none(clock: FakeClock) -> None:
    simulation = Simulation(World(width=100, height=80), clock=clock)
    bots: list[SimulatedRobot] = []

    def crowd() -> None:
        while len(bots) < 100:
            bots.append(SimulatedRobot(world=simulation))

    with pytest.raises(UsageError, match="no room"):
        crowd()
    assert 4 <= len(bots) < 35
    places = {(bot.state()["pose"]["x"], bot.state()["pose"]["y"]) for bot in bots}
    assert len(places) == len(bots)


def test_the_playground_has_room_to_drive_around_its_start() -> None:
    bot = SimulatedRobot(clock=FakeClock())
    space = bot.simulation.scene.space
    assert all(thing.distance(100, 75) > 60 for thing in space.solids)
