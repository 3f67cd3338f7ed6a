"""``loop_share*``: CPU time of a kernel with a robot and its card, alone against fixed limits; and
``kernel_rtt_*``: round trips inside a kernel, beside those of a plain Python process."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from .figures import Comparison, Goal
from .notebook import Notebook, kernel
from .together import Together

__all__ = ["comparisons", "kinds", "share"]

_ROOT = Path(__file__).resolve().parent.parent
_STRETCH = 8.0  # s
_PINGS = 800
_WARM_UP = 100
_UPDATES = 30  # Hz
_MOST = 0.05  # of a core


def comparisons() -> list[Comparison]:
    """What this module measures."""
    return [*_shares(), *_round_trips()]


# What the kernel uses while a card is shown.


def _shares() -> list[Comparison]:
    whole = (
        f"CPU time of the kernel's process in {_STRETCH:g} s, no cell running, after `bot = "
        "await mb.demo()`, its card in view; "
    )
    share = Goal(ours_at_most=100 * _MOST)
    nothing = Goal(ours_at_most=0)
    rows: list[tuple[str, str, str, Goal | None, str]] = [
        (
            "loop_share",
            "driving",
            "% of a core",
            share,
            whole + "the robot drives, telemetry and card at 10 Hz",
        ),
        ("loop_share_rest", "resting", "% of a core", share, whole + "the robot rests"),
        (
            "loop_share_recorder",
            "recording",
            "% of a core",
            None,
            whole
            + (
                "the robot rests, `rec = mb.Recorder(bot, ping_rate=20)` as in notebook 00 sends "
                "20 "
                "pings a second"
            ),
        ),
        (
            "loop_share_messages",
            "widget messages",
            "messages",
            nothing,
            (
                f"what the card sent in those {_STRETCH:g} s of rest, but for a round trip that "
                "the "
                "heartbeat has brought"
            ),
        ),
        (
            "loop_share_frames",
            "frames",
            "frames",
            nothing,
            (
                f"what went over the wire in those {_STRETCH:g} s of rest, both ways, but for the "
                "heartbeat's pings and pongs"
            ),
        ),
    ]
    return [
        Comparison(name, _idling.part(part), None, unit, how, goal)
        for name, part, unit, goal, how in rows
    ]


_COUNTERS = "[bot.revision, bot.stats.frames_in + bot.stats.frames_out, trips[0]]"
_RESTS = """
async with asyncio.timeout(60):
    while bot.state.motors.moving or bot.state_age < 4:
        await asyncio.sleep(0.1)
"""
_DEMO = """
import asyncio
import mbot_nb as mb
from mbot_nb.protocol.client.events import RoundTrip

bot = await mb.demo()
trips = [0]
def tap(event):
    trips[0] += isinstance(event, RoundTrip)
end_tap = bot.tap(tap)
"""


async def _idle() -> dict[str, float]:
    async with kernel() as notebook:
        await notebook.run(_DEMO)
        (card,) = [id for id, state in notebook.models.items() if "snapshot" in state]
        notebook.custom(card, {"kind": "show", "view": "benchmark", "fresh": True})
        await notebook.until(lambda: kinds(notebook.widget_messages, "all") == 1)

        await notebook.run(
            "bot.send('drive', left=20, right=35, duration=10); await bot.flush(); await "
            "asyncio.sleep(0.5)"
        )
        before = kinds(notebook.widget_messages, "changed")
        driving = await share(notebook)
        pictures = kinds(notebook.widget_messages, "changed") - before
        if pictures < 0.8 * 10 * _STRETCH:
            raise RuntimeError(
                f"the card of a driving robot has sent {pictures} pictures in {_STRETCH} s: it is "
                "not in view"
            )

        await notebook.run(_RESTS)
        revision, frames_before, trips_before = await notebook.value(_COUNTERS)
        sent = len(notebook.widget_messages)
        resting = await share(notebook)
        messages = [
            message for message in notebook.widget_messages[sent:] if not _only_latency(message)
        ]
        revision_after, frames, trips = await notebook.value(_COUNTERS)
        if revision_after != revision:
            raise RuntimeError(
                "the robot's state has changed while it was to rest: wait longer for its mind to "
                "settle"
            )

        await notebook.run(
            "end_tap(); rec = mb.Recorder(bot, ping_rate=20); await asyncio.sleep(0.5)"
        )
        recording = await share(notebook)
        pings = await notebook.value("len(rec.latency)")
        if pings < 0.8 * 20 * _STRETCH:
            raise RuntimeError(
                f"the recorder has noted {pings} round trips: too few for 20 a second"
            )
        return {
            "driving": driving,
            "resting": resting,
            "recording": recording,
            "widget messages": len(messages),
            "frames": (frames - frames_before) - 2 * (trips - trips_before),
        }


_idling = Together("a kernel with a card", _idle)


async def share(notebook: Notebook, stretch: float = _STRETCH) -> float:
    """Percent of a core that the kernel uses while no request comes."""
    process = psutil.Process(await notebook.value("__import__('os').getpid()"))
    before, began = process.cpu_times(), time.monotonic()
    await asyncio.sleep(stretch)
    after, took = process.cpu_times(), time.monotonic() - began
    return 100 * float(after.user + after.system - before.user - before.system) / took


def kinds(messages: list[dict[str, Any]], kind: str) -> int:
    """How many of a card's messages are of this kind."""
    return sum(1 for message in messages if message.get("content", {}).get("kind") == kind)


