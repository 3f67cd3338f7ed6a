"""The games on a robot on a cable, shown on its own LEDs and loudspeaker."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from threading import RLock
from typing import Any

from ... import commands as c
from ..behaviour.games import Show
from ..behaviour.playing import Playing
from ..timer import Timer
from .connection.link import SerialLink
from .lights import Lights
from .telemetry import error_event
from .tones import Tones
from .wire.exchange import error_of

__all__ = ["Games"]

GameCommand = c.StartGame | c.GameMove | c.StopGame


class Games:
    """At most one game at a time; what it shows comes one after another, by the link's thread.

    ``report`` receives `game_won` and `game_lost`, and the
    `error` of what could not be shown. Calls come with the robot's ``lock`` held.
    """

    def __init__(
        self,
        link: SerialLink,
        lock: RLock,
        lights: Lights,
        tones: Tones,
        report: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        self._link = link
        self._lock = lock
        self._lights = lights
        self._tones = tones
        self._report = report
        seed = secrets.randbits(64)
        self._playing = Playing(seed, lambda *event: link.post(lambda: report(*event)))
        self._shows: Iterator[Show] | None = None
        self._next: Timer | None = None

    def carry_out(self, command: GameCommand) -> dict[str, Any] | None:
        """Begin, move or give up; returns the section `game_state`.

        Raises:
            CommandRejectedError: a move against the rules, or without a game.
        """
        now = time.monotonic()
        match command:
            case c.StartGame(game=game):
                self._playing.start(game, now)
            case c.GameMove(move=move):
                self._playing.move(move, now)
            case c.StopGame(game=game):
                self._playing.stop(game)
        self.stop_show()
        self._shows = iter(self._playing.show)
        self._show_next(self._shows)
        return self._playing.state()

    def state(self) -> dict[str, Any]:
        """The section `game_state` of the state; empty before the first game."""
        state = self._playing.state()
        return {} if state is None else {"game_state": state}

    def stop_show(self, *, reachable: bool = True) -> None:
        """Show nothing more; the game goes on."""
        self._shows = None
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if reachable:
            self._report_failures(self._lights.restore())
        else:
            self._lights.forget()

    def _show_next(self, shows: Iterator[Show]) -> None:
        show = next(shows, None)
        if show is None:
            self.stop_show()
            return
        futures = [self._lights.show(show.color)]
        if show.frequency:
            futures.append(self._tones.play(show.frequency, show.seconds))
        end = time.monotonic() + show.seconds
        self._next = self._link.call_at(end, lambda: self._show_ended(shows))
        self._report_failures(futures)

    def _show_ended(self, shows: Iterator[Show]) -> None:
        """In the link's thread."""
        with self._lock:
            if self._shows is shows:
                self._show_next(shows)

    def _report_failures(self, futures: list[Future[Any]]) -> None:
        for future in futures:
            future.add_done_callback(self._shown)

    def _shown(self, future: Future[Any]) -> None:
        error = error_of(future)
        if error is not None and self._link.state == "ready":  # else its absence has been reported
            self._report("error", error_event("start_game", error))
