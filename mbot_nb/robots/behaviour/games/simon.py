"""Simon: the robot shows a row of colours that grows by one each round; the person repeats it."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar

from .base import Game, Show

__all__ = ["Simon"]

ROUNDS = 8
PADS = {
    "red": ((255, 0, 0), 262.0),
    "green": ((0, 255, 0), 330.0),
    "blue": ((0, 0, 255), 392.0),
    "yellow": ((255, 160, 0), 523.0),
}
"""The colour of the LEDs and the tone, Hz."""
LIT, DARK = 0.4, 0.2
"""Seconds."""


class Simon(Game):
    """A move is ``color``: red, green, blue or yellow, the next one of the row.

    ``sequence`` is the row, ``entered`` how many of it were repeated, ``round`` of ``rounds`` how
    long it is. One wrong colour loses; the last round repeated wins.
    """

    name: ClassVar[str] = "simon"

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.sequence = [random.choice(list(PADS))]
        self.entered = 0

    def move(self, params: Mapping[str, Any]) -> None:
        color = self._parameter(params, "color", f"`color`, one of {', '.join(PADS)}")
        if not isinstance(color, str) or color not in PADS:
            raise self._illegal(f"there is no pad {color!r}; play one of {', '.join(PADS)}")
        if color != self.sequence[self.entered]:
            self.outcome = "lost"
            return
        self.entered += 1
        if self.entered < len(self.sequence):
            return
        if len(self.sequence) == ROUNDS:
            self.outcome = "won"
            return
        self.sequence.append(self.random.choice(list(PADS)))
        self.entered = 0

    def board(self) -> dict[str, Any]:
        return {
            "sequence": list(self.sequence),
            "entered": self.entered,
            "round": len(self.sequence),
            "rounds": ROUNDS,
        }

    def show(self) -> list[Show]:
        """The row, when a new round has begun."""
        if self.entered or self.outcome:
            return []
        shown = []
        for color in self.sequence:
            light, frequency = PADS[color]
            shown += [Show(light, frequency, LIT), Show((0, 0, 0), 0.0, DARK)]
        return shown
