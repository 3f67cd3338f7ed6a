"""Memory: sixteen cards face down, eight pairs; a pair gives another turn, more pairs win."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar

from .base import Game

__all__ = ["Memory"]

SYMBOLS = "ABCDEFGH"
RECALL = 0.5
"""How likely the robot remembers a card that it has seen."""


class Memory(Game):
    """A move is ``card``, 0 to 15: the one to turn over, two such moves a turn.

    ``cards`` on the table show their letter when they are found or lie open, and null otherwise;
    ``open`` is the first card of the person's turn, or null; ``turned`` are the pairs turned over
    since that turn began, in order: [{"who", "cards", "symbols"}]; ``score`` counts pairs.
    """

    name: ClassVar[str] = "memory"

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.cards = list(SYMBOLS * 2)
        random.shuffle(self.cards)
        self.found = [False] * len(self.cards)
        self.open: int | None = None
        self.score = {"you": 0, "robot": 0}
        self.turned: list[dict[str, Any]] = []
        self._seen: dict[int, str] = {}

    def move(self, params: Mapping[str, Any]) -> None:
        card = self._parameter(params, "card", "`card`, 0 to 15, one to turn over")
        down = [one for one in self._down() if one != self.open]
        if type(card) is not int or card not in down:
            free = ", ".join(map(str, down))
            raise self._illegal(f"card {card!r} does not lie face down; these do: {free}")
        if self.open is None:
            self.open = card
            self.turned = []
            return
        first, self.open = self.open, None
        if self._turn("you", first, card):
            return
        while self.outcome is None and self._turn("robot", *self._answer()):
            pass

    def board(self) -> dict[str, Any]:
        return {
            "cards": [
                symbol if self.found[card] or card == self.open else None
                for card, symbol in enumerate(self.cards)
            ],
            "open": self.open,
            "turned": [dict(turn) for turn in self.turned],
            "score": dict(self.score),
        }

    def _down(self) -> list[int]:
        return [card for card, found in enumerate(self.found) if not found]

    def _turn(self, who: str, first: int, second: int) -> bool:
        """Turn two cards over; returns whether they are a pair, which gives another turn."""
        for card in (first, second):
            if self.random.random() < RECALL:
                self._seen[card] = self.cards[card]
        symbols = [self.cards[first], self.cards[second]]
        self.turned.append({"who": who, "cards": [first, second], "symbols": symbols})
        if symbols[0] != symbols[1]:
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
