"""Simon is really played, won and lost."""

from __future__ import annotations

from typing import Any

import pytest

from mbot_nb.errors import CommandRejectedError
from mbot_nb.robots.behaviour.games import start_game
from tests.helpers.games import play, repeat


class TestSimon:
    def test_who_repeats_every_round_wins(self) -> None:
        game = play("simon", 5, repeat)
        assert game.outcome == "won"
        assert game.state()["round"] == 8

    def test_one_wrong_colour_loses(self) -> None:
        game = start_game("simon", 5)
        wrong = next(color for color in ("red", "green") if color != game.state()["sequence"][0])
        game.move({"color": wrong})
        assert game.outcome == "lost"

    def test_the_row_grows_by_one_and_is_shown(self) -> None:
        game = start_game("simon", 5)
        first = game.state()["sequence"]
        assert len(game.show()) == 2
        game.move(repeat(game.state()))
        assert game.state()["sequence"][:1] == first
        assert (game.state()["round"], game.state()["entered"]) == (2, 0)
        assert len(game.show()) == 4
        game.move(repeat(game.state()))
        assert game.show() == []

    @pytest.mark.parametrize("move", [{}, {"color": "pink"}, {"color": 1}, {"color": ["red"]}])
    def test_a_move_against_the_rules_is_refused(self, move: dict[str, Any]) -> None:
        with pytest.raises(CommandRejectedError, match="simon"):
            start_game("simon", 1).move(move)
