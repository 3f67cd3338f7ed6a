"""The three games. Each is rules alone: no robot, no clock; chance comes in as a generator of its
own."""

from __future__ import annotations

from random import Random

from .base import Game, Show
from .memory import Memory
from .simon import Simon
from .tictactoe import TicTacToe

__all__ = ["Game", "Show", "begin"]

_KINDS: dict[str, type[Game]] = {kind.name: kind for kind in (TicTacToe, Memory, Simon)}


def begin(name: str, seed: int) -> Game:
    """A new game; the same seed gives the same one."""
    return _KINDS[name](Random(seed))
