"""``click_to_robot_*``: the time from a click in a real browser to the simulator's method, client
and server in the kernel; presses that drive beside clicks on Stop.

The browser stamps its input events, the kernel the calls of the robot's methods; both by this
machine's wall clock.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from typing import Any

from playwright.sync_api import Page

from tests.helpers.browser import Notebook, write_notebook

from .browser import lab_and_browser
from .figures import Comparison, Goal
from .together import Together

__all__ = ["comparisons", "delays"]

_CLICKS = 40
_WARM_UP = 5
# ms between two clicks: longer than anything that is measured, and not in step with telemetry
_PAUSE = 130
_OPEN = """
import time
import mbot_nb as mb

calls = []

class Watched(mb.SimulatedRobot):
    def perform(self, command):
        calls.append((command.name, time.time()))
        return super().perform(command)

    def halt(self):
        calls.append(("halt", time.time()))
        super().halt()

server = await mb.serve(Watched(seed=1, world={"width": 2000, "height": 2000}), port=0)
bot = await mb.connect(server)
pad = mb.widgets.DrivePad(bot, speed=20)
pad
"""
_STAMP = """() => {
    window.clicks = [];
    for (const kind of ["pointerdown", "pointerup"]) {
        addEventListener(kind, (event) => {
            const target = event.target.closest(".mbot-pad, .mbot-stop")?.classList;
            const at = (performance.timeOrigin + event.timeStamp) / 1000;
            window.clicks.push([at, [...(target ?? [])].map((name) => `.${name}`)]);
        }, true);
    }
}"""


def comparisons() -> list[Comparison]:
    """What this module measures."""
    how = (
        f"{{}} of {_CLICKS} in headless Chromium and JupyterLab, server and client in the "
        "kernel's loop; from the time of the "
        "browser's input event to the robot's method"
    )
    return [
        Comparison(
            name=f"click_to_robot_{part}",
            ours=_clicks.part(f"drive {part}"),
            theirs=None,
            unit="ms",
            goal=Goal(ours_at_most=30) if part == "p50" else None,
            how=how.format(f"{part} of the presses on a DrivePad that begin to drive,"),
            browser=True,
        )
        for part in ("p50", "p90")
    ] + [
        Comparison(
            name="click_to_robot_stop",
            ours=_clicks.part("stop p50"),
            theirs=_clicks.part("drive p50"),
            unit="ms",
            goal=Goal(ours_at_most=30, more_at_most=1),
            how=how.format("median of the clicks on Stop, beside the presses that drive,"),
            browser=True,
        )
    ]


def delays(clicks: Sequence[float], calls: Sequence[tuple[str, float]], name: str) -> list[float]:
    """The time from each click to the first call of this name after it, in ms.

    A click without one counts as the time until the next click: on a busy machine a press is
    released before it has driven.

    Args:
        clicks: when each click was made, in s.
        calls: name and time, in s, of each call of a method of the robot.
        name: of the calls that count.

    Raises:
        RuntimeError: if more than a tenth of the clicks had no such call.
    """
    times = [at for what, at in calls if what == name]
    found = []
    missed = 0
    for click, following in zip(clicks, [*clicks[1:], clicks[-1] + 1.0], strict=True):
        first = next((at for at in times if click <= at < following), None)
        missed += first is None
        found.append(((following if first is None else first) - click) * 1e3)
    if missed > len(clicks) / 10:
        raise RuntimeError(
            f"after {missed} of {len(clicks)} clicks the robot's {name} was not called before the "
            "next click"
        )
    return found


def _in_browser() -> dict[str, float]:
    with lab_and_browser() as (lab, browser):
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        notebook = Notebook(page, lab, write_notebook(lab, [_OPEN]))
        notebook.open()
        notebook.run_all()
        page.locator(".mbot-drive[data-connection=connected]").wait_for()
        page.evaluate(_STAMP)
        presses = _click(notebook, page, ".mbot-pad")
        late = notebook.value("pad.dropped")
        stops = delays(*_click(notebook, page, ".mbot-stop"), "halt")
    try:
        drives = delays(*presses, "drive")
    except RuntimeError as error:
        raise RuntimeError(f"{error}; {late} motions came late and were dropped") from error
    return {
        "drive p50": statistics.median(drives),
        "drive p90": statistics.quantiles(drives, n=10, method="inclusive")[8],
        "stop p50": statistics.median(stops),
    }


def _click(
    notebook: Notebook, page: Page, target: str
) -> tuple[list[float], list[tuple[str, float]]]:
    """Click there again and again.

    Returns:
        When the mouse went down, or up for a button, and the calls of the robot's methods.

    Raises:
        RuntimeError: if a click has hit something else.
    """
    notebook.execute("calls.clear()")
    page.evaluate("() => { window.clicks.length = 0; }")
    for _ in range(_WARM_UP + _CLICKS):
        _aim(page, target)
        page.mouse.down()
        page.wait_for_timeout(_PAUSE)
        page.mouse.up()
        page.wait_for_timeout(_PAUSE)
    stamps: list[tuple[float, list[str]]] = page.evaluate("() => window.clicks")
    calls: list[Any] = notebook.value("calls")
    # A pad drives from when the mouse goes down, a button acts when it goes up.
    clicks = stamps[0::2] if target == ".mbot-pad" else stamps[1::2]
    if len(clicks) != _WARM_UP + _CLICKS:
        raise RuntimeError(f"the page has seen {len(clicks)} clicks, not {_WARM_UP + _CLICKS}")
    if astray := sum(target not in hit for _, hit in clicks):
        raise RuntimeError(
            f"{astray} of {len(clicks)} clicks have not hit {target}: the page has moved under "
            "the mouse"
        )
    return [at for at, _ in clicks[_WARM_UP:]], [(str(name), float(at)) for name, at in calls]


def _aim(page: Page, target: str) -> None:
    """Move the mouse there, before every click: lines above a pad come and go.

    When a page is opened on a busy machine, a line about what Stop reaches stands there for a
    second. A mouse that keeps its place is then in the middle of the pad, which is no direction.
    """
    box = page.locator(target).bounding_box()
    if box is None:
        raise RuntimeError(f"{target} is not on the page")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 5)


async def _measure() -> dict[str, float]:
    return await asyncio.to_thread(_in_browser)


_clicks = Together("clicks in a browser", _measure)
