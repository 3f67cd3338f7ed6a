"""What a robot in the simulation does and meets by itself."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbot_nb import commands as c
from mbot_nb.robots import SimulatedRobot, World
from mbot_nb.robots.dimensions import HALF_LENGTH
from mbot_nb.robots.simulator.body import FULL_SPEED
from mbot_nb.robots.simulator.world import Box, Piece, Start
from tests.helpers.robots import Ears, FakeClock, drive


def test_sorting_moves_pieces_within_reach_into_the_inventory(clock: FakeClock) -> None:
    pieces = (
        Piece(x=110, y=80, color="red"),
        Piece(x=100, y=75, color="red"),
        Piece(x=90, y=60, color="blue"),
        Piece(x=150, y=75, color="green"),
    )
    bot, ears = SimulatedRobot(world=World(pieces=pieces), clock=clock), Ears()
    bot.attach(ears)
    assert bot.state()["inventory"] == {
        "red": 0,
        "green": 0,
        "blue": 0,
        "yellow": 0,
        "last_updated": 0,
    }
    answer = bot.execute(c.SortPieces())
    inventory = bot.state()["inventory"]
    assert [inventory[color] for color in ("red", "green", "blue", "yellow")] == [2, 0, 1, 0]
    assert inventory["last_updated"] > 1_600_000_000_000
    assert ears == [
        ("inventory_updated", {"inventory": inventory, "sorted": ["red", "red", "blue"]})
    ]
    assert answer == ears[0][1]
    assert bot.state()["arena"]["pieces"] == [{"x": 150, "y": 75, "color": "green"}]

    bot.execute(c.SortPieces())
    assert bot.state()["inventory"] == inventory, "nothing else is within reach"
    bot.execute(c.Drive(left=50, right=50, duration=1))
    clock.sleep(2)
    bot.execute(c.SortPieces())
    assert bot.state()["inventory"]["green"] == 1
    bot.simulation.put(Piece(x=130, y=75, color="yellow"))
    bot.execute(c.SortPieces())
    bot.execute(c.SyncInventory())
    assert ears[-1] == ("inventory_updated", {"inventory": bot.state()["inventory"], "sorted": []})
    assert bot.state()["inventory"]["yellow"] == 1


@given(look=st.floats(0, 0.2), speed=st.floats(1, 100))
@settings(max_examples=30)
def test_it_knows_since_when_it_stands(look: float, speed: float) -> None:
    clock = FakeClock()
    bot = SimulatedRobot(clock=clock)
    assert bot.at_rest_since == 1000
    drive(bot, speed, -speed / 2, 10)
    clock.sleep(1.234)
    assert bot.at_rest_since is None
    bot.stop()
    braking = speed / 100 * FULL_SPEED / 500
    clock.sleep(look)
    if look < braking:
        assert bot.at_rest_since is None
        clock.sleep(braking + 1e-6)
    assert bot.at_rest_since == pytest.approx(1001.234 + braking, abs=1e-6)
    clock.sleep(100)
    assert bot.at_rest_since == pytest.approx(1001.234 + braking, abs=1e-6)


@pytest.mark.parametrize(("speed", "heading", "side"), [(-100, 0, "back"), (100, 0, "front")])
def test_a_bump_says_on_which_side(
    clock: FakeClock, speed: float, heading: float, side: str
) -> None:
    ears = Ears()
    bot = SimulatedRobot(clock=clock)
    bot.attach(ears)
    drive(bot, speed, speed, 3)
    clock.sleep(4)
    bot.advance()
    assert [data["side"] for data in ears.of("stimulus_detected") if data["type"] == "bump"] == [
        side
    ]


def test_who_stands_notices_what_appears_ahead_but_not_what_it_finds_by_turning(
    clock: FakeClock,
) -> None:
    bot = SimulatedRobot(
        world=World(width=400, height=150, starts=(Start(x=60, y=75),)), clock=clock, noise=0
    )
    ears = Ears()
    bot.attach(ears)
    clock.sleep(30)
    calm = bot.state()["neural_state"]["tension"]
    bot.simulation.put(Box(x=150, y=75))
    clock.sleep(0.2)
    bot.advance()
    (data,) = ears.of("stimulus_detected")
    assert data["type"] == "appeared"
    assert data["distance"] == pytest.approx(150 - 10 - HALF_LENGTH - 60, abs=0.1)
    assert bot.state()["neural_state"]["tension"] > calm
    bot.simulation.move(Box(x=150, y=75), 140, 75)
    clock.sleep(1)
    bot.execute(c.Drive(left=-40, right=40, duration=3))
    clock.sleep(4)
    bot.advance()
    assert len(ears.of("stimulus_detected")) == 1, (
        "neither a box that comes by small steps nor the walls it turns to"
    )
