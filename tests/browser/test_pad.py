"""The drive pad in a real page: it drives for as long as it is held, and every way of letting go is
a stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, expect

from mbot_nb.robots.simulator.body import FULL_SPEED

if TYPE_CHECKING:
    from tests.helpers.browser import Notebook

    Open = Callable[..., Notebook]

START = """
import asyncio, time
import mbot_nb as mb
robot = mb.SimulatedRobot(seed=1, world={"width": 1000, "height": 400})
server = await mb.serve(robot, port=0)
bot = await mb.connect(server)
pad = mb.widgets.DrivePad(bot, speed=30)
def moved(since):
    "When it was first seen to move after `since`, and when it came to stand (s of the simulation)."
    rows = robot.path
    began = next(b[0] for a, b in zip(rows, rows[1:]) if b[0] > since and a[1:] != b[1:])
    return began, robot.at_rest_since - robot.simulation.reading(0)
pad
"""


def pad_of(notebook: Notebook) -> Locator:
    panel = notebook.page.locator(".mbot-drive")
    expect(panel.locator("[data-field=connection]")).to_have_text("connected")
    return panel.get_by_role("application")


def stands(notebook: Notebook) -> None:
    notebook.wait("robot.at_rest_since is not None")


@pytest.mark.quiet
def test_a_key_drives_for_as_long_as_it_is_held(open_notebook: Open) -> None:
    notebook = open_notebook([START])
    notebook.run_cell(0)
    pad = pad_of(notebook)
    pad.focus()
    since, x = notebook.value("robot.path[-1][:2]")
    before = notebook.page.evaluate("performance.now()")
    notebook.page.keyboard.down("ArrowUp")
    down = notebook.page.evaluate("performance.now()")
    notebook.page.wait_for_timeout(1500)
    up = notebook.page.evaluate("performance.now()")
    notebook.page.keyboard.up("ArrowUp")
    after = notebook.page.evaluate("performance.now()")
    stands(notebook)
    began, ended = notebook.value(f"moved({since})")
    # It was held for between these; on the way there and back a kernel takes some milliseconds, and
    # braking 40.
    assert (up - down) / 1e3 - 0.25 < ended - began < (after - before) / 1e3 + 0.35
    way = notebook.value("robot.path[-1][1]") - x
    assert abs(way - 0.30 * FULL_SPEED * (ended - began)) < 2.0
    expect(notebook.page.locator(".mbot-drive [data-field=last-stop]")).to_contain_text(
        "after letting go"
    )
    assert notebook.value("pad.dropped") == 0
    assert notebook.errors() == []
    assert notebook.console == []


def test_every_way_of_letting_go_is_a_stop(open_notebook: Open) -> None:
    notebook = open_notebook([START])
    notebook.run_cell(0)
    page, pad = notebook.page, pad_of(notebook)

    def drive() -> None:
        pad.focus()
        page.keyboard.down("KeyW")
        notebook.wait("robot.motion is not None")

    def is_let_go() -> None:
        # Well before the last lease could have ended by itself the pad shows that it has let go.
        expect(pad).to_have_attribute("data-driving", "false", timeout=300)
        stands(notebook)
        page.keyboard.up("KeyW")

    drive()
    pad.evaluate("pad => pad.blur()")
    is_let_go()
    drive()
    page.evaluate("window.dispatchEvent(new Event('blur'))")
    is_let_go()
    drive()
    page.keyboard.press("Space")
    is_let_go()
    # Hidden: the page says so before it is put to sleep.
    drive()
    page.evaluate(
        "Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    is_let_go()
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    # The mouse, with a direction: up and to the right turns right while it drives.
    box = pad.bounding_box()
    assert box is not None
    heading = notebook.value("robot.path[-1][3]")
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.3)
    page.mouse.down()
    notebook.wait("robot.motion is not None")
    notebook.wait(f"robot.path[-1][3] < {heading} - 5")
    page.mouse.up()
    is_let_go()
    # Its output cleared away while it drives.
    drive()
    notebook.command("notebook:clear-all-cell-outputs")
    stands(notebook)
    assert notebook.errors() == []
    assert notebook.console == []


def test_while_a_cell_blocks_nothing_piles_up(open_notebook: Open) -> None:
    """On the kernel that brings clicks only when the cell has ended."""
    notebook = open_notebook([START, "time.sleep(2.5)"], "6.31.0")
    notebook.run_cell(0)
    pad = pad_of(notebook)
    x = notebook.value("robot.path[-1][1]")
    notebook.start_cell(1)
    pad.focus()
    notebook.page.keyboard.down("ArrowUp")
    expect(pad.page.locator(".mbot-drive [data-field=status]")).to_contain_text("kernel is busy")
    notebook.page.keyboard.up("ArrowUp")
    notebook.wait_idle()
    notebook.wait("pad.dropped >= 4")
    stands(notebook)
    assert notebook.value("robot.path[-1][1]") == x, "motion that came late was not carried out"
    notebook.page.keyboard.down("ArrowUp")
    notebook.wait(f"robot.path[-1][1] > {x} + 3")
    notebook.page.keyboard.up("ArrowUp")
    stands(notebook)
    assert notebook.errors() == []
    assert notebook.console == []


def test_light_dark_and_narrow(open_notebook: Open) -> None:
    notebook = open_notebook([START, "mb.widgets.StopButton(bot)"])
    notebook.run_all()
    pad = pad_of(notebook)
    pad.focus()
    notebook.page.keyboard.down("ArrowUp")
    notebook.page.keyboard.down("ArrowRight")
    notebook.wait("robot.motion is not None")
    notebook.screenshot("pad-light")
    notebook.page.keyboard.up("ArrowUp")
    notebook.page.keyboard.up("ArrowRight")
    notebook.page.locator(".mbot-drive").get_by_role("button", name="Stop the robot").click()
    expect(notebook.page.locator(".mbot-drive")).to_have_attribute("data-latched", "true")
    notebook.theme(dark=True)
    pad.focus()
    notebook.page.keyboard.press("ArrowUp", delay=200)
    expect(notebook.page.locator(".mbot-drive [data-field=status]")).to_contain_text(
        "press Release"
    )
    notebook.screenshot("pad-dark")
    notebook.theme(dark=False)
    notebook.page.set_viewport_size({"width": 640, "height": 1000})
    notebook.screenshot("pad-narrow")
    for name in (".mbot-drive", ".mbot-stopper"):
        assert notebook.page.locator(name).evaluate(
            "node => node.getBoundingClientRect().right <= "
            "node.closest('.jp-OutputArea').getBoundingClientRect().right + 1"
        ), "it stays within the notebook"
    assert notebook.errors() == []
    assert notebook.console == []
