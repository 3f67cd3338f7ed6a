"""The lesson on real robots, with an emulated one in its place; and the first lesson with a robot
on a cable."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from mbot_nb.lessons.pace import PACE
from mbot_nb.lessons.runner import execute, find_notebook
from mbot_nb.robots.emulators import emulate
from tests.helpers.notebooks import UNWANTED, said, text, twice, written

NOTEBOOK = find_notebook().with_name("06_real_robot.ipynb")
ROOM = {"width": 400, "height": 400, "starts": [{"x": 200, "y": 200}]}

pytestmark = [pytest.mark.xdist_group("notebooks-real_robot"), pytest.mark.timeout(180)]

Run = Callable[[Any], Any]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Execute a notebook in a kernel that knows only of what is started here."""
    places = {
        "MBOT_NB_RUNTIME_DIR": str(tmp_path / "runtime"),
        "MBOT_NB_CONFIG_DIR": str(tmp_path / "config"),
    }

    def run(notebook: Any) -> Any:
        result = execute(written(notebook, tmp_path), environment={PACE: "0.2", **places})
        assert result.failure is None, result.failure
        assert not UNWANTED.search(said(result.notebook.cells)), said(result.notebook.cells)
        return result

    return run


def test_every_cell_twice_with_a_robot_that_stands_in(run: Run) -> None:
    result = run(twice(NOTEBOOK))

    assert "an emulated one stands in for it" in text(result, "connect"), "it says so"
    assert "is still there" in text(result, "connect-2")
    assert "Connected to this notebook's server" in text(result, "connect-2")
    assert "emulated" not in text(result, "discover")
    assert "emulated mBot2" in text(result, "discover-2") or "simulated mBot2" in text(
        result, "discover-2"
    )
    assert "kernel and clicks" in text(result, "doctor")
    assert "ready: True" in text(result, "identify")
    x = re.search(r"x: ([\d.]+)", text(result, "drive"))
    assert x is not None
    assert float(x[1]) > 10
    stood = re.search(r"stood after ([\d.]+) s", text(result, "block"))
    assert stood is not None
    assert 0.2 < float(stood[1]) < 0.8, "a motion of 0.4 s, while the cell slept for 1 s"
    assert "attempt" in text(result, "cable")
    assert re.findall(r"'connected': (\w+)", text(result, "cable")) == ["False", "True"]
    wheel, track = (
        re.search(rf"{name}: ([\d.]+)", text(result, "calibrate-2")) for name in ("wheel", "track")
    )
    assert wheel is not None
    assert track is not None
    assert float(wheel[1]) == pytest.approx(6.1, abs=0.1), "as the one that stands in was made"
    assert float(track[1]) == pytest.approx(12.0, abs=0.5)
    assert "The real robot drove" in text(result, "twin")
    for cell_id in ("twin", "reactions"):
        (cell,) = [cell for cell in result.notebook.cells if cell.id == cell_id]
        assert len(cell.outputs[-1].data["image/png"]) > 5000


def test_the_first_lesson_works_unchanged_but_for_one_word(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MBOT_NB_RUNTIME_DIR", str(tmp_path / "runtime"))
    notebook = nbformat.read(find_notebook(), as_version=4)
    (cell,) = [
        cell
        for cell in notebook.cells
        if "mb.connect()" in cell.source and cell.cell_type == "code"
    ]
    cell.source = cell.source.replace("mb.connect()", 'mb.connect("usb")')
    with emulate("cyberpi", boot=0.5, world=ROOM) as emulator:
        result = run(notebook)
        assert emulator.vehicle.turned > 0.5
        assert emulator.vehicle.text == "I was away"
        assert emulator.vehicle.standing.is_set()
    assert emulator.address in text(result, "connect")
    assert result.summary.distance_cm > 10
    assert result.summary.reconnects == 1
