"""Stop in a real page: latching, measured, and as good while a cell runs as the kernel allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, expect

from tests.helpers.browser import assert_clean
from tests.helpers.kernels import VERSIONS

if TYPE_CHECKING:
    from tests.helpers.browser import Notebook

    Open = Callable[..., Notebook]

START = """
import asyncio, time
import mbot_nb as mb
robot = mb.SimulatedRobot(seed=1)
server = await mb.serve(robot, port=0{thread})
bot = await mb.connect(server{thread})
stop = mb.widgets.StopButton(bot)
stop
"""
DRIVE = """
if robot.latch:
    await bot.release_stop()
ended = []
await bot.drive(30, 20, duration=9, wait=False)
robot.motion.on_end(lambda how: ended.append((how, time.monotonic())))
"""
BLOCKS = "print('now it blocks', flush=True); time.sleep(3); after = time.monotonic()"
AWAITS = "print('now it awaits', flush=True); await asyncio.sleep(3); after = time.monotonic()"
BEGUN = {2: "now it blocks", 3: "now it awaits"}


LOOPS = """
with mb.sync.connect(server.url) as again:
    print('now it drives', flush=True)
    refused = []
    for _ in range(15):
        try:
            again.drive(30, 20, duration=0.3)
        except mb.CommandRejectedError as error:
            refused.append(str(error))
"""


def panel_of(notebook: Notebook) -> Locator:
    panel = notebook.page.locator(".mbot-stopper")
    expect(panel.locator("[data-field=connection]")).to_have_text("connected")
    return panel


def stop_while(notebook: Notebook, panel: Locator, cell: int) -> float:
    """Click Stop while a cell runs; returns how long before the cell's end the motion ended."""
    notebook.run_cell(1)
    notebook.run_cell(cell, wait=False)
    expect(notebook.page.locator(".jp-OutputArea-output", has_text=BEGUN[cell])).to_be_visible()
    panel.get_by_role("button", name="Stop the robot").click()
    notebook.wait("ended")
    notebook.wait_idle()
    how, when = notebook.value("ended[0]")
    assert how == "stopped"
    expect(panel).to_have_attribute("data-latched", "true")
    return float(notebook.value("after")) - float(when)


@pytest.mark.parametrize("version", VERSIONS)
def test_on_the_io_thread_it_stops_at_once_whatever_the_cell_does(
    open_notebook: Open, version: str
) -> None:
    notebook = open_notebook([START.format(thread=", thread=True"), DRIVE, BLOCKS, AWAITS], version)
    notebook.run_cell(0)
    panel = panel_of(notebook)
    expect(panel.locator(".mbot-stop-availability")).to_have_text(
        ""
        if version == "7.3.0"
        else "While a cell blocks, this page stops the robot over a connection of its own."
    )
    for cell in (2, 3):
        assert stop_while(notebook, panel, cell) > 0.5
        # Measured by the robot itself: braking from 30 % takes 40 ms.
        expect(panel.locator("[data-field=last-stop]")).to_contain_text("after the click")
        took = notebook.value("(stop.refresh_snapshot(), stop.snapshot['last_stop'])[1]")
        assert took["exact"]
        assert 0.03 < took["seconds"] < 0.5
    notebook.screenshot(f"stop-{version}")
    panel.get_by_role("button", name="Release").click()
    expect(panel).to_have_attribute("data-latched", "false")
    assert notebook.value("robot.latch") is None
    assert notebook.errors() == []
    assert notebook.console == []


def test_the_pages_own_stop_stays_until_release(open_notebook: Open) -> None:
    """A cell that drives again and again does not get past it, on a kernel that hears no click
    before the cell ends."""
    notebook = open_notebook([START.format(thread=", thread=True"), LOOPS], "6.31.0")
    notebook.run_cell(0)
    panel = panel_of(notebook)
    expect(panel.locator(".mbot-stop-availability")).to_contain_text("over a connection of its own")
    notebook.run_cell(1, wait=False)
    expect(notebook.page.locator(".jp-OutputArea-output", has_text="now it drives")).to_be_visible()
    panel.get_by_role("button", name="Stop the robot").click()
    expect(panel.locator("[data-field=status]")).to_contain_text(
        "It stays so until you release it."
    )
    notebook.wait_idle()
    refused = notebook.value("refused")
    assert len(refused) > 3
    assert "emergency stop stands" in refused[0]
    expect(panel).to_have_attribute("data-latched", "true")
    panel.get_by_role("button", name="Release").click()
    expect(panel).to_have_attribute("data-latched", "false")
    assert notebook.value("(await bot.drive(30, 20, duration=0.1)).ended") == "time"
    assert notebook.errors() == []
    assert notebook.console == []


def test_the_pages_own_stop_is_not_taken_back_by_the_silence_of_the_kernel(
    open_notebook: Open,
) -> None:
    """With the client in the loop that the cell blocks, nothing is heard of the kernel until the
    cell ends."""
    start = START.format(thread="").replace("port=0", "port=0, thread=True")
    notebook = open_notebook([start, DRIVE, BLOCKS.replace("sleep(3)", "sleep(6)")], "6.31.0")
    notebook.run_cell(0)
    panel = panel_of(notebook)
    expect(panel.locator(".mbot-stop-availability")).to_contain_text("over a connection of its own")
    notebook.run_cell(1)
    notebook.run_cell(2, wait=False)
    expect(notebook.page.locator(".jp-OutputArea-output", has_text=BEGUN[2])).to_be_visible()
    panel.get_by_role("button", name="Stop the robot").click()
    said = panel.locator("[data-field=status]")
    expect(said).to_have_text(
        "Stopped over the page's own connection. It stays so until you release it."
    )
    notebook.page.wait_for_timeout(3000)  # longer than the page waits for an answer
    notebook.screenshot("stop-over-own-connection")
    expect(said).to_contain_text("Stopped over the page's own connection.", timeout=1000)
    expect(said).to_have_attribute("data-error", "false", timeout=1000)
    notebook.wait_idle()
    expect(said).to_have_text("Stopped. It stays so until you release it.")
    how, when = notebook.value("ended[0]")
    assert how == "stopped"
    assert notebook.value("after") - when > 4
    assert_clean(notebook)


@pytest.mark.parametrize("version", VERSIONS)
def test_in_the_kernels_loop_it_says_what_it_cannot_do(open_notebook: Open, version: str) -> None:
    notebook = open_notebook([START.format(thread=""), DRIVE, BLOCKS, AWAITS], version)
    notebook.run_cell(0)
    panel = panel_of(notebook)
    reach = panel.locator(".mbot-stop-availability")
    if version == "7.3.0":
        expect(reach).to_have_text("")
    else:
        wait = "may wait" if version == "7.4.0" else "waits"
        expect(reach).to_contain_text(f"{wait} until the cell ends. With mb.serve(thread=True)")
    assert stop_while(notebook, panel, 3) > 0.5, "while a cell awaits, on every kernel"
    before = stop_while(notebook, panel, 2)
    at_once, after_the_cell = before > 0.5, -0.5 < before < 0.1
    assert {"6.31.0": after_the_cell, "7.3.0": at_once, "7.4.0": at_once or after_the_cell}[
        version
    ], before
    assert notebook.errors() == []
    assert notebook.console == []
