"""``cockpit_*``: CPU time and widget messages of a kernel while the whole cockpit is shown, alone
against fixed limits."""

from __future__ import annotations

import asyncio

from .figures import Comparison, Goal
from .kernel import kinds, share
from .notebook import Notebook, kernel
from .together import Together

__all__ = ["comparisons"]

_STRETCH = 8.0  # s
_TELEMETRY = 30  # Hz
_EVENTS = 200  # a second
_MESSAGES = 200  # a second
_IDLE, _BUSY = 5.0, 25.0  # % of a core


def comparisons() -> list[Comparison]:
    """What this module measures."""
    shown = (
        f"of a kernel in {_STRETCH:g} s, no cell running, `mb.widgets.Cockpit(bot)` shown with "
        "all of its pages at once "
        "(a screen shows one of them), robot and server in the same kernel; "
    )
    states = {
        "idle": (_IDLE, "the robot rests"),
        "busy": (
            _BUSY,
            (
                f"the robot drives, state and telemetry come {_TELEMETRY} times a second, and "
                f"{_EVENTS} events a second"
            ),
        ),
    }
    rows = []
    for name, (most, words) in states.items():
        rows.append(
            Comparison(
                f"cockpit_{name}",
                _shown.part(f"{name} share"),
                None,
                "% of a core",
                f"CPU time {shown}{words}",
                Goal(ours_at_most=most),
            )
        )
        rows.append(
            Comparison(
                f"cockpit_{name}_messages",
                _shown.part(f"{name} messages"),
                None,
                "1/s",
                f"widget messages {shown}{words}",
                Goal(ours_at_most=_MESSAGES),
            )
        )
    return rows


_SHOW = f"""
import asyncio
import mbot_nb as mb

robot = mb.SimulatedRobot(seed=1)
robot.telemetry_interval = 1 / {_TELEMETRY}
server = await mb.serve(robot, port=0, settings={{"snapshot_interval": 1 / {_TELEMETRY}}})
bot = await mb.connect(server)
cockpit = mb.widgets.Cockpit(bot)
"""
_REST = """
async with asyncio.timeout(60):
    while bot.state.motors.moving or bot.state_age < 4:
        await asyncio.sleep(0.1)
"""
_DRIVE = f"""
counts = {{"telemetry": 0, "tick": 0}}
def count(event):
    counts[event.name] = counts.get(event.name, 0) + 1
counting = bot.subscribe("*", count)

async def talk():
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        server.emit("tick", {{"number": counts["tick"]}})
        due += 1 / {_EVENTS}
        await asyncio.sleep(max(0.0, due - loop.time()))

async def drive():
    while True:
        await bot.drive(20, 32, duration=8)

tasks = [asyncio.create_task(talk()), asyncio.create_task(drive())]
await asyncio.sleep(1)
counts.update(telemetry=0, tick=0)
"""


async def _measure() -> dict[str, float]:
    async with kernel() as notebook:
        await notebook.run(_SHOW)
        parts = [id for id, state in notebook.models.items() if "snapshot" in state]
        for part in parts:
            notebook.custom(part, {"kind": "show", "view": "benchmark", "fresh": True})
        await notebook.until(lambda: kinds(notebook.widget_messages, "all") >= len(parts))
        # The event panel shows every event: the most that a user can ask for. The others take no
        # such message.
        for part in parts:
            notebook.custom(part, {"kind": "tick", "event": "*", "on": True})
        await notebook.run(_REST)
        idle = await _stretch(notebook)
        await notebook.run(_DRIVE)
        busy = await _stretch(notebook)
        counts = await notebook.value("counts")
        for name, rate in (("telemetry", _TELEMETRY), ("tick", _EVENTS)):
            if counts[name] < 0.8 * rate * _STRETCH:
                raise RuntimeError(
                    f"only {counts[name] / _STRETCH:.0f} of the event {name} came each second, "
                    f"not {rate}"
                )
        return {
            "idle share": idle[0],
            "idle messages": idle[1],
            "busy share": busy[0],
            "busy messages": busy[1],
        }


async def _stretch(notebook: Notebook) -> tuple[float, float]:
    """The share of a core, and widget messages a second."""
    before = len(notebook.widget_messages)
    used = await share(notebook, _STRETCH)
    await asyncio.sleep(0)
    return used, (len(notebook.widget_messages) - before) / _STRETCH


_shown = Together("a kernel with the cockpit", _measure)
