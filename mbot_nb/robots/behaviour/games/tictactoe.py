"""Tic-tac-toe: the person is X and begins, the robot is O."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar

from .base import Game

__all__ = ["TicTacToe"]

LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))
ATTENTION = 0.8
"""How often the robot sees that it must block: it can be beaten."""


class TicTacToe(Game):
    """A move is ``cell``, 0 to 8, row by row from the top left; ``board`` holds "X", "O" or ""."""

    name: ClassVar[str] = "tictactoe"

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.cells = [""] * 9

    def move(self, params: Mapping[str, Any]) -> None:
        cell = self._parameter(params, "cell", "`cell`, 0 to 8, row by row from the top left")
        free = self._free()
        if type(cell) is not int or cell not in free:
            raise self._illegal(f"cell {cell!r} is not free; free are {', '.join(map(str, free))}")
        self._play(cell, "X")
        if self.outcome is None:
            self._play(self._answer(), "O")

    def board(self) -> dict[str, Any]:
        return {"board": list(self.cells), "you": "X", "turn": None if self.outcome else "you"}

    def _free(self) -> list[int]:
        return [cell for cell in range(9) if not self.cells[cell]]

    def _play(self, cell: int, mark: str) -> None:
        self.cells[cell] = mark
        if any(all(self.cells[at] == mark for at in line) for line in LINES):
            self.outcome = "won" if mark == "X" else "lost"
        elif not self._free():
            self.outcome = "draw"

    def _answer(self) -> int:
        """Win if it can, mostly block, else the middle or anything."""
        finish = self._completes("O")
        if finish is not None:
            return finish
        block = self._completes("X")
        if block is not None and self.random.random() < ATTENTION:
            return block
        free = self._free()
        if 4 in free and self.random.random() < 0.5:
            return 4
        return self.random.choice(free)

    def _completes(self, mark: str) -> int | None:
        """The cell that would complete a line of ``mark``."""
        for line in LINES:
            marks = [self.cells[at] for at in line]
            if marks.count(mark) == 2 and "" in marks:
                return line[marks.index("")]
        return None
