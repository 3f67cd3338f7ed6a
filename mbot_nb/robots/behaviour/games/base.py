"""What the games have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar, Literal, NamedTuple

from ....errors import CommandRejectedError

__all__ = ["Game", "Show"]


class Show(NamedTuple):
    """Something the robot shows for ``seconds``: all LEDs in one colour, and a tone in Hz."""

    color: tuple[int, int, int]
    frequency: float
    seconds: float


class Game(ABC):
    """A game of a person against the robot; ``outcome`` is the person's, None while it is
    played."""

    name: ClassVar[str]

    def __init__(self, random: Random) -> None:
        self.random = random
        self.outcome: Literal["won", "lost", "draw"] | None = None

    @abstractmethod
    def move(self, params: Mapping[str, Any]) -> None:
        """The person's move, and the robot's answer to it.

        Raises:
            CommandRejectedError: ``INVALID_PARAMS`` for a move against the rules, with what may be
                played instead.
        """

    @abstractmethod
    def board(self) -> dict[str, Any]:
        """What lies on the table, as plain data."""

    def show(self) -> list[Show]:
        """What the robot shows after the last move."""
        return []

    def state(self) -> dict[str, Any]:
        """The table, and ``status``: playing, won, lost or draw."""
        return {"status": self.outcome or "playing", **self.board()}

    def _illegal(self, why: str) -> CommandRejectedError:
        """The error for a move against the rules."""
        why = f"game_move: {self.name}: {why}"
        return CommandRejectedError("INVALID_PARAMS", why, command="game_move")

    def _parameter(self, params: Mapping[str, Any], name: str, takes: str) -> Any:
        """The one parameter of a move."""
        if set(params) != {name}:
            got = ", ".join(sorted(map(str, params))) or "nothing"
            raise self._illegal(f"a move is {takes}; got {got}")
        return params[name]
