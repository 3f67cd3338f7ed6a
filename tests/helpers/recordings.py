"""Recordings made by hand, for tests that need to know what is in them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

import mbot_nb as mb

BEGIN = 500.0
"""What the monotonic clock read when it was recorded."""


class Made(NamedTuple):
    """What a recording has, as far as a replay needs it."""

    events: pd.DataFrame
    states: pd.DataFrame
    metadata: dict[str, Any] = {"robot": {"robotId": "made-by-hand"}}  # noqa: RUF012 - never changed


def made(
    events: Sequence[tuple[float, str, Any]] = (),
    states: Sequence[tuple[float, str, Any]] = (),
    gone: object = None,
) -> Made:
    """Events of (seconds, name, data) and fields of (seconds, field, value); ``gone`` is the value
    of one that went away."""
    return Made(
        pd.DataFrame(
            {
                "time_s": pd.Series([BEGIN + at for at, _, _ in events], dtype="float64"),
                "name": pd.Series([name for _, name, _ in events], dtype="str"),
                "data": pd.Series([json.dumps(data) for _, _, data in events], dtype="str"),
            }
        ),
        pd.DataFrame(
            {
                "time_s": pd.Series([BEGIN + at for at, _, _ in states], dtype="float64"),
                "field": pd.Series([field for _, field, _ in states], dtype="str"),
                "value": pd.Series(
                    [None if value is gone else json.dumps(value) for _, _, value in states],
                    dtype="str",
                ),
            }
        ),
    )


def drive(seconds: float = 2.0, rate: float = 10.0) -> Made:
    """A robot that goes along the x axis at 10 cm/s, telling so all the time, and says `passed` at
    each whole second."""
    count = round(seconds * rate)
    times = [step / rate for step in range(count + 1)]
    states: list[tuple[float, str, Any]] = [
        (0.0, "neural_state.mode", "calm"),
        (0.0, "latch", None),
    ]
    states += [(at, "pose.x", round(10 * at, 3)) for at in times]
    events: list[tuple[float, str, Any]] = [
        (at, "telemetry", {"x": round(10 * at, 3)}) for at in times
    ]
    events += [
        (float(second), "passed", {"second": second}) for second in range(1, int(seconds) + 1)
    ]
    return made(sorted(events, key=lambda event: event[0]), states, gone=made)


async def short_run(bot: mb.Client) -> mb.Recorder:
    with mb.Recorder(bot, ping_rate=20, text=True) as rec:
        await bot.drive(40, 30, duration=0.2)
        for n in range(12):
            bot.send("set_led", r=n, g=0, b=0)
        await bot.flush()
        await bot.update_personality(curiosity_drive=0.9)
        await bot.stop()
        await asyncio.sleep(0.1)
    return rec
