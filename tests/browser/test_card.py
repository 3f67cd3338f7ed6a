"""The live card in a real page: it lives, it stops the robot on every kernel, and it says what
happened."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.helpers.browser import PICTURE, STOPPED, assert_clean, card_of, field, painted
from tests.helpers.kernels import VERSIONS

if TYPE_CHECKING:
    from tests.helpers.browser import Notebook

    Open = Callable[..., Notebook]

START = """
import asyncio, time
import mbot_nb as mb
from mbot_nb.embedded.registry import local_servers
bot = await mb.demo()
robot = local_servers().running()[-1].robot
widgets = lambda: __import__("ipywidgets").widgets.widget._instances
"""
DRIVE = """
ended = []
bot.send("drive", left=30, right=20, duration=9)
await bot.flush()
robot.motion.on_end(lambda how: ended.append((how, time.monotonic())))
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_it_lives_and_stops_the_robot(open_notebook: Open, version: str) -> None:
    notebook = open_notebook(
        [
            START,
            DRIVE,
            "time.sleep(2); after = time.monotonic()",
            "await asyncio.sleep(2); after = time.monotonic()",
        ],
        version,
    )
    notebook.run_cell(0)
    card = card_of(notebook)
    expect(field(card, "connection")).to_have_text("connected")
    before = field(card, "position").inner_text(), card.locator("canvas").evaluate(PICTURE)
    expect(field(card, "position")).not_to_have_text(before[0])
    # The robot moves on the picture.
    notebook.page.wait_for_function(
        "([canvas, before]) => canvas.toDataURL() !== before",
        arg=[card.locator("canvas").element_handle(), before[1]],
    )
    notebook.screenshot(f"moving-{version}")
    expect(field(card, "stop-availability")).to_contain_text(
        "" if version == "7.3.0" else "until the cell ends. With mb.serve(thread=True)"
    )
    card.get_by_role("button", name="Stop the robot").click()
    notebook.wait("robot.at_rest_since is not None")
    expect(field(card, "status")).to_have_text(STOPPED)
    expect(field(card, "last-stop")).to_contain_text("after the click")
    notebook.screenshot(f"stopped-{version}")
    expect(field(card, "position")).to_have_text(notebook.position())
    # Where a click arrives while a cell runs, see notebook.md; a stop acts as soon as it has
    # arrived.
    for cell, at_once in ((2, version == "7.3.0"), (3, version != "6.31.0")):
        card.get_by_role("button", name="Release the stop").click()
        expect(card).to_have_attribute("data-latched", "false")
        notebook.run_cell(1)
        notebook.start_cell(cell)
        card.get_by_role("button", name="Stop the robot").click()
        notebook.wait("ended")
        notebook.wait_idle()
        (how, when), after = notebook.value("ended[0]"), notebook.value("after")
        assert how == "stopped"
        assert when < after - 1 if at_once else when < after + 0.5
        expect(field(card, "status")).to_have_text(STOPPED)
    assert_clean(notebook)


def test_the_keyboard_reaches_stop(open_notebook: Open) -> None:
    notebook = open_notebook([START, DRIVE])
    notebook.run_all()
    button = card_of(notebook).get_by_role("button", name="Stop the robot")
    button.focus()
    notebook.page.keyboard.press("Enter")
    notebook.wait("robot.motion is None")
    release = card_of(notebook).get_by_role("button", name="Release the stop")
    expect(release).to_be_enabled()
    release.press("Enter")
    notebook.wait("robot.latch is None")
    notebook.run_cell(1)
    button.focus()
    notebook.page.keyboard.press("Space")
    notebook.wait("robot.motion is None")
    assert notebook.value("ended[0][0]") == "stopped"
    assert (
        notebook.page.evaluate("() => jupyterapp.shell.currentWidget.content.widgets.length") == 2
    ), "no key has made a cell"
    assert_clean(notebook)


def test_it_tells_who_cannot_see_it(open_notebook: Open) -> None:
    notebook = open_notebook([START])
    notebook.run_all()
    card_of(notebook)
    group = notebook.page.get_by_role("group", name="Robot simulated-mbot2")
    assert "the robot is at x" in (group.get_by_role("img").get_attribute("aria-label") or "")
    assert group.get_by_role("status").count() == 1


