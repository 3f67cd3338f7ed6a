"""Showing which robot it is: by blinking and beeping."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from ..command_methods import CommandMethods, CommandResult
from ..loops.call import Call

__all__ = ["identify"]

TONES = (660.0, 880.0, 660.0)
"""Hz of each beep."""
BLINK = 0.15
"""Seconds that it is bright, and dark."""


async def identify(
    robot: CommandMethods[Call[CommandResult]], leds: Iterable[Sequence[Any]]
) -> None:
    """Blink and beep, then set the lights to the colours of ``leds`` again.

    Raises:
        CommandRejectedError: the robot cannot be reached.
    """
    before = [tuple(led) for led in leds]
    for frequency in TONES:
        await robot.set_led(255, 255, 255)
        await robot.play_tone(frequency, BLINK)
        await asyncio.sleep(BLINK)
        await robot.set_led(0, 0, 0)
        await asyncio.sleep(BLINK)
    if len(set(before)) == 1:
        await robot.set_led(*before[0])
        return
    for index, (red, green, blue) in enumerate(before, 1):
        await robot.set_led(red, green, blue, index=index)
