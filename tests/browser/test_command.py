"""The command panel as a person uses it: fill a form, send it, read the answer, take the code away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from playwright.sync_api import Locator, expect

if TYPE_CHECKING:
    from .conftest import Notebook

    Open = Callable[..., Notebook]

START = """
import asyncio, time
import mbot_nb as mb
server = await mb.serve(mb.SimulatedRobot(seed=1), port=0)
robot = server.robot
bot = await mb.connect(server, batch_window=1.5)
panel = mb.widgets.CommandPanel(bot)
panel
"""


def panel_of(notebook: Notebook) -> Locator:
    panel = notebook.page.locator(".mbot-command")
    panel.first.wait_for()
    return panel


def form_of(panel: Locator, command: str) -> Locator:
    panel.get_by_label("Command", exact=True).select_option(command)
    return panel.locator(f"form[data-command={command}]")


def answer(form: Locator) -> Locator:
    return form.locator(".mbot-answer")


def test_a_form_is_filled_sent_and_answered(open_notebook: Open) -> None:
    notebook = open_notebook([START])
    notebook.run_all()
    panel = panel_of(notebook)
    drive = form_of(panel, "drive")
    drive.get_by_label("left", exact=False).last.fill("50")
    drive.get_by_label("right, slider").fill("-50")
    drive.get_by_label("duration", exact=False).last.fill("0.4")
    code = drive.get_by_role("textbox", name="the code that sends it")
    expect(code).to_have_text("await bot.drive(left=50, right=-50, duration=0.4)")
    drive.get_by_role("button", name="Send drive").click()
    expect(answer(drive)).to_contain_text("drive: done in 0.")
    expect(answer(drive)).to_contain_text("ended: time")
    heading = notebook.value("round(robot.path[-1][3], 2)")
    assert heading != 0
    # The code it shows does the same.
    notebook.execute("bot.run = " + code.inner_text().removeprefix("await "))
    notebook.execute("print(await bot.run)")
    assert notebook.value("round(robot.path[-1][3], 2)") != heading
    notebook.screenshot("command-light")
    # What the robot refuses is told beside the form.
    move = form_of(panel, "game_move")
    move.get_by_label("move JSON").fill('{"cell": 4}')
    move.get_by_role("button", name="Send game_move").click()
    expect(answer(move)).to_contain_text("no game is being played")
    assert notebook.errors() == []
    assert notebook.console == []
