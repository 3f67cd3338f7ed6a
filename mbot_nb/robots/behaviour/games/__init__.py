"""The three games: rules alone, without a robot or a clock.

base        what the games have in common
memory      sixteen cards face down, eight pairs
simon       a row of colours that grows by one each round
tictactoe   the person is X and begins
"""

from __future__ import annotations

from random import Random

from .base import Game, Show
from .memory import Memory
from .simon import Simon
from .tictactoe import TicTacToe

__all__ = ["Game", "Show", "start_game"]

_KINDS: dict[str, type[Game]] = {kind.name: kind for kind in (TicTacToe, Memory, Simon)}


def start_game(name: str, seed: int) -> Game:
    """A new game; the same seed gives the same one."""
    return _KINDS[name](Random(seed))