def test_a_stop_that_stands_is_shown_and_released(open_notebook: Open) -> None:
    """Whoever has given it: what is refused meanwhile says what to do, and the card can do it."""
    notebook = open_notebook([START, "await bot.drive(30, 30, duration=0.2)"])
    notebook.run_cell(0)
    card = card_of(notebook)
    release = card.get_by_role("button", name="Release the stop")
    expect(release).to_be_disabled()
    notebook.execute("await bot.emergency_stop()")
    expect(card).to_have_attribute("data-latched", "true")
    notebook.run_cell(1)
    (error,) = notebook.errors()
    assert "with Release beside Stop, or `await bot.release_stop()`" in error
    release.click()
    expect(card).to_have_attribute("data-latched", "false")
    expect(field(card, "status")).to_have_text("Released: the robot may move again.")
    notebook.run_cell(1)
    assert_clean(notebook)


def test_shown_twice_run_again_and_closed(open_notebook: Open) -> None:
    notebook = open_notebook(
        [START, "card = mb.widgets.Card(bot)\ncard", "card", "await bot.close()"]
    )
    for number in range(3):
        notebook.run_cell(number)
    cards = card_of(notebook)
    expect(cards).to_have_count(3)
    notebook.wait("robot.at_rest_since is not None")
    for at in range(3):
        expect(field(cards.nth(at), "connection")).to_have_text("connected")
        expect(field(cards.nth(at), "position")).to_have_text(notebook.position())
    assert notebook.value("card.seen")
    # Run again: the demo replaces the earlier one, whose other cards say so.
    notebook.run_cell(0)
    expect(field(cards.nth(0), "connection")).to_have_text("connected")
    expect(field(cards.nth(1), "connection")).to_have_text("closed")
    expect(field(cards.nth(1), "status")).to_contain_text("closed")
    expect(cards.nth(1).get_by_role("button", name="Stop the robot")).to_be_disabled()
    expect(cards).to_have_count(3)
    notebook.screenshot("replaced")
    # The view of a closed client goes, and its model with it.
    notebook.command("notebook:clear-all-cell-outputs")
    expect(cards).to_have_count(0)
    notebook.wait("card.comm is None")
    notebook.run_cell(3)
    notebook.wait("not local_servers().running()")
    assert_clean(notebook)


def test_a_cell_run_again_while_its_card_is_on_the_page(open_notebook: Open) -> None:
    """Five times; afterwards there is one card, one server, one client."""
    notebook = open_notebook([START])
    for _ in range(5):
        notebook.run_cell(0)
    cards = card_of(notebook)
    expect(cards).to_have_count(1)
    expect(field(cards, "connection")).to_have_text("connected")
    notebook.wait("[type(w).__name__ for w in widgets().values()].count('Card') == 1")
    assert notebook.value("len(local_servers().running())") == 1
    assert notebook.value("len(widgets())") == 2, "the card and its layout"
    assert_clean(notebook)


def test_a_page_that_shows_nothing_costs_nothing(open_notebook: Open) -> None:
    notebook = open_notebook([START, DRIVE])
    notebook.run_all()
    card_of(notebook)
    notebook.execute("card = [w for w in widgets().values() if type(w).__name__ == 'Card'][0]")
    notebook.execute(
        "sent = []; send = card.send; card.send = lambda content, buffers=None: "
        "(sent.append(content), send(content))"
    )
    notebook.wait("card.seen and sent")
    notebook.command("notebook:hide-all-cell-outputs")
    notebook.wait("not card.seen")
    count, x = notebook.value("[len(sent), robot.path[-1][1]]")
    notebook.wait(f"abs(robot.path[-1][1] - {x}) > 3")
    assert notebook.value("len(sent)") == count
    notebook.command("notebook:show-all-cell-outputs")
    # The page asks for the time too, and is answered at once, from whichever thread heard it.
    kinds = f"[content['kind'] for content in sent[{count}:] if content['kind'] != 'clock']"
    notebook.wait(kinds)
    assert notebook.value(kinds)[0] == "all"
    assert_clean(notebook)


