"""The LEDs of a robot on a cable: what they are set to, and what a game shows meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from ... import commands as c
from ...errors import CommandRejectedError

__all__ = ["Color", "Lights"]

Color = tuple[int, int, int]


class Lights:
    """``count`` LEDs; ``light(color, index)`` colours one (from 1) or all. With the lock held."""

    def __init__(self, count: int, light: Callable[[Color, int | None], Future[Any]]) -> None:
        self._light = light
        self._set: list[Color] = [(0, 0, 0)] * count
        self._shown: Color | None = None

    def state(self) -> list[list[int]]:
        """The section `leds` of the state."""
        return [list(color if self._shown is None else self._shown) for color in self._set]

    def set(self, command: c.SetLed) -> Future[Any]:
        """``set_led``; during a show it is seen until the next of its colours.

        Raises:
            CommandRejectedError: an LED that the robot does not have.
        """
        index, color = command.index, (command.r, command.g, command.b)
        count = len(self._set)
        if index is not None and index > count:
            why = f"this robot has {count} LEDs, so that index is 1 to {count}, not {index}"
            raise CommandRejectedError("INVALID_PARAMS", f"set_led: {why}", command="set_led")
        for at in range(count) if index is None else (index - 1,):
            self._set[at] = color
        return self._light(color, index)

    def show(self, color: Color) -> Future[Any]:
        """All of them in one colour, until :meth:`restore`."""
        self._shown = color
        return self._light(color, None)

    def forget(self) -> None:
        """The show is over, and the robot is out of reach."""
        self._shown = None

    def restore(self) -> list[Future[Any]]:
        """As they were set."""
        if self._shown is None:
            return []
        self._shown = None
        if len(set(self._set)) == 1:
            return [self._light(self._set[0], None)]
        return [self._light(color, at) for at, color in enumerate(self._set, 1)]
