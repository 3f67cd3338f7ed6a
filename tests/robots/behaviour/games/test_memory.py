"""Memory is really played, won and lost."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from mbot_nb.errors import CommandRejectedError
from mbot_nb.robots.behaviour.games import start_game
from tests.helpers.games import blind, face_down, outcomes, play


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
        game = start_game("memory", 3)
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
            start_game("memory", 1).move({"card": card})
