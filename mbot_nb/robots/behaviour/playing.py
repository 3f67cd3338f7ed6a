"""The game a robot plays, and what it shows on LEDs and loudspeaker as a function of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...errors import CommandRejectedError
from .games import Game, Show, start_game
from .noise import mix

__all__ = ["Playing"]

GAME = 2
"""What the seed is mixed with, beside the number of the game."""


class Playing:
    """At most one game at a time. ``report`` receives `game_won` and `game_lost`.

    The protocol knows no third event, so a draw is a game that was not won: `game_lost` with
    ``result`` "draw".
    """

    def __init__(self, seed: int, report: Callable[[str, dict[str, Any]], None]) -> None:
        self._seed = seed
        self._report = report
        self._count = 0
        self._game: Game | None = None
        self.show: list[Show] = []
        """What the robot shows since the last move, one after another."""
        self._show_started_at = 0.0

    def start(self, name: str, now: float) -> float:
        """Give up any game under way and begin one; returns for how many seconds it is shown."""
        self._give_up()
        self._count += 1
        self._game = game = start_game(name, mix(self._seed, GAME, self._count))
        return self._present(game, now)

    def move(self, params: Mapping[str, Any], now: float) -> float:
        """Play one move; returns for how many seconds the robot shows something.

        Raises:
            CommandRejectedError: ``STATE_CONFLICT`` if no game is played, ``INVALID_PARAMS`` for a
                move against its rules.
        """
        game = self._game
        if game is None or game.outcome is not None:
            why = "game_move: no game is being played; start one with start_game"
            raise CommandRejectedError("STATE_CONFLICT", why, command="game_move")
        game.move(params)
        if game.outcome is not None:
            self._over(game)
        return self._present(game, now)

    def stop(self, name: str | None) -> None:
        """Give the game up; nothing to do if none is played.

        Raises:
            CommandRejectedError: ``STATE_CONFLICT`` if it is not the game called ``name``.
        """
        game = self._game
        if game is None or game.outcome is not None:
            return
        if name is not None and name != game.name:
            why = f"stop_game: the game being played is {game.name}, not {name}"
            raise CommandRejectedError("STATE_CONFLICT", why, command="stop_game")
        self._give_up()

    def state(self) -> dict[str, Any] | None:
        """The section `game_state`; None before the first game."""
        game = self._game
        return None if game is None else {"game_type": game.name, "state": game.state()}

    def shown(self, now: float) -> Show | None:
        """What the robot shows at this moment."""
        t = now - self._show_started_at
        for show in self.show:
            if t < show.seconds:
                return show
            t -= show.seconds
        return None

    def _present(self, game: Game, now: float) -> float:
        self.show = game.show()
        self._show_started_at = now
        return sum(show.seconds for show in self.show)

    def _give_up(self) -> None:
        game = self._game
        if game is not None and game.outcome is None:
            game.outcome = "lost"
            self.show = []
            self._over(game, reason="given up")

    def _over(self, game: Game, **more: str) -> None:
        self._report(
            "game_won" if game.outcome == "won" else "game_lost",
            {"game_type": game.name, "result": game.outcome, "state": game.state(), **more},
        )