def _only_latency(message: dict[str, Any]) -> bool:
    return set(message.get("content", ())) == {"kind", "latency"}


# Round trips inside a kernel.


def _round_trips() -> list[Comparison]:
    places = {
        "idle": "while no cell runs, from a background task",
        "awaiting": "in a cell that awaits them",
        "widgets": (
            "while no cell runs, and another task moves a displayed progress bar "
            f"{_UPDATES} times a second"
        ),
    }
    return [
        Comparison(
            name=f"kernel_rtt_{place}_{part}",
            ours=inside.part(part),
            theirs=_outside.part(part),
            unit="ms",
            goal=Goal(ratio_at_most=3) if part == "p50" else None,
            how=(
                f"{part} of {_PINGS} `await bot.ping()`, one every 5 ms, client and server in the "
                "kernel's loop, "
                f"{places[place]}; against the same in a plain Python process with the same "
                "modules"
            ),
        )
        for place, inside in _inside.items()
        for part in ("p50", "p99")
    ]


_MEASURE = f"""
import asyncio, json, time
from benchmarks.in_kernel import round_trips

times = []
async def measure():
    await asyncio.sleep(0.3)
    times.append(time.monotonic())
    times.extend(await round_trips({_PINGS}, {_WARM_UP}))
    print("measured", flush=True)
task = asyncio.create_task(measure())
"""
_UPDATE = f"""
import asyncio, ipywidgets
from IPython.display import display

bar = ipywidgets.FloatProgress(max=1000)
display(bar)
async def move():
    while True:
        bar.value = (bar.value + 1) % 1000
        await asyncio.sleep(1 / {_UPDATES})
moving = asyncio.create_task(move())
"""


async def _measure_idle(notebook: Notebook) -> list[float]:
    cell = notebook.start(_MEASURE)
    await notebook.finish(cell)
    idle_since = time.monotonic()  # both processes read one clock
    await notebook.printed(cell, "measured")
    began, *times = await notebook.value("times")
    if began < idle_since:
        raise RuntimeError(
            "the kernel measured before it was idle: the machine is too busy for this figure"
        )
    return list(times)


async def _measure_awaiting(notebook: Notebook) -> list[float]:
    code = (
        "import json; from benchmarks.in_kernel import round_trips; print(json.dumps(await "
        f"round_trips({_PINGS}, {_WARM_UP})))"
    )
    return list(json.loads(await notebook.run(code)))


async def _measure_beside_widgets(notebook: Notebook) -> list[float]:
    await notebook.run(_UPDATE)
    began, sent = time.monotonic(), len(notebook.widget_messages)
    times = await _measure_idle(notebook)
    rate = (len(notebook.widget_messages) - sent) / (time.monotonic() - began)
    if rate < 0.8 * _UPDATES:
        raise RuntimeError(f"the bar has moved {rate:.0f} times a second, not {_UPDATES}")
    return times


async def _in_kernel(measure: Callable[[Notebook], Awaitable[list[float]]]) -> dict[str, float]:
    async with kernel() as notebook:
        return _percentiles(await measure(notebook))


async def _out_of_kernel() -> dict[str, float]:
    # With the modules a kernel has: only the kernel shall differ. A bare process was up to a third
    # slower, by garbage collection it was not, and that would have flattered us.
    code = (
        "import asyncio, json, ipykernel.kernelapp, ipywidgets; from benchmarks.in_kernel import "
        "round_trips; "
        f"print(json.dumps(asyncio.run(round_trips({_PINGS}, {_WARM_UP}))))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=PIPE, stderr=PIPE, cwd=_ROOT
    )
    output, errors = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"the plain process failed:\n{errors.decode()}")
    return _percentiles(json.loads(output))


def _percentiles(times: list[float]) -> dict[str, float]:
    """In milliseconds."""
    if len(times) != _PINGS:
        raise RuntimeError(f"{len(times)} round trips were measured, not {_PINGS}")
    return {
        "p50": statistics.median(times) * 1e3,
        "p99": statistics.quantiles(times, n=100)[98] * 1e3,
    }


_outside = Together("outside of a kernel", _out_of_kernel)
_inside = {
    name: Together(f"in a kernel, {name}", partial(_in_kernel, measure))
    for name, measure in (
        ("idle", _measure_idle),
        ("awaiting", _measure_awaiting),
        ("widgets", _measure_beside_widgets),
    )
}
