"""The whole cockpit in a page: it fits, it is used without a mouse, and it follows the robot that
is connected by clicking."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, expect

from tests.helpers.browser import (
    CONNECTED,
    IMPORT,
    STOP_AVAILABILITY,
    assert_clean,
    field,
    painted,
    panel_of,
)
from tests.helpers.kernels import VERSIONS

if TYPE_CHECKING:
    from tests.helpers.browser import Notebook

    Open = Callable[..., Notebook]

TABS = ("Drive", "Commands", "Events", "Chart", "Statistics")
LOOKS = """() => {
    // What a rule may set, and no content changes.
    const names = ["display", "max-width", "min-width", "max-height", "min-height", "padding",
        "margin", "gap", "border", "border-radius", "background-color", "color", "opacity",
        "font-weight", "font-size", "text-align", "letter-spacing", "text-decoration-line",
        "flex-grow", "flex-shrink", "flex-basis", "flex-direction", "flex-wrap", "align-items",
        "overflow", "box-shadow"];
    const elements = [...document.querySelectorAll(".mbot, .mbot *")];
    const looks = () => elements.map((element) => {
        const style = getComputedStyle(element);
        return names.map((name) => `${name}: ${style.getPropertyValue(name)}`);
    });
    const styles = [...document.querySelectorAll("style")].filter(
        (style) => style.textContent.includes(".mbot"),
    );
    const before = looks();
    const found = new Set();
    for (const style of styles) {
        style.parentNode.append(style);
        looks().forEach((look, at) => look.forEach((one, index) => {
            const { className, tagName } = elements[at];
            const was = before[at][index];
            if (one !== was) found.add(`${tagName} ${className} ${was} -> ${one}`);
        }));
    }
    return { elements: elements.length, styles: styles.length, found: [...found] };
}"""
COUNT = "len(__import__('ipywidgets').widgets.widget._instances)"
TASKS = "sorted(task.get_coro().__qualname__ for task in asyncio.all_tasks())"


def picture_all(notebook: Notebook, cockpit: Locator, name: str) -> None:
    """A picture of each tab, the cockpit at the top."""
    for tab in TABS:
        cockpit.get_by_role("tab", name=tab).click()
        cockpit.evaluate("node => node.closest('.jp-Cell').scrollIntoView()")
        notebook.screenshot(f"{name}-{tab.lower()}")


def test_it_fits_a_laptop_in_light_and_dark(open_notebook: Open) -> None:
    notebook = open_notebook([CONNECTED + "cockpit = mb.widgets.Cockpit(bot)", "cockpit"])
    notebook.page.set_viewport_size({"width": 1366, "height": 768})
    notebook.run_all()
    cockpit = panel_of(notebook, "cockpit")
    expect(cockpit.get_by_role("tab")).to_have_count(5)
    notebook.execute("bot.send('start_drawing', shape='eight'); await bot.flush()")
    notebook.wait("robot.state()['pose']['x'] > 105")
    for tab in TABS:
        cockpit.get_by_role("tab", name=tab).click()
        if tab == "Commands":
            cockpit.get_by_label("Command", exact=True).select_option("update_personality")
        elif tab == "Events":
            cockpit.get_by_label('everything ("*")').click()
            cockpit.get_by_role("listbox").get_by_role("option").first.click()
            expect(
                cockpit.get_by_role("region", name="The message of the chosen event")
            ).to_be_visible()
        # All of it is in sight at once, below one line of code.
        assert height(cockpit) < 610, tab
        cockpit.evaluate("node => node.closest('.jp-Cell').scrollIntoView()")
        notebook.screenshot(f"cockpit-{tab.lower()}")
        expect(cockpit.get_by_role("button", name="Stop the robot")).to_be_in_viewport(ratio=1)
    notebook.theme(dark=True)
    picture_all(notebook, cockpit, "cockpit-dark")
    notebook.page.set_viewport_size({"width": 1920, "height": 1080})
    notebook.screenshot("cockpit-projector")
    notebook.theme(dark=False)
    notebook.page.set_viewport_size({"width": 760, "height": 1400})
    picture_all(notebook, cockpit, "cockpit-narrow")
    assert_clean(notebook)


def height(locator: Locator) -> float:
    box = locator.bounding_box()
    assert box is not None
    return box["height"]


def test_stop_stays_in_sight_where_the_cockpit_is_higher_than_the_screen(
    open_notebook: Open,
) -> None:
    notebook = open_notebook([CONNECTED + "cockpit = mb.widgets.Cockpit(bot)\ncockpit", "bot"])
    notebook.page.set_viewport_size({"width": 760, "height": 700})
    notebook.run_all()
    cockpit = panel_of(notebook, "cockpit")
    expect(cockpit.get_by_role("tab")).to_have_count(5)
    cockpit.get_by_role("application").scroll_into_view_if_needed()
    stop = cockpit.get_by_role("button", name="Stop the robot")
    expect(stop).to_be_in_viewport(ratio=1)
    assert cockpit.evaluate("node => node.getBoundingClientRect().top") < 0, (
        "its top is out of sight"
    )
    notebook.screenshot("cockpit-scrolled")
    notebook.execute("bot.send('drive', left=20, right=20, duration=9); await bot.flush()")
    stop.click()
    notebook.wait("robot.motion is None and robot.latch is not None")
    assert_clean(notebook)


def test_no_widget_looks_otherwise_since_another_was_shown(open_notebook: Open) -> None:
    """Each brings the shared style again: whose comes last makes no difference."""
    notebook = open_notebook(
        [
            CONNECTED + "mb.widgets.DrivePad(bot)",
            "mb.widgets.Card(bot)",
            "cockpit = mb.widgets.Cockpit(bot)\ncockpit",
        ]
    )
    notebook.run_all()
    expect(panel_of(notebook, "cockpit").get_by_role("tab")).to_have_count(5)
    pad = notebook.page.locator(".mbot-drive").first
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    assert box["width"] <= 460
    looks = notebook.page.evaluate(LOOKS)
    assert looks["elements"] > 200
    assert looks["styles"] >= 7
    assert looks["found"] == []
    assert_clean(notebook)


def test_it_follows_the_robot_that_is_connected_by_clicking(open_notebook: Open) -> None:
    notebook = open_notebook([f"{IMPORT}\ncockpit = mb.widgets.Cockpit()\ncockpit"])
    notebook.run_all()
    cockpit = panel_of(notebook, "cockpit")
    expect(cockpit.get_by_role("tab")).to_have_count(0)
    cockpit.get_by_role("button", name="Connect to the robot").click()
    expect(field(panel_of(notebook, "connect"), "connection")).to_have_text("Connected")
    expect(cockpit.get_by_role("tab")).to_have_count(5)
    assert_clean(notebook)


def test_nobody_is_shut_out(open_notebook: Open) -> None:
    """What axe looks for: names for everything that is used, roles that fit, and contrast, in both
    themes."""
    notebook = open_notebook(
        [
            CONNECTED + "cockpit = mb.widgets.Cockpit(bot)\ncockpit",
            "mb.widgets.ConnectPanel()",
            "mb.widgets.Card(bot)",
        ]
    )
    notebook.run_all()
    cockpit = panel_of(notebook, "cockpit")
    axe = Axe()
    looks = 0
    for dark in (False, True):
        notebook.theme(dark)
        for tab in cockpit.get_by_role("tab").all():
            tab.click()
            painted(notebook.page)
            for place in (".mbot-cockpit", ".mbot-connect", ".mbot-card"):
                found = axe.run(notebook.page, context=place).response
                looks += len(found["passes"])
                assert [
                    (one["id"], one["impact"], one["nodes"][0]["html"])
                    for one in found["violations"]
                ] == []
    assert looks > 100, "it has looked"


def test_without_a_mouse(open_notebook: Open) -> None:
    """From the tabs to a form and to its answer with the keyboard alone; and no key reaches the
    notebook."""
    notebook = open_notebook([CONNECTED + "cockpit = mb.widgets.Cockpit(bot)\ncockpit"])
    notebook.run_all()
    cockpit = panel_of(notebook, "cockpit")
    keyboard = notebook.page.keyboard
    expect(cockpit.get_by_role("tab").first).to_have_attribute(
        "aria-controls", re.compile("mbot-page")
    )
    cockpit.get_by_role("tab", name="Drive").focus()
    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    expect(cockpit.get_by_role("tab", name="Events")).to_be_focused()
    expect(cockpit.get_by_role("tabpanel", name="Events")).to_be_visible()
    keyboard.press("ArrowLeft")
    keyboard.press("Tab")
    expect(cockpit.get_by_label("Command", exact=True)).to_be_focused()
    keyboard.type("display")
    keyboard.press("Tab")
    text = cockpit.locator("form[data-command=display_text]").get_by_label("text", exact=True)
    expect(text).to_be_focused()
    keyboard.press("Control+a")
    keyboard.type("abcx")
    keyboard.press("Enter")
    expect(cockpit.locator("form[data-command=display_text] .mbot-answer")).to_contain_text(
        "display_text: done"
    )
    notebook.wait("'abcx' in str(robot.state())")
    assert (
        notebook.page.evaluate("() => jupyterapp.shell.currentWidget.content.widgets.length") <= 2
    ), "no key has made a cell"
    assert_clean(notebook)


def test_its_cell_is_run_again_and_nothing_is_left(open_notebook: Open) -> None:
    notebook = open_notebook([CONNECTED, "cockpit = mb.widgets.Cockpit(bot)\ncockpit", "cockpit"])
    notebook.run_cell(0)
    before, tasks = notebook.value(COUNT), notebook.value(TASKS)
    notebook.run_cell(1)
    notebook.run_cell(2)
    cockpits = panel_of(notebook, "cockpit")
    expect(cockpits).to_have_count(2)
    count = notebook.value(COUNT)
    for _ in range(3):
        notebook.run_cell(1)
    notebook.wait(f"{COUNT} <= {2 * count}")
    expect(cockpits.first.locator("[data-field=connection]").first).to_have_text("Connected")
    # A view of the first one that nobody has in sight is of no use any more; it is shown anew by
    # its own cell.
    notebook.run_cell(2)
    expect(cockpits).to_have_count(2)
    expect(cockpits.nth(1).locator("[data-field=connection]").first).to_have_text("Connected")
    notebook.execute("cockpit.close()")
    notebook.wait(f"{COUNT} == {before}")
    assert notebook.value(TASKS) == tasks
    assert_clean(notebook)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_walk_through_it(open_notebook: Open, version: str) -> None:
    """As a person takes it: listen, give a command, drive by hand, stop, and release."""
    notebook = open_notebook([CONNECTED + "cockpit = mb.widgets.Cockpit(bot)\ncockpit"], version)
    notebook.run_all()
    cockpit = panel_of(notebook, "cockpit")
    expect(field(cockpit, "stop-availability")).to_have_text(STOP_AVAILABILITY[version])
    bar = cockpit.locator(".mbot-cockpit-top").bounding_box()
    assert bar is not None
    assert bar["height"] < 130, "what is said of Stop leaves the connection its place"

    cockpit.get_by_role("tab", name="Events").click()
    cockpit.get_by_label("Another event").fill("hello")
    cockpit.get_by_label("Another event").press("Enter")
    expect(cockpit.get_by_role("checkbox", name="hello")).to_be_checked()
    notebook.execute("server.emit('hello', {'number': 7})")
    expect(cockpit.get_by_role("listbox").get_by_role("option")).to_contain_text('"number": 7')

    cockpit.get_by_role("tab", name="Commands").click()
    cockpit.get_by_label("Command", exact=True).select_option("display_text")
    form = cockpit.locator("form[data-command=display_text]")
    form.get_by_label("text", exact=True).fill("walking")
    form.get_by_role("button", name="Send display_text").click()
    expect(form.locator(".mbot-answer")).to_contain_text("display_text: done")
    notebook.wait("'walking' in str(robot.state())")

    cockpit.get_by_role("tab", name="Drive").click()
    cockpit.locator(".mbot-pad").focus()
    notebook.page.keyboard.down("ArrowUp")
    notebook.wait("robot.path[-1][1] > 110")
    notebook.page.keyboard.up("ArrowUp")
    notebook.wait("robot.at_rest_since is not None")

    notebook.execute("await bot.drive(30, 30, duration=9, wait=False)")
    cockpit.get_by_role("button", name="Stop the robot").click()
    notebook.wait("robot.at_rest_since is not None")
    stop = cockpit.locator(".mbot-stopper")
    expect(stop).to_have_attribute("data-latched", "true")
    expect(field(stop, "last-stop")).to_contain_text("after the click")
    cockpit.get_by_role("button", name="Release").click()
    expect(stop).to_have_attribute("data-latched", "false")
    notebook.screenshot(f"walk-{version}")
    assert_clean(notebook)
