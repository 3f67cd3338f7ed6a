"""Games played to their end, and players of different skill."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mbot_nb.robots.behaviour.games import Game, start_game

Player = Callable[[dict[str, Any]], dict[str, Any]]


def play(name: str, seed: int, player: Player) -> Game:
    game = start_game(name, seed)
    for _ in range(300):
        if game.outcome is not None:
            return game
        game.move(player(game.state()))
        json.dumps(game.state(), allow_nan=False)
    raise AssertionError("the game does not end")


def first_free(state: dict[str, Any]) -> dict[str, Any]:
    return {"cell": state["board"].index("")}


def outcomes(name: str, player: Callable[[int], Player], games: int = 60) -> dict[str, int]:
    found = {"won": 0, "lost": 0, "draw": 0}
    for seed in range(games):
        found[str(play(name, seed, player(seed)).outcome)] += 1
    return found


def face_down(state: dict[str, Any]) -> list[int]:
    return [card for card, symbol in enumerate(state["cards"]) if symbol is None]


def blind(state: dict[str, Any]) -> dict[str, Any]:
    """Turns the first and the last card that are left: remembers nothing."""
    return {"card": face_down(state)[0 if state["open"] is None else -1]}


def repeat(state: dict[str, Any]) -> dict[str, Any]:
    return {"color": state["sequence"][state["entered"]]}
