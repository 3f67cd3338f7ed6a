"""Tic-tac-toe is really played, won, lost and drawn."""

from __future__ import annotations

from typing import Any

import pytest

from mbot_nb.errors import CommandRejectedError
from mbot_nb.robots.behaviour.games import start_game
from mbot_nb.robots.behaviour.games.tictactoe import LINES
from tests.helpers.games import first_free, outcomes, play


def clever(state: dict[str, Any]) -> dict[str, Any]:
    """Wins and blocks where it can."""
    board = state["board"]
    for mark in "XO":
        for line in LINES:
            marks = [board[at] for at in line]
            if marks.count(mark) == 2 and "" in marks:
                return {"cell": line[marks.index("")]}
    return {"cell": next(cell for cell in (4, 0, 2, 6, 8, 1, 3, 5, 7) if not board[cell])}


class TestTicTacToe:
    def test_it_is_won_and_lost_and_drawn(self) -> None:
        found = outcomes("tictactoe", lambda _: first_free)
        assert found["won"] > 0
        assert found["lost"] > 0
        assert outcomes("tictactoe", lambda _: clever)["draw"] > 0

    def test_who_plays_well_does_not_lose_often(self) -> None:
        found = outcomes("tictactoe", lambda _: clever)
        assert found["lost"] <= 3
        assert found["won"] > 10

    @pytest.mark.parametrize("seed", range(30))
    def test_the_outcome_is_what_lies_on_the_board(self, seed: int) -> None:
        game = play("tictactoe", seed, first_free)
        board = game.state()["board"]
        winners = {board[a] for a, b, c in LINES if board[a] and board[a] == board[b] == board[c]}
        assert winners == {"won": {"X"}, "lost": {"O"}, "draw": set()}[str(game.outcome)]
        assert board.count("X") - board.count("O") in (0, 1)

    def test_the_robot_never_misses_its_own_win(self) -> None:
        chances = 0
        for seed in range(40):
            game = start_game("tictactoe", seed)
            while game.outcome is None:
                board = game.state()["board"]
                cell = board.index("")
                board[cell] = "X"
                game.move({"cell": cell})
                if game.outcome != "won" and any(
                    sorted(board[at] for at in line) == ["", "O", "O"] for line in LINES
                ):
                    chances += 1
                    assert game.outcome == "lost"
        assert chances > 5

    @pytest.mark.parametrize(
        "move",
        [
            {},
            {"cell": 9},
            {"cell": -1},
            {"cell": "1"},
            {"cell": True},
            {"cell": 0, "x": 1},
            {"cell": [1]},
        ],
    )
    def test_a_move_against_the_rules_is_refused_and_changes_nothing(
        self, move: dict[str, Any]
    ) -> None:
        game = start_game("tictactoe", 1)
        before = game.state()
        with pytest.raises(CommandRejectedError, match="game_move: tictactoe") as caught:
            game.move(move)
        assert caught.value.code == "INVALID_PARAMS"
        assert game.state() == before

    def test_a_taken_cell_is_refused(self) -> None:
        game = start_game("tictactoe", 1)
        game.move({"cell": 4})
        with pytest.raises(CommandRejectedError, match="not free; free are"):
            game.move({"cell": 4})
