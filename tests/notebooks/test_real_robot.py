"""The lesson on real robots, with an emulated one in its place; and the first lesson with a robot on a cable."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from mbot_nb.robots.serial.emulators import emulate
from mbot_nb.tour.execution import execute, find_notebook

NOTEBOOK = find_notebook().with_name("06_real_robot.ipynb")
ROOM = {"width": 400, "height": 400, "starts": [{"x": 200, "y": 200}]}

# What a notebook must not show: an error of ours, a pupil's mistake that is ours, a library's complaint.
UNWANTED = re.compile(r"Traceback|Error|never awaited|Deprecat|was never retrieved|left open", re.IGNORECASE)

pytestmark = [pytest.mark.xdist_group("kernel"), pytest.mark.timeout(180)]

Run = Callable[[Any], Any]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Execute a notebook in a kernel that knows only of what is started here."""
    places = {"MBOT_NB_RUNTIME_DIR": str(tmp_path / "runtime"), "MBOT_NB_CONFIG_DIR": str(tmp_path / "config")}

    def run(notebook: Any) -> Any:
        path = tmp_path / "notebook.ipynb"
        nbformat.write(notebook, path)
        result = execute(path, environment={"MBOT_NB_PACE": "0.2", **places})
        assert result.failure is None, result.failure
        assert not UNWANTED.search(said(result)), said(result)
        return result

    return run


def said(result: Any, cell_id: str = "") -> str:
    """Everything that cells printed, on either stream."""
    cells = [cell for cell in result.notebook.cells if not cell_id or cell.id == cell_id]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def shown(result: Any, cell_id: str) -> str:
    """What a cell ended with, as text."""
    (cell,) = [cell for cell in result.notebook.cells if cell.id == cell_id]
    return str(cell.outputs[-1].data["text/plain"])


def test_every_cell_twice_with_a_robot_that_stands_in(run: Run) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    twice = []
    for cell in notebook.cells:
        twice.append(cell)
        if cell.cell_type == "code":
            twice.append(nbformat.v4.new_code_cell(cell.source, id=f"{cell.id}-2"))
    notebook.cells = twice
    result = run(notebook)

    assert "an emulated one stands in for it" in said(result, "connect"), "it says so"
    assert "is still there" in said(result, "connect-2")
    assert "Connected to this notebook's server" in said(result, "connect-2")
    assert "emulated" not in shown(result, "discover")
    assert "emulated mBot2" in shown(result, "discover-2") or "simulated mBot2" in shown(result, "discover-2")
    assert "kernel and clicks" in shown(result, "doctor")
    assert "ready: True" in shown(result, "identify")
    x = re.search(r"x: ([\d.]+)", shown(result, "drive"))
    assert x is not None
    assert float(x[1]) > 10
    stood = re.search(r"stood after ([\d.]+) s", said(result, "block"))
    assert stood is not None
    assert 0.2 < float(stood[1]) < 0.8, "a motion of 0.4 s, while the cell slept for 1 s"
    assert "attempt" in said(result, "cable")
    assert re.findall(r"'connected': (\w+)", shown(result, "cable")) == ["False", "True"]
    wheel, track = (re.search(rf"{name}: ([\d.]+)", shown(result, "calibrate-2")) for name in ("wheel", "track"))
    assert wheel is not None
    assert track is not None
    assert float(wheel[1]) == pytest.approx(6.1, abs=0.1), "as the one that stands in was made"
    assert float(track[1]) == pytest.approx(12.0, abs=0.5)
    assert "The real robot drove" in said(result, "twin")
    for cell_id in ("twin", "reactions"):
        (cell,) = [cell for cell in result.notebook.cells if cell.id == cell_id]
        assert len(cell.outputs[-1].data["image/png"]) > 5000


def test_the_first_lesson_works_unchanged_but_for_one_word(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MBOT_NB_RUNTIME_DIR", str(tmp_path / "runtime"))
    notebook = nbformat.read(find_notebook(), as_version=4)
    (cell,) = [cell for cell in notebook.cells if "mb.connect()" in cell.source and cell.cell_type == "code"]
    cell.source = cell.source.replace("mb.connect()", 'mb.connect("usb")')
    with emulate("cyberpi", boot=0.5, world=ROOM) as emulator:
        result = run(notebook)
        assert emulator.vehicle.turned > 0.5
        assert emulator.vehicle.text == "I was away"
        assert emulator.vehicle.standing.is_set()
    assert emulator.address in said(result, "connect")
    assert result.summary.distance_cm > 10
    assert result.summary.reconnects == 1
