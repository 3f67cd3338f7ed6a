"""docs/simulator.md names everything there is, and its examples of worlds run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mbot_nb.robots import SimulatedRobot
from mbot_nb.robots.behaviour.games import start_game
from mbot_nb.robots.simulator.drawing import SHAPES
from mbot_nb.robots.simulator.world import Box, Light, Line, Piece, Start, Wall, World
from tests.helpers.robots import FakeClock

TEXT = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text(encoding="utf-8")
CODE = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
SECTIONS = {part.split("\n", 1)[0]: part for part in TEXT.split("\n## ")[1:]}


def named(section: str) -> set[str]:
    """The words in backticks of one section."""
    return set(re.findall(r"`([a-z_0-9]+)`", SECTIONS[section]))


def test_every_value_of_the_telemetry_is_explained(bot: SimulatedRobot) -> None:
    assert set(bot.telemetry()) <= named("Sensors")


def test_every_section_of_the_robots_own_is_explained(bot: SimulatedRobot) -> None:
    of_the_protocol = {"personality", "neural_state", "inventory", "capabilities", "game_state"}
    assert set(bot.state()) - of_the_protocol <= named("State")


def test_every_field_of_a_world_is_explained() -> None:
    fields = {
        field
        for kind in (World, Wall, Box, Line, Light, Piece, Start)
        for field in kind.__struct_fields__
    }
    assert fields <= named("Worlds")


def test_every_shape_is_named() -> None:
    assert all(re.search(rf"\b{shape}\b", SECTIONS["Drawing and sorting"]) for shape in SHAPES)


@pytest.mark.parametrize(
    ("game", "move"), [("tictactoe", "cell"), ("memory", "card"), ("simon", "color")]
)
def test_every_game_is_explained(game: str, move: str) -> None:
    assert {move, *start_game(game, 1).board()} - {"you", "turn"} <= named("Games")


def test_every_trait_is_explained(bot: SimulatedRobot) -> None:
    assert set(bot.state()["personality"]) <= named("Mind")


def test_the_examples_of_worlds_run(clock: FakeClock) -> None:
    names: dict[str, object] = {"mb": __import__("mbot_nb")}
    made = next(code for code in CODE if "World.from_json" in code)
    exec(made, names)
    world = names["world"]
    assert isinstance(world, World)
    several = "\n".join(
        line
        for line in next(code for code in CODE if "Simulation(" in code).splitlines()
        if "await" not in line
    )
    exec(several, names)
    assert isinstance(names["second"], SimulatedRobot)
