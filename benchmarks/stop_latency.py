"""``stop_latency_*``: the time from ``stop()`` to standing still, beside the braking in it.

The loop is free or blocked; the stop comes from a cell, a thread or a callback.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from functools import partial

from mbot_nb.robots.simulator.body import ACCELERATION, FULL_SPEED

from .figures import Comparison
from .harness import Contender
from .in_kernel import SPEED
from .notebook import Notebook, kernel
from .together import Together

__all__ = ["comparisons", "split"]

_STOPS = 50
_BRAKING = SPEED / 100 * FULL_SPEED / ACCELERATION  # s
_OPEN = """
import time
import ipywidgets
from benchmarks.in_kernel import Stops

stops = Stops()
await stops.open()
button = ipywidgets.Button(description="Stop")
button.on_click(stops.stop)
"""

Rows = list[tuple[float, float]]


def comparisons() -> list[Comparison]:
    """What this module measures."""
    beside = (
        "ours is from the call of `bot.stop()` to wheels that stand, theirs the part of it that "
        "braking takes in any case, from "
        f"{SPEED:g} % of full speed at {ACCELERATION / 100:g} m/s2; in a real kernel with client "
        "and server"
    )
    rows = [
        Comparison(
            name=f"stop_latency_{name}_{part}",
            ours=measured.part(part),
            theirs=_braking,
            unit="ms",
            how=f"{part} of {_STOPS} stops, {words}; {beside}",
        )
        for name, (measured, words) in _scenarios.items()
        for part in ("p50", "p99")
    ]
    clicks = [
        Comparison(
            name=f"stop_latency_click_{name}_{part}",
            ours=_scenarios[f"callback_{name}"][0].part(f"click {part}"),
            theirs=_braking,
            unit="ms",
            how=f"{part} of the same stops as stop_latency_callback_{name}, from when the page "
            "has sent the click",
        )
        for name in ("free", "blocked")
        for part in ("p50", "p99")
    ]
    return [*rows, *clicks]


async def _by_cell(method: str, notebook: Notebook) -> tuple[Rows, Rows]:
    rows = await notebook.value(f"await stops.{method}({_STOPS}) or stops.rows")
    return rows, rows


async def _by_callback(blocking: str, notebook: Notebook) -> tuple[Rows, Rows]:
    """A click on a button of the page, while nothing runs or while a cell blocks; also returns when
    each click was sent."""
    (button,) = [
        id for id, state in notebook.models.items() if state.get("_model_name") == "ButtonModel"
    ]
    clicks = []
    for _ in range(_STOPS):
        cell = notebook.start(f"await stops.up_to_speed(); print('fast', flush=True)\n{blocking}")
        await (notebook.printed(cell, "fast") if blocking else notebook.finish(cell))
        clicks.append(time.monotonic())  # the kernel reads the same clock
        notebook.custom(button, {"event": "click"})
        if blocking:
            await notebook.finish(cell)
        await notebook.run("await stops.note()")
    rows = await notebook.value("stops.rows")
    return rows, [(click, rested) for click, (_, rested) in zip(clicks, rows, strict=True)]


async def _measure(
    scenario: Callable[[Notebook], Awaitable[tuple[Rows, Rows]]],
) -> dict[str, float]:
    async with kernel() as notebook:
        await notebook.run(_OPEN)
        stops, clicks = await scenario(notebook)
    return {**split(stops), **{f"click {part}": value for part, value in split(clicks).items()}}


def split(rows: Rows) -> dict[str, float]:
    """The percentiles of what the rows (began, stood; in seconds) took, in milliseconds.

    Raises:
        RuntimeError: when a robot stood before it could have braked: then it was not as fast as it
            should have been.
    """
    times = [stood - began for began, stood in rows]
    if min(times) < _BRAKING - 1e-6:
        raise RuntimeError(
            f"a robot stood {min(times) * 1e3:.1f} ms after its stop, and braking alone takes "
            f"{_BRAKING * 1e3:.1f} ms"
        )
    return {
        "p50": statistics.median(times) * 1e3,
        "p99": statistics.quantiles(times, n=100, method="inclusive")[98] * 1e3,
    }


async def _brake() -> float:
    return _BRAKING * 1e3


_braking = Contender("braking", _brake)
_scenarios = {
    name: (Together(f"stop, {name}", partial(_measure, scenario)), words)
    for name, scenario, words in (
        ("cell_free", partial(_by_cell, "by_cell"), "from a cell, the loop free"),
        (
            "cell_blocked",
            partial(_by_cell, "by_blocking_cell"),
            "from a cell that blocks the loop with `time.sleep`",
        ),
        (
            "thread_blocked",
            partial(_by_cell, "by_thread"),
            "from another thread while a cell blocks the loop with `time.sleep`",
        ),
        ("callback_free", partial(_by_callback, ""), "from a button's callback while no cell runs"),
        (
            "callback_blocked",
            partial(_by_callback, "time.sleep(0.25)"),
            "from a button's callback while a cell blocks the loop with `time.sleep`",
        ),
    )
}
