"""The first notebook as a user meets it: opened in JupyterLab, run from top to bottom, looked at,
run again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.helpers.browser import Notebook

    Open = Callable[..., Notebook]

START = Path(__file__).parents[2] / "notebooks" / "00_start_here.ipynb"
PACE = 'import os; os.environ["MBOT_NB_PACE"] = "0.3"'
ROBOT = (
    "__import__('mbot_nb.embedded.registry').embedded.registry.local_servers().running()[-1].robot"
)


def assert_ran(notebook: Notebook) -> None:
    """Every cell ran, and none failed."""
    assert notebook.errors() == []
    assert [
        cell["source"]
        for cell in notebook.outcome()
        if cell["source"].strip() and not cell["count"]
    ] == []


def test_it_runs_lives_and_stops(open_notebook: Open) -> None:
    """Run All, then Restart and Run All, twice; the card lives while it runs, and its button stops
    the robot."""
    notebook = open_notebook(START)
    notebook.theme(dark=False)
    notebook.execute(PACE)
    card = notebook.page.locator(".mbot-card")
    position = card.locator("[data-field=position]")
    notebook.page.evaluate(
        "() => { window.ran = jupyterapp.commands.execute('notebook:run-all-cells'); }"
    )
    # JupyterLab goes to the last cell; a user who wants to see the card goes back to it.
    card.scroll_into_view_if_needed()
    expect(position).not_to_have_text("x 100.0 cm, y 75.0 cm")
    notebook.page.evaluate("() => window.ran.then(() => null)")
    notebook.wait_idle()
    assert_ran(notebook)
    expect(card.locator("[data-field=connection]")).to_have_text("closed")
    for number in range(2):
        notebook.restart_and_run_all()
        assert_ran(notebook)
        expect(card).to_have_count(1)
        assert notebook.console == [], f"after restart {number + 1}"
    # Once more by hand, as far as the card; then drive, and stop it.
    cells = [cell["source"] for cell in notebook.outcome()]
    beginning = cells[: 1 + next(at for at, source in enumerate(cells) if "Card(" in source)]
    for source in beginning:
        notebook.run_source(source)
    expect(card.locator("[data-field=connection]")).to_have_text("connected")
    notebook.execute("bot.send('drive', left=20, right=20, duration=9)")
    notebook.wait(f"{ROBOT}.motion is not None")
    card.get_by_role("button", name="Stop the robot").click()
    notebook.wait(f"{ROBOT}.motion is None")
    expect(card.locator("[data-field=status]")).to_have_text(
        "Stopped. It stays so until you release it."
    )
    # A robot that is held says what to do, also to who begins again; then everything can be run.
    drive = next(source for source in cells if "bot.drive(" in source)
    for source in (*beginning, drive):
        notebook.run_source(source)
    (error,) = notebook.errors()
    assert "with Release beside Stop, or `await bot.release_stop()`" in error
    card.get_by_role("button", name="Release the stop").click()
    expect(card).to_have_attribute("data-latched", "false")
    notebook.run_source(drive)
    assert_ran(notebook)
    for dark in (False, True):
        notebook.theme(dark)
        card.scroll_into_view_if_needed()
        notebook.screenshot(f"start-here-{'dark' if dark else 'light'}")
    assert_ran(notebook)
    assert notebook.console == []


def test_on_an_older_kernel_too(open_notebook: Open) -> None:
    notebook = open_notebook(START, "6.31.0")
    notebook.execute(PACE)
    notebook.run_all()
    assert_ran(notebook)
    assert notebook.console == []


def test_its_first_cell_says_how_to_keep_what_binder_forgets(open_notebook: Open) -> None:
    notebook = open_notebook(START)
    page = notebook.page
    first = page.locator(".jp-MarkdownCell").first
    expect(first).to_contain_text("Binder")
    for item in ("Save Notebook", "Download"):
        expect(first).to_contain_text(item)
        page.get_by_role("menuitem", name="File", exact=True).click()
        entry = page.locator(".lm-Menu-item:visible", has=page.get_by_text(item, exact=True))
        if item == "Download":
            with page.expect_download() as download:
                entry.click()
            kept = nbformat.read(download.value.path(), as_version=4)
            assert "Binder" in kept.cells[0].source
        else:
            entry.click()
            page.wait_for_function("() => !jupyterapp.shell.currentWidget.context.model.dirty")
