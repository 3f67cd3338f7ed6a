"""Memory: sixteen cards face down, eight pairs. Who finds a pair goes on; who has found more in the end has won."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar

from .base import Game, refuse, take

__all__ = ["Memory"]

SYMBOLS = "ABCDEFGH"
RECALL = 0.5
"""How likely the robot remembers a card that it has seen."""


class Memory(Game):
    """A move is ``cards``, two numbers from 0 to 15.

    ``cards`` on the table show their letter when they are found and null otherwise; ``turned`` are those turned over
    since the person's last move began, in order: [{"who", "cards", "symbols"}]; ``score`` counts pairs.
    """

    name: ClassVar[str] = "memory"

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.cards = list(SYMBOLS * 2)
        random.shuffle(self.cards)
        self.found = [False] * len(self.cards)
        self.score = {"you": 0, "robot": 0}
        self.turned: list[dict[str, Any]] = []
        self._seen: dict[int, str] = {}

    def move(self, params: Mapping[str, Any]) -> None:
        cards = take(params, "cards", self.name, "`cards`, two numbers from 0 to 15")
        down = self._down()
        if not (
            isinstance(cards, list | tuple)
            and len(cards) == 2
            and all(type(card) is int and card in down for card in cards)
            and cards[0] != cards[1]
        ):
            raise refuse(self.name, f"turn two different cards that lie face down: {', '.join(map(str, down))}")
        self.turned = []
        if self._turn("you", cards[0], cards[1]):
            return
        while self.outcome is None and self._turn("robot", *self._answer()):
            pass

    def board(self) -> dict[str, Any]:
        return {
            "cards": [symbol if found else None for symbol, found in zip(self.cards, self.found, strict=True)],
            "turned": [dict(turn) for turn in self.turned],
            "score": dict(self.score),
        }

    def _down(self) -> list[int]:
        return [card for card, found in enumerate(self.found) if not found]

    def _turn(self, who: str, first: int, second: int) -> bool:
        """Turn two cards over; True if they are a pair, so that it is the same player's turn again."""
        for card in (first, second):
            if self.random.random() < RECALL:
                self._seen[card] = self.cards[card]
        self.turned.append({"who": who, "cards": [first, second], "symbols": [self.cards[first], self.cards[second]]})
        if self.cards[first] != self.cards[second]:
            return False
        self.found[first] = self.found[second] = True
        self.score[who] += 1
        if all(self.found):
            mine, robot = self.score["you"], self.score["robot"]
            self.outcome = "won" if mine > robot else "lost" if mine < robot else "draw"
        return True

    def _answer(self) -> tuple[int, int]:
        """A pair it remembers, else one card at random and its partner if it remembers that."""
        down = self._down()
        known = {card: self._seen[card] for card in down if card in self._seen}
        for first, symbol in known.items():
            for second, other in known.items():
                if first < second and symbol == other:
                    return first, second
        first = self.random.choice([card for card in down if card not in known] or down)
        for second, symbol in known.items():
            if second != first and symbol == self.cards[first]:
                return first, second
        return first, self.random.choice([card for card in down if card != first])
