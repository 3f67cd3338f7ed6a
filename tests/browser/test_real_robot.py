"""A robot on a cable in JupyterLab: the first lesson with one word changed, a cell that blocks, a
cable that is pulled."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from playwright.sync_api import expect

from mbot_nb.robots.emulators import emulate

if TYPE_CHECKING:
    from tests.helpers.browser import Notebook

    Open = Callable[..., Notebook]

START = Path(__file__).parents[2] / "notebooks" / "00_start_here.ipynb"
ROOM = {"width": 1500, "height": 400, "starts": [{"x": 100, "y": 200}]}
PLACES = """import os
os.environ["MBOT_NB_PACE"] = "0.3"
os.environ |= {{"MBOT_NB_RUNTIME_DIR": {0!r}, "MBOT_NB_CONFIG_DIR": {0!r}}}"""
PANEL = "mb.widgets.ConnectPanel(bot)"
BLOCKED = """import time
await bot.drive(left=30, right=30, duration=1, wait=False)
time.sleep(5)"""


def test_the_first_lesson_a_blocked_cell_and_a_pulled_cable(
    open_notebook: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MBOT_NB_RUNTIME_DIR", str(tmp_path))
    lesson = nbformat.read(START, as_version=4)
    (cell,) = [
        cell for cell in lesson.cells if "mb.connect()" in cell.source and cell.cell_type == "code"
    ]
    cell.source = cell.source.replace("mb.connect()", 'mb.connect("usb")')
    card = next(
        at
        for at, cell in enumerate(lesson.cells)
        if "Card(" in cell.source and cell.cell_type == "code"
    )
    lesson.cells.insert(card + 1, nbformat.v4.new_code_cell(PANEL))
    nbformat.write(lesson, tmp_path / "lesson.ipynb")
    with emulate("cyberpi", boot=0.5, world=ROOM, link=tmp_path / "robot") as emulator:
        notebook = open_notebook(tmp_path / "lesson.ipynb")
        notebook.execute(PLACES.format(str(tmp_path)))
        notebook.run_all()
        assert notebook.errors() == []
        assert [
            cell["source"]
            for cell in notebook.outcome()
            if cell["source"].strip() and not cell["count"]
        ] == []
        assert emulator.vehicle.turned > 0.5

        # Once more as far as the panel; then a cell that blocks everything for 5 s in a motion of 1
        # s.
        cells = [cell["source"] for cell in notebook.outcome()]
        for source in cells[: 1 + cells.index(PANEL)]:
            notebook.run_source(source)
        before = emulator.vehicle.turned
        notebook.execute(BLOCKED)
        assert emulator.vehicle.standing.is_set()
        assert emulator.vehicle.turned - before == pytest.approx(1.0, abs=0.2)

        # The cable is pulled in mid-motion, and plugged in again.
        notebook.execute(
            "heard = []; bot.subscribe('robot_connection', lambda event: heard.append(event.data))"
        )
        notebook.execute("await bot.drive(left=20, right=20, duration=10, wait=False)")
        assert not emulator.vehicle.standing.wait(0.3)
        emulator.unplug()
        notebook.wait("not bot.state.connection.ready and bot.state.connection.attempts > 1")
        assert notebook.value("[one['connected'] for one in heard]") == [False]
        assert "nothing can stop it now" in notebook.value("heard[0]['reason']")
        assert notebook.value("bot.state.connection.next_attempt_at / 1000 - time.time()") < 1
        expect(notebook.page.locator(".mbot-card .mbot-note")).to_contain_text("out of reach")
        expect(notebook.page.locator(".mbot-card [data-field=connection]")).to_have_text(
            "robot out of reach"
        )
        expect(notebook.page.locator(".mbot-connect [data-field=connection]").first).to_have_text(
            "Robot out of reach"
        )
        countdown = notebook.page.get_by_text(re.compile(r"Attempt \d+ "))
        expect(countdown).to_be_visible()
        expect(notebook.page.locator(".mbot-connect .mbot-trouble").first).to_contain_text(
            "plug the cable in"
        )
        expect(notebook.page.get_by_role("button", name="Retry now").first).to_be_hidden()
        countdown.scroll_into_view_if_needed()
        notebook.screenshot("real-robot-countdown")
        emulator.plug()
        expect(countdown).to_be_hidden()
        expect(notebook.page.locator(".mbot-card [data-field=connection]")).to_have_text(
            "connected"
        )
        notebook.wait("bot.state.connection.ready and len(heard) == 2")
        assert emulator.vehicle.standing.wait(5), "the first thing it is told is to stand"
        notebook.execute("await bot.drive(left=20, right=20, duration=0.2)")
        notebook.page.locator(".mbot-card").scroll_into_view_if_needed()
        notebook.screenshot("real-robot-card")
        notebook.execute("await bot.close()")
        assert notebook.console == []


def test_what_there_is_and_what_is_amiss_are_tables(
    open_notebook: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The doctor's report can be copied."""
    monkeypatch.setenv("MBOT_NB_RUNTIME_DIR", str(tmp_path))
    with emulate("mbot", link=tmp_path / "robot"):
        notebook = open_notebook(["import mbot_nb as mb\nmb.discover(timeout=1)", "mb.doctor()"])
        notebook.execute(PLACES.format(str(tmp_path)))
        notebook.run_all()
    page = notebook.page
    expect(
        page.locator(
            ".jp-OutputArea-output code", has_text=f'mb.connect("usb:{tmp_path / "robot"}")'
        )
    ).to_be_visible()
    expect(page.get_by_role("cell", name="good").first).to_be_visible()
    page.get_by_text("As text, to copy").click()
    area = page.get_by_label("The report as text")
    for line in ("good     Python", "port 4000", f"mbot at {tmp_path / 'robot'}"):
        assert line in area.input_value()
    page.get_by_role("button", name="Copy", exact=True).click()
    assert page.evaluate(
        "() => document.getSelection().toString() || document.activeElement.value"
    ).startswith("good")
    notebook.screenshot("discover-and-doctor")
    assert notebook.console == []
