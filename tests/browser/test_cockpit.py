"""The whole cockpit in a page: it fits, it is used without a mouse, and it follows the robot that is connected by clicking."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from .test_panels import CONNECTED, IMPORT, assert_clean, field, panel_of

if TYPE_CHECKING:
    from .conftest import Notebook

    Open = Callable[..., Notebook]


def test_it_fits_a_laptop_in_light_and_dark(open_notebook: Open) -> None:
    notebook = open_notebook([CONNECTED + "cockpit = mb.widgets.Cockpit(bot)\ncockpit"])
    notebook.page.set_viewport_size({"width": 1366, "height": 768})
    notebook.run_all()
    cockpit = panel_of(notebook, "cockpit")
    expect(cockpit.get_by_role("tab")).to_have_count(3)
    notebook.execute("bot.send('start_drawing', shape='eight'); await bot.flush()")
    notebook.page.wait_for_timeout(1500)
    for tab in ("Commands", "Events", "Statistics"):
        cockpit.get_by_role("tab", name=tab).click()
        notebook.page.wait_for_timeout(300)
        notebook.screenshot(f"cockpit-{tab.lower()}")
    notebook.theme(dark=True)
    notebook.page.wait_for_timeout(500)
    notebook.screenshot("cockpit-dark")
    notebook.theme(dark=False)
    notebook.page.set_viewport_size({"width": 760, "height": 1400})
    notebook.page.wait_for_timeout(500)
    notebook.screenshot("cockpit-narrow")
    assert_clean(notebook)


def test_it_follows_the_robot_that_is_connected_by_clicking(open_notebook: Open) -> None:
    notebook = open_notebook([f"{IMPORT}\ncockpit = mb.widgets.Cockpit()\ncockpit"])
    notebook.run_all()
    cockpit = panel_of(notebook, "cockpit")
    expect(cockpit.get_by_role("tab")).to_have_count(0)
    cockpit.get_by_role("button", name="Connect to the robot").click()
    expect(field(panel_of(notebook, "connect"), "connection")).to_have_text("Connected")
    expect(cockpit.get_by_role("tab")).to_have_count(3)
    assert_clean(notebook)
