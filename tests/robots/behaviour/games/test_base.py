"""What every game has in common."""

from __future__ import annotations

import pytest

from tests.helpers.games import Player, blind, first_free, play, repeat


@pytest.mark.parametrize(
    ("name", "player"), [("tictactoe", first_free), ("memory", blind), ("simon", repeat)]
)
def test_the_same_seed_is_the_same_game(name: str, player: Player) -> None:
    assert play(name, 9, player).state() == play(name, 9, player).state()
