"""The arena in a real page: it moves, it is moved, it looks back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from playwright.sync_api import Locator, expect

from tests.helpers.browser import painted

if TYPE_CHECKING:
    from tests.helpers.browser import Notebook

    Open = Callable[..., Notebook]

START = """
import asyncio, time
import mbot_nb as mb
from mbot_nb.robots.simulator.world import Box, World
world = World(boxes=[Box(x=150, y=30)])
robot = mb.SimulatedRobot(seed=1, world=world)
server = await mb.serve(robot, port=0)
bot = await mb.connect(server)
arena = mb.widgets.Arena(bot)
arena
"""
PLAYGROUND = """
import asyncio, time
import mbot_nb as mb
robot = mb.SimulatedRobot(seed=1)
server = await mb.serve(robot, port=0)
bot = await mb.connect(server)
await bot.set_led(0, 140, 255)
await bot.set_led(255, 60, 0, index=3)
arena = mb.widgets.Arena(bot)
arena
"""
PICTURE = "canvas => canvas.toDataURL()"


def arena_of(notebook: Notebook) -> Locator:
    panel = notebook.page.locator(".mbot-arena")
    expect(panel.locator("[data-field=connection]")).to_have_text("connected")
    expect(panel.locator("[data-field=readout]")).to_contain_text("cm ahead")
    return panel


def at(panel: Locator, x: float, y: float) -> tuple[float, float]:
    """A place of the arena (200 x 150 cm) on the page."""
    box = panel.locator("canvas").bounding_box()
    assert box is not None
    return box["x"] + x / 200 * box["width"], box["y"] + (1 - y / 150) * box["height"]


def test_a_box_that_is_dragged_is_seen_by_the_robot(open_notebook: Open) -> None:
    notebook = open_notebook([START])
    notebook.run_cell(0)
    panel, mouse = arena_of(notebook), notebook.page.mouse
    assert notebook.value("bot.state.neural_state.distance") > 85, (
        "the wall at the end of the arena"
    )
    mouse.move(*at(panel, 150, 30))
    mouse.down()
    mouse.move(*at(panel, 155, 50), steps=4)
    mouse.move(*at(panel, 160, 75), steps=4)
    mouse.up()
    # In front of the robot at (100, 75): 160 - 10 - 8.75 - 100 = 41 cm.
    notebook.wait("38 < bot.state.neural_state.distance < 44")
    expect(panel.locator("[data-field=readout]")).to_contain_text("4")
    assert notebook.value(
        "[round(robot.simulation.world.boxes[0].x), round(robot.simulation.world.boxes[0].y)]"
    ) == [160, 75]
    # Where the robot stands nothing can be put; it stays where it was last.
    mouse.move(*at(panel, 160, 75))
    mouse.down()
    mouse.move(*at(panel, 100, 75), steps=2)
    mouse.up()
    expect(panel.locator("[data-field=status]")).to_contain_text("a robot stands at")
    assert notebook.value("robot.simulation.world.boxes[0].x") > 115
    # The same without a mouse.
    panel.get_by_role("combobox").select_option("Box 1")
    y = notebook.value("robot.simulation.world.boxes[0].y")
    notebook.page.keyboard.press("Shift+ArrowUp")
    notebook.page.keyboard.press("ArrowUp")
    notebook.wait(f"abs(robot.simulation.world.boxes[0].y - {y} - 12) < 0.2")
    assert notebook.errors() == []
    assert notebook.console == []


def test_a_line_that_is_drawn_is_under_the_robots_eyes(open_notebook: Open) -> None:
    notebook = open_notebook([START])
    notebook.run_cell(0)
    panel, mouse = arena_of(notebook), notebook.page.mouse
    expect(panel.locator("[data-field=readout]")).not_to_contain_text("1111")
    panel.get_by_role("button", name="Draw a line").click()
    mouse.move(*at(panel, 107.5, 60))
    mouse.down()
    mouse.move(*at(panel, 107.5, 75), steps=5)
    mouse.move(*at(panel, 107.5, 95), steps=5)
    mouse.up()
    notebook.wait("len(robot.simulation.world.lines) == 1")
    expect(panel.locator("[data-field=readout]")).to_contain_text("line sensor 1111")
    panel.get_by_role("button", name="Take the last line").click()
    notebook.wait("not robot.simulation.world.lines")
    # The same without a mouse.
    panel.get_by_role("button", name="Draw a line").click()
    panel.locator("canvas").focus()
    for key in ("Enter", "Shift+ArrowRight", "Enter", "Escape"):
        notebook.page.keyboard.press(key)
    notebook.wait("len(robot.simulation.world.lines) == 1")
    assert notebook.value("robot.simulation.world.lines[0].points") == [[100, 75], [110, 75]]
    assert notebook.errors() == []
    assert notebook.console == []


def test_it_moves_thirty_times_a_second_and_looks_back(open_notebook: Open) -> None:
    notebook = open_notebook([START, "await bot.drive(30, 45, duration=2.5)"])
    notebook.run_cell(0)
    panel = arena_of(notebook)
    canvas = panel.locator("canvas")
    frames = notebook.page.evaluate_handle(
        """() => { const seen = [], original = CanvasRenderingContext2D.prototype.setTransform;
        CanvasRenderingContext2D.prototype.setTransform = function (...all) {
            seen.push(performance.now()); return original.apply(this, all); };
        return seen; }"""
    )
    notebook.run_cell(1)
    stamps = frames.json_value()
    rate = (len(stamps) - 1) / (stamps[-1] - stamps[0]) * 1000
    print(f"{rate:.0f} pictures a second")
    assert 12 < rate < 36, "thirty on a machine that has time"
    notebook.wait("robot.at_rest_since is not None")
    expect(panel.locator("[data-field=readout]")).to_contain_text(notebook.position())
    last = canvas.evaluate(PICTURE)
    slider = panel.get_by_role("slider", name="Look back")
    slider.focus()
    notebook.page.keyboard.press("Home")
    expect(panel.locator("[data-field=readout]")).to_contain_text("x 100.0 cm, y 75.0 cm")
    expect(panel.locator("[data-field=when]")).to_contain_text("s back")
    painted(notebook.page)
    assert canvas.evaluate(PICTURE) != last
    panel.get_by_role("button", name="Show what is now").click()
    expect(panel.locator("[data-field=readout]")).to_contain_text(notebook.position())
    # A view that comes later knows the way from before.
    notebook.command("notebook:hide-all-cell-outputs")
    notebook.wait("not arena.seen")
    notebook.command("notebook:show-all-cell-outputs")
    notebook.wait("arena.seen")
    slider.focus()
    notebook.page.keyboard.press("Home")
    expect(panel.locator("[data-field=readout]")).to_contain_text("x 100.0 cm, y 75.0 cm")
    assert notebook.errors() == []
    assert notebook.console == []


def test_light_dark_and_narrow(open_notebook: Open) -> None:
    notebook = open_notebook([PLAYGROUND, "await bot.start_drawing('eight')"])
    notebook.run_all()
    panel = arena_of(notebook)
    notebook.screenshot("arena-light")
    notebook.theme(dark=True)
    slider = panel.get_by_role("slider", name="Look back")
    slider.focus()
    for _ in range(3):
        notebook.page.keyboard.press("PageDown")
    notebook.screenshot("arena-dark")
    notebook.theme(dark=False)
    notebook.page.set_viewport_size({"width": 640, "height": 1000})
    notebook.screenshot("arena-narrow")
    assert panel.evaluate(
        "node => node.getBoundingClientRect().right <= "
        "node.closest('.jp-OutputArea').getBoundingClientRect().right + 1"
    ), "it stays within the notebook"
    assert notebook.errors() == []
    assert notebook.console == []
