"""A recording played in a real page: the card and the cockpit show it as they show a robot, and
Stop holds it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.helpers.browser import PICTURE, STOPPED, assert_clean, card_of, field

if TYPE_CHECKING:
    from tests.helpers.browser import Notebook

    Open = Callable[..., Notebook]

RECORD = """
import mbot_nb as mb
async with mb.serve(mb.SimulatedRobot(seed=1), port=0) as server, mb.connect(server) as bot:
    with mb.Recorder(bot) as rec:
        await bot.drive(left=50, right=35, duration=2)
rec.save("run.mbot")
"""
REPLAY = """
robot = mb.ReplayRobot("run.mbot", loop=True)
server = await mb.serve(robot, port=0)
bot = await mb.connect(server)
card = mb.widgets.Card(bot)
card
"""
COCKPIT = "cockpit = mb.widgets.Cockpit(bot)\ncockpit"


@pytest.mark.timeout(120)
def test_widgets_show_a_replay_as_they_show_a_robot(open_notebook: Open) -> None:
    notebook = open_notebook([RECORD, REPLAY, COCKPIT])
    notebook.run_cell(0)
    notebook.run_cell(1)
    card = card_of(notebook).first
    expect(field(card, "connection")).to_have_text("connected")
    before = field(card, "position").inner_text(), card.locator("canvas").evaluate(PICTURE)
    expect(field(card, "position")).not_to_have_text(before[0])
    notebook.page.wait_for_function(
        "([canvas, before]) => canvas.toDataURL() !== before",
        arg=[card.locator("canvas").element_handle(), before[1]],
    )
    notebook.wait("robot.status()['rounds'] >= 1")
    notebook.run_cell(2)
    notebook.screenshot("replay")
    arena = notebook.page.locator(".mbot-arena")
    slider = arena.get_by_label("Place in the recording, in seconds")
    arena.get_by_role("button", name="Pause the replay").click()
    notebook.wait("not robot.playing")
    held = notebook.value("robot.position")
    notebook.page.wait_for_function(
        "([slider, held]) => Math.abs(slider.value - held) < 0.01",
        arg=[slider.element_handle(), held],
    )
    slider.focus()
    notebook.page.keyboard.press("Home")
    notebook.wait("robot.position == 0")
    expect(arena.locator("[data-field=readout]")).to_contain_text("x 100.0 cm, y 75.0 cm")
    expect(arena.locator("[data-field=when]")).to_have_text(re.compile(r"^0\.0 of \d\.\d s$"))
    slider.scroll_into_view_if_needed()
    notebook.screenshot("replay-begin")
    arena.get_by_role("button", name="Play the replay").click()
    notebook.wait("robot.playing")
    expect(arena.locator("[data-field=when]")).not_to_have_text(re.compile(r"^0\.0 of"))
    card.get_by_role("button", name="Stop the robot").click()
    notebook.wait("not robot.playing")
    expect(field(card, "status")).to_have_text(STOPPED)
    expect(field(card, "position")).to_have_text(notebook.position())
    assert_clean(notebook)
