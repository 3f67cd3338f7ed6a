"""What happens to live widgets in a real page: shown twice, reloaded, run again, touched, driven
with a gamepad."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.helpers.browser import assert_clean

if TYPE_CHECKING:
    from tests.helpers.browser import Notebook

    Open = Callable[..., Notebook]

START = """
import asyncio, time
import mbot_nb as mb
from mbot_nb.widgets.base.live_widget import LiveWidget
robot = mb.SimulatedRobot(seed=1, world={"width": 1000, "height": 1000})
server = await mb.serve(robot, port=0)
bot = await mb.connect(server)
"""
SHOW = """
pad = mb.widgets.DrivePad(bot)
arena = mb.widgets.Arena(bot)
chart = mb.widgets.LiveChart(bot, "pose.x")
from IPython.display import display
display(pad, arena, chart)
"""
PANELS = (".mbot-drive", ".mbot-arena", ".mbot-chart")
ALL = (
    "[w for w in __import__('ipywidgets').widgets.widget._instances.values() if isinstance(w, "
    "LiveWidget)]"
)
OURS = f"sorted(type(w).__name__ for w in {ALL} if not w.ended)"


def test_shown_twice_run_again_and_closed(open_notebook: Open) -> None:
    notebook = open_notebook([START, SHOW, "display(pad, arena, chart)", "await bot.close()"])
    for number in range(3):
        notebook.run_cell(number)
    for panel in PANELS:
        expect(notebook.page.locator(panel)).to_have_count(2)
    notebook.execute("await bot.drive(30, 30, duration=0.5)")
    notebook.wait("robot.at_rest_since is not None")
    x = notebook.value("robot.state()['pose']['x']")
    for at in range(2):
        # What is out of sight is not drawn.
        notebook.page.locator(".mbot-arena").nth(at).scroll_into_view_if_needed()
        expect(notebook.page.locator(".mbot-arena [data-field=readout]").nth(at)).to_contain_text(
            notebook.position()
        )
        notebook.page.locator(".mbot-chart").nth(at).scroll_into_view_if_needed()
        expect(notebook.page.locator(".mbot-chart [data-field='pose.x']").nth(at)).to_have_text(
            f"{x:.0f} cm"
        )
    # Run again, it shows its own, and what it showed before is not followed any more.
    for _ in range(3):
        notebook.run_cell(1)
    notebook.command("notebook:clear-all-cell-outputs")
    notebook.run_cell(1)
    for panel in PANELS:
        expect(notebook.page.locator(panel)).to_have_count(1)
        expect(notebook.page.locator(f"{panel} [data-field=connection]")).to_have_text("connected")
    notebook.wait(f"{OURS} == ['Arena', 'DrivePad', 'LiveChart']")
    # Of what was ended unseen only the last run's is still there, to go with the next one.
    notebook.wait(f"len({ALL}) <= 6")
    notebook.run_cell(3)
    for panel in PANELS:
        expect(notebook.page.locator(f"{panel} [data-field=connection]")).to_have_text("closed")
        expect(notebook.page.locator(f"{panel} [data-field=status]")).to_contain_text("closed")
    notebook.command("notebook:clear-all-cell-outputs")
    notebook.wait(f"{OURS} == [] and len({ALL}) <= 3")
    notebook.wait(
        "not [t for t in __import__('threading').enumerate() if t.name == 'mbot_nb-monitor']"
    )
    assert notebook.errors() == []
    assert notebook.console == []


def test_a_page_that_is_reloaded_goes_on(open_notebook: Open) -> None:
    notebook = open_notebook([START, SHOW])
    notebook.run_all()
    expect(notebook.page.locator(".mbot-arena [data-field=connection]")).to_have_text("connected")
    notebook.execute("await bot.drive(30, 30, duration=0.5)")
    notebook.wait("robot.at_rest_since is not None")
    x = notebook.value("robot.path[-1][1]")
    notebook.command("docmanager:save")
    notebook.reload()
    for panel in PANELS:
        expect(notebook.page.locator(f"{panel} [data-field=connection]")).to_have_text("connected")
    expect(notebook.page.locator(".mbot-arena [data-field=readout]")).to_contain_text(
        notebook.position()
    )
    notebook.page.locator(".mbot-pad").focus()
    notebook.page.keyboard.down("ArrowUp")
    notebook.wait(f"robot.path[-1][1] > {x} + 2")
    notebook.page.keyboard.up("ArrowUp")
    notebook.wait("robot.at_rest_since is not None")
    assert_clean(notebook)


def test_a_gamepad_drives_and_its_loss_is_a_stop(open_notebook: Open) -> None:
    notebook = open_notebook([START, "mb.widgets.DrivePad(bot)"])
    notebook.run_all()
    page = notebook.page
    expect(page.locator(".mbot-drive [data-field=connection]")).to_have_text("connected")
    page.evaluate(
        """() => {
            window.stick = { connected: true, axes: [0, -1], buttons: [] };
            navigator.getGamepads = () => [window.stick];
            dispatchEvent(new Event("gamepadconnected"));
        }"""
    )
    notebook.wait(
        "robot.motion is not None and robot.state()['motors'] == {'left': 40.0, 'right': 40.0, "
        "'moving': True}"
    )
    page.evaluate(
        "() => { window.stick.axes = [0, 0]; window.stick.buttons[14] = { pressed: true }; }"
    )
    notebook.wait("robot.state()['motors']['left'] < 0 < robot.state()['motors']['right']")
    page.evaluate("() => { window.stick.connected = false; }")
    notebook.wait("robot.at_rest_since is not None")
    expect(page.locator(".mbot-pad")).to_have_attribute("data-driving", "false")
    assert notebook.errors() == []
    assert notebook.console == []


def test_a_finger_that_leaves_the_screen_lets_go(open_notebook: Open) -> None:
    notebook = open_notebook([START, "mb.widgets.DrivePad(bot)"])
    notebook.run_all()
    pad = notebook.page.locator(".mbot-pad")
    expect(notebook.page.locator(".mbot-drive [data-field=connection]")).to_have_text("connected")
    pad.scroll_into_view_if_needed()  # waits until it keeps its place
    box = pad.bounding_box()
    assert box is not None
    touch = notebook.page.context.new_cdp_session(notebook.page)
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] * 0.15}
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    notebook.wait("robot.motion is not None")
    touch.send("Input.dispatchTouchEvent", {"type": "touchCancel", "touchPoints": []})
    notebook.wait("robot.at_rest_since is not None")
    expect(pad).to_have_attribute("data-driving", "false")
    assert notebook.errors() == []
    assert notebook.console == []
