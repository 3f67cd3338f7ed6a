"""The command panel as a person uses it: fill a form, send it, read the answer, take the code
away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, expect

from tests.helpers.kernels import VERSIONS

if TYPE_CHECKING:
    from tests.helpers.browser import Notebook

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


@pytest.mark.parametrize("version", VERSIONS)
def test_a_slider_moved_while_a_cell_awaits_and_again_after_it(
    open_notebook: Open, version: str
) -> None:
    """On ipykernel 7.4 a slider of ipywidgets would be dead until the page is loaded again."""
    notebook = open_notebook([START, "await asyncio.sleep(2.5); ended = time.monotonic()"], version)
    notebook.run_cell(0)
    notebook.execute(
        "done = []; bot.tap(lambda event: hasattr(event, 'command') and "
        "done.append((event.command.name, time.monotonic())))"
    )
    led = form_of(panel_of(notebook), "set_led")
    slider = led.get_by_label("r, slider")
    send = led.get_by_role("button", name="Send set_led")
    notebook.start_cell(1)
    for red in (200, 201):
        slider.fill(str(red))
        send.click()
    expect(answer(led)).to_contain_text("done", timeout=10000)
    notebook.wait_idle()
    notebook.wait("'201' in str(robot.state()['leds'])")
    (_, when), ended = notebook.value("[done[0], ended]")
    if version != "6.31.0":
        assert when < ended - 0.5, "while the cell awaited"
    slider.fill("20")
    expect(led.get_by_role("textbox", name="the code that sends it")).to_have_text(
        "await bot.set_led(r=20, g=110, b=220)"
    )
    send.click()
    notebook.wait("len(done) == 3")
    assert notebook.errors() == []
    assert notebook.console == []


def test_the_page_is_loaded_again_and_two_tabs_go_on(open_notebook: Open) -> None:
    notebook = open_notebook([START])
    notebook.run_all()
    led = form_of(panel_of(notebook), "set_led")
    led.get_by_role("button", name="Send set_led").click()
    expect(answer(led)).to_contain_text("set_led: done")
    notebook.command("docmanager:save")
    notebook.reload()
    panel = panel_of(notebook)
    led = form_of(panel, "set_led")
    # What was answered is still there.
    expect(answer(led)).to_contain_text("set_led: done")
    led.get_by_label("r, slider").fill("77")
    led.get_by_role("button", name="Send set_led").click()
    notebook.wait("'77' in str(robot.state()['leds'])")
    # Another tab on the same kernel.
    other = type(notebook)(notebook.page.context.new_page(), notebook.lab, notebook.name)
    other.open()
    second = form_of(panel_of(other), "set_led")
    second.get_by_label("r, slider").fill("88")
    second.get_by_role("button", name="Send set_led").click()
    notebook.wait("'88' in str(robot.state()['leds'])")
    expect(answer(second)).to_contain_text("set_led: done")
    other.page.close()
    led.get_by_label("r, slider").fill("99")
    led.get_by_role("button", name="Send set_led").click()
    notebook.wait("'99' in str(robot.state()['leds'])")
    expect(answer(led)).to_contain_text("set_led: done")
    assert notebook.console == []


def test_ten_are_queued_and_leave_in_one_frame(open_notebook: Open) -> None:
    """The batch fills, its window runs, and the page says why it left."""
    notebook = open_notebook([START])
    notebook.run_all()
    panel = panel_of(notebook)
    led = form_of(panel, "set_led")
    led.get_by_label("How many times").fill("4")
    expect(led.get_by_role("textbox", name="the code that queues it")).to_contain_text(
        "for _ in range(4):"
    )
    led.get_by_role("button", name="Queue set_led").click()
    meter = panel.get_by_role("meter")
    expect(meter).to_have_attribute("aria-valuenow", "4")
    notebook.screenshot("command-batch")
    expect(meter).to_have_attribute("aria-valuenow", "0")
    expect(panel.locator("[data-field=batch]")).to_contain_text("4 commands")
    expect(panel.locator("[data-field=batch]")).to_contain_text("because its window was over")
    led.get_by_label("How many times").fill("10")
    led.get_by_role("button", name="Queue set_led").click()
    expect(panel.locator("[data-field=batch]")).to_contain_text("because it was full")
    # The code goes into the clipboard, and what is wrong is not sent.
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    led.get_by_role("button", name="Copy: the code that sends it").click()
    assert (
        notebook.page.evaluate("() => navigator.clipboard.readText()")
        == "await bot.set_led(r=0, g=110, b=220)"
    )
    led.get_by_role("spinbutton", name="r 0 to 255").fill("300")
    frames = notebook.value("bot.batch.frames")
    led.get_by_role("button", name="Send set_led").click()
    led.get_by_role("spinbutton", name="r 0 to 255").fill("30")
    led.get_by_role("spinbutton", name="r 0 to 255").press("Enter")
    expect(answer(led)).to_contain_text("set_led: done")
    assert notebook.value("bot.batch.frames") == frames + 1
    assert notebook.errors() == []
    assert notebook.console == []