def test_a_server_that_goes_and_comes_is_told(open_notebook: Open) -> None:
    again = "port = robot_server.port; await robot_server.close()"
    notebook = open_notebook(
        [
            START + "robot_server = local_servers().running()[-1]",
            again,
            "robot_server = await mb.serve(port=port); await bot.reconnect()",
        ]
    )
    notebook.run_cell(0)
    card = card_of(notebook)
    notebook.run_cell(1)
    expect(field(card, "connection")).to_have_text("reconnecting")
    expect(card.locator(".mbot-note")).to_contain_text("attempt")
    notebook.screenshot("reconnecting")
    card.get_by_role("button", name="Stop the robot").click()
    notebook.run_cell(2)
    expect(field(card, "connection")).to_have_text("connected")
    expect(field(card, "position")).to_have_text("x 100.0 cm, y 75.0 cm")
    assert notebook.errors() == []


def test_a_restarted_kernel_is_told_and_the_cell_brings_a_new_card(open_notebook: Open) -> None:
    notebook = open_notebook([START])
    notebook.run_all()
    card = card_of(notebook)
    notebook.page.evaluate(
        "() => { window.restarted = jupyterapp.commands.execute('kernelmenu:restart'); }"
    )
    notebook.page.locator(".jp-Dialog .jp-mod-accept").click()
    notebook.page.evaluate("() => window.restarted.then(() => null)")
    expect(field(card, "status")).to_contain_text("restarted", timeout=15000)
    expect(field(card, "connection")).to_have_text("no answer")
    notebook.screenshot("kernel-restarted")
    notebook.run_all()
    expect(card).to_have_count(1)
    expect(field(card, "connection")).to_have_text("connected")
    expect(field(card, "status")).to_have_text("")
    card.get_by_role("button", name="Stop the robot").click()
    notebook.wait("robot.motion is None")
    assert notebook.errors() == []


def test_light_dark_and_narrow(open_notebook: Open) -> None:
    notebook = open_notebook([START, "bot", "bot.state", "local_servers().running()[-1]"])
    notebook.run_all()
    card = card_of(notebook)
    seen = {}
    for dark in (False, True):
        notebook.theme(dark)
        painted(notebook.page)
        seen[dark] = (
            card.evaluate("card => getComputedStyle(card).backgroundColor"),
            card.locator("canvas").evaluate(PICTURE),
        )
        notebook.screenshot("dark" if dark else "light")
    assert seen[False][0] != seen[True][0]
    assert seen[False][1] != seen[True][1]
    notebook.theme(dark=False)
    notebook.page.set_viewport_size({"width": 760, "height": 1000})
    notebook.screenshot("narrow")
    right = card.evaluate(
        "card => card.getBoundingClientRect().right <= "
        "card.closest('.jp-OutputArea').getBoundingClientRect().right + 1"
    )
    assert right, "it stays within the notebook"
    assert_clean(notebook)


def test_it_costs_the_kernel_next_to_nothing(open_notebook: Open) -> None:
    notebook = open_notebook([START, DRIVE, "await asyncio.sleep(3)"])
    notebook.run_cell(0)
    card_of(notebook)
    notebook.run_cell(1)
    notebook.wait("bot.state.motors.moving")
    begin, cpu = time.monotonic(), notebook.value("time.process_time()")
    notebook.page.wait_for_timeout(3000)
    share = (notebook.value("time.process_time()") - cpu) / (time.monotonic() - begin)
    print(f"kernel, telemetry and card at 10 Hz: {share:.1%} of a core")
    assert share < 0.15
    notebook.wait("not bot.state.motors.moving")
    begin, cpu = time.monotonic(), notebook.value("time.process_time()")
    notebook.page.wait_for_timeout(3000)
    share = (notebook.value("time.process_time()") - cpu) / (time.monotonic() - begin)
    print(f"kernel, nothing happens: {share:.1%} of a core")
    assert share < 0.05
