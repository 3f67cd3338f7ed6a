"""The live chart in a real page: it grows, it can be read, and it tells what was held up or
lost."""

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
robot = mb.SimulatedRobot(seed=1)
server = await mb.serve(robot, port=0, thread=True)
bot = await mb.connect(server)
chart = mb.widgets.LiveChart(bot, "telemetry.speed", "pose.x", "neural_state.tension", "latency")
chart
"""
DRIVE = "await bot.drive(30, 45, duration=2, wait=False); await bot.ping()"
PICTURE = "canvas => canvas.toDataURL()"


def chart_of(notebook: Notebook) -> Locator:
    panel = notebook.page.locator(".mbot-chart")
    expect(panel.locator("[data-field=connection]")).to_have_text("connected")
    return panel


def value(panel: Locator, name: str) -> Locator:
    return panel.locator(f"[data-field='{name}']")


def test_it_grows_pauses_and_is_read(open_notebook: Open) -> None:
    notebook = open_notebook([START, DRIVE])
    notebook.run_cell(0)
    panel = chart_of(notebook)
    expect(value(panel, "pose.x")).to_have_text("100 cm")
    notebook.run_cell(1)
    expect(value(panel, "telemetry.speed")).to_have_text("25.5 cm/s")
    expect(value(panel, "latency")).to_contain_text("ms")
    notebook.wait("robot.at_rest_since is not None")
    expect(value(panel, "telemetry.speed")).to_have_text("0.00 cm/s")
    # Read by keys: back to when it drove.
    canvas = panel.locator("canvas")
    panel.get_by_role("button", name="Pause").click()
    expect(panel.locator("[data-field=readout]")).to_contain_text("at ")
    picture = canvas.evaluate(PICTURE)
    notebook.page.wait_for_timeout(300)
    assert canvas.evaluate(PICTURE) == picture, "paused"
    for _ in range(3):  # 5 s: a step of half a second finds where it drove
        panel.get_by_role("button", name="Show a shorter time").click()
    canvas.focus()
    for _ in range(120):
        notebook.page.keyboard.press("Shift+ArrowLeft")
        painted(notebook.page)
        if "25.5" in value(panel, "telemetry.speed").inner_text():
            break
    expect(value(panel, "telemetry.speed")).to_have_text("25.5 cm/s")
    expect(panel.locator("[data-field=status]")).to_contain_text("telemetry.speed 25.5")
    panel.get_by_role("button", name="Let the chart go on").click()
    expect(value(panel, "telemetry.speed")).to_have_text("0.00 cm/s")
    # Read by the mouse, and a line less.
    box = canvas.bounding_box()
    assert box is not None
    notebook.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    expect(panel.locator("[data-field=readout]")).to_contain_text("at ")
    line = panel.get_by_role("button", name="Show or hide latency")
    line.click()
    expect(line).to_have_attribute("aria-pressed", "false")
    assert notebook.errors() == []
    assert notebook.console == []


def test_only_new_values_are_sent_and_a_view_that_comes_back_has_all(open_notebook: Open) -> None:
    notebook = open_notebook([START, DRIVE])
    notebook.run_cell(0)
    panel = chart_of(notebook)
    notebook.execute(
        "sent = []; send = chart.send\n"
        "def spy(content, buffers=None):\n"
        "    sent.append((content, [len(b) for b in buffers or ()]))\n"
        "    send(content, buffers)\n"
        "chart.send = spy"
    )
    notebook.run_cell(1)
    notebook.wait("robot.at_rest_since is not None and bot.state_age > 0.5")
    points, bytes_sent, most = notebook.value(
        "[sum(sum(c['counts']) for c, b in sent if c['kind'] == 'points'),"
        " sum(sum(b) for c, b in sent), max(sum(b) for c, b in sent)]"
    )
    assert points > 40
    assert bytes_sent == points * 16
    assert most < 500, "a handful of values in each message"
    notebook.command("notebook:hide-all-cell-outputs")
    notebook.wait("not chart.seen")
    notebook.command("notebook:show-all-cell-outputs")
    notebook.wait("chart.seen")
    expect(value(panel, "telemetry.speed")).to_have_text("0.00 cm/s")
    again = notebook.value(
        "[sum(sum(c['counts']) for c, b in sent[-3:] if c['kind'] == 'points'), sum(len(l.times) "
        "for l in chart._lines)]"
    )
    assert again[0] == again[1]
    assert notebook.errors() == []
    assert notebook.console == []


def test_lines_are_added_and_taken_away_in_the_cockpit(open_notebook: Open) -> None:
    start = START.partition("chart =")[0]
    notebook = open_notebook(
        [
            start
            + (
                "cockpit = mb.widgets.Cockpit(bot, lines=['neural_state.tension', "
                "'pose.x'])\ncockpit"
            ),
            DRIVE,
        ]
    )
    notebook.run_cell(0)
    notebook.page.get_by_role("tab", name="Chart").click()
    panel = notebook.page.locator(".mbot-chart")
    expect(value(panel, "pose.x")).to_have_text("100 cm")
    expect(value(panel, "neural_state.tension")).to_have_text("0.20")
    notebook.run_cell(1)
    pick = panel.get_by_label("Add a line")
    # The page asks what there is at each focus; telemetry may not have come at the first.
    has = "pick => [...pick.options].some((option) => option.value === 'telemetry.speed')"
    for _ in range(100):
        pick.blur()
        pick.focus()
        notebook.page.wait_for_timeout(100)
        if pick.evaluate(has):
            break
    for name in ("telemetry.speed", "latency"):
        pick.select_option(name)
        panel.get_by_role("button", name="Add the chosen line").click()
    expect(value(panel, "telemetry.speed")).to_contain_text("cm/s")
    # Two axes; the legend says what is left without one.
    entries = panel.locator(".mbot-chart-entry")
    expect(entries).to_have_count(4)
    for at, without in enumerate([False, False, True, True]):
        expect(entries.nth(at).locator(".mbot-chart-axis")).to_be_visible(visible=without)
    notebook.wait("robot.at_rest_since is not None")
    notebook.screenshot("cockpit-chart-lines")
    panel.get_by_role("button", name="Take neural_state.tension away").click()
    expect(entries).to_have_count(3)
    for at, without in enumerate([False, False, True]):
        expect(entries.nth(at).locator(".mbot-chart-axis")).to_be_visible(visible=without)
    assert notebook.value(
        "[l.name for p in cockpit._parts if hasattr(p, '_lines') for l in p._lines]"
    ) == [
        "pose.x",
        "telemetry.speed",
        "latency",
    ]
    notebook.screenshot("cockpit-chart-less")
    assert notebook.errors() == []
    assert notebook.console == []


def test_stalls_and_lost_connections_are_marked(open_notebook: Open) -> None:
    notebook = open_notebook([START, DRIVE, "time.sleep(1)", "bot.cut(0.8)"])
    for number in (0, 1):
        notebook.run_cell(number)
    panel = chart_of(notebook)
    notebook.run_cell(2)
    notebook.run_cell(3)
    notebook.wait("[m['what'] for m in chart._marks][-1:] == ['back']")
    marks = notebook.value("[[m['what'], m['seconds']] for m in chart._marks]")
    assert [what for what, _ in marks] == ["stall", "lost", "back"]
    assert 0.8 < marks[0][1] < 1.6
    notebook.run_cell(1)
    expect(value(panel, "telemetry.speed")).to_have_text("25.5 cm/s")
    notebook.screenshot("chart-light")
    notebook.theme(dark=True)
    notebook.screenshot("chart-dark")
    notebook.theme(dark=False)
    notebook.page.set_viewport_size({"width": 640, "height": 1000})
    notebook.screenshot("chart-narrow")
    assert panel.evaluate(
        "node => node.getBoundingClientRect().right <= "
        "node.closest('.jp-OutputArea').getBoundingClientRect().right + 1"
    ), "it stays within the notebook"
    assert notebook.errors() == []
    assert notebook.console == []
