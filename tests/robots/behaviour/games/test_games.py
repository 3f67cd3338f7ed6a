"""The games' rules: really played, won, lost and drawn."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from mbot_nb.errors import CommandRejectedError
from mbot_nb.robots.behaviour.games import Game, begin
from mbot_nb.robots.behaviour.games.tictactoe import LINES

Player = Callable[[dict[str, Any]], dict[str, Any]]


def play(name: str, seed: int, player: Player) -> Game:
    game = begin(name, seed)
    for _ in range(300):
        if game.outcome is not None:
            return game
        game.move(player(game.state()))
        json.dumps(game.state(), allow_nan=False)
    raise AssertionError("the game does not end")


def first_free(state: dict[str, Any]) -> dict[str, Any]:
    return {"cell": state["board"].index("")}


def clever(state: dict[str, Any]) -> dict[str, Any]:
    """Wins and blocks where it can."""
    board = state["board"]
    for mark in "XO":
        for line in LINES:
            marks = [board[at] for at in line]
            if marks.count(mark) == 2 and "" in marks:
                return {"cell": line[marks.index("")]}
    return {"cell": next(cell for cell in (4, 0, 2, 6, 8, 1, 3, 5, 7) if not board[cell])}


def outcomes(name: str, player: Callable[[int], Player], games: int = 60) -> dict[str, int]:
    found = {"won": 0, "lost": 0, "draw": 0}
    for seed in range(games):
        found[str(play(name, seed, player(seed)).outcome)] += 1
    return found


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
            game = begin("tictactoe", seed)
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
        game = begin("tictactoe", 1)
        before = game.state()
        with pytest.raises(CommandRejectedError, match="game_move: tictactoe") as caught:
            game.move(move)
        assert caught.value.code == "INVALID_PARAMS"
        assert game.state() == before

    def test_a_taken_cell_is_refused(self) -> None:
        game = begin("tictactoe", 1)
        game.move({"cell": 4})
        with pytest.raises(CommandRejectedError, match="not free; free are"):
            game.move({"cell": 4})


def face_down(state: dict[str, Any]) -> list[int]:
    return [card for card, symbol in enumerate(state["cards"]) if symbol is None]


def blind(state: dict[str, Any]) -> dict[str, Any]:
    """Turns the first and the last card that are left: remembers nothing."""
    return {"card": face_down(state)[0 if state["open"] is None else -1]}


class Memoriser:
    """Never forgets what was turned."""

    def __init__(self) -> None:
        self.seen: dict[int, str] = {}

    def __call__(self, state: dict[str, Any]) -> dict[str, Any]:
        for turned in state["turned"]:
            self.seen |= dict(zip(turned["cards"], turned["symbols"], strict=True))
        down = face_down(state)
        unknown = [card for card in down if card not in self.seen]
        if state["open"] is not None:
            symbol = state["cards"][state["open"]]
            return {
                "card": next(
                    (card for card in down if self.seen.get(card) == symbol), (unknown or down)[0]
                )
            }
        for a, b in itertools.combinations(down, 2):
            if a in self.seen and self.seen[a] == self.seen.get(b):
                return {"card": a}
        return {"card": (unknown or down)[0]}


class TestMemory:
    def test_a_good_memory_mostly_wins_and_none_mostly_loses(self) -> None:
        good = outcomes("memory", lambda _: Memoriser())
        bad = outcomes("memory", lambda _: blind)
        assert good["won"] > 40
        assert bad["lost"] > 30

    @pytest.mark.parametrize("seed", range(10))
    def test_every_pair_is_counted_once(self, seed: int) -> None:
        game = play("memory", seed, Memoriser())
        state = game.state()
        assert sum(state["score"].values()) == 8
        assert sorted(state["cards"]) == sorted("ABCDEFGH" * 2)
        mine, robot = state["score"]["you"], state["score"]["robot"]
        assert state["status"] == ("won" if mine > robot else "lost" if mine < robot else "draw")

    def test_who_finds_a_pair_goes_on(self) -> None:
        game = begin("memory", 3)
        game_cards = play("memory", 3, Memoriser()).state()["cards"]
        pair = [card for card, symbol in enumerate(game_cards) if symbol == "A"]
        game.move({"card": pair[0]})
        assert game.state()["open"] == pair[0]
        assert game.state()["cards"][pair[0]] == "A"
        with pytest.raises(CommandRejectedError, match="face down"):
            game.move({"card": pair[0]})
        game.move({"card": pair[1]})
        assert [turn["who"] for turn in game.state()["turned"]] == ["you"]
        assert game.state()["score"] == {"you": 1, "robot": 0}
        with pytest.raises(CommandRejectedError, match="face down"):
            game.move({"card": pair[1]})

    @pytest.mark.parametrize("card", [16, -1, "1", None, True, [0, 1]])
    def test_a_move_against_the_rules_is_refused(self, card: object) -> None:
        with pytest.raises(CommandRejectedError, match="does not lie face down"):
            begin("memory", 1).move({"card": card})


def repeat(state: dict[str, Any]) -> dict[str, Any]:
    return {"color": state["sequence"][state["entered"]]}


class TestSimon:
    def test_who_repeats_every_round_wins(self) -> None:
        game = play("simon", 5, repeat)
        assert game.outcome == "won"
        assert game.state()["round"] == 8

    def test_one_wrong_colour_loses(self) -> None:
        game = begin("simon", 5)
        wrong = next(color for color in ("red", "green") if color != game.state()["sequence"][0])
        game.move({"color": wrong})
        assert game.outcome == "lost"

    def test_the_row_grows_by_one_and_is_shown(self) -> None:
        game = begin("simon", 5)
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
            begin("simon", 1).move(move)


@pytest.mark.parametrize(
    ("name", "player"), [("tictactoe", first_free), ("memory", blind), ("simon", repeat)]
)
def test_the_same_seed_is_the_same_game(name: str, player: Player) -> None:
    assert play(name, 9, player).state() == play(name, 9, player).state()
