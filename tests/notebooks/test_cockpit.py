"""The cockpit's notebook in a real kernel: from top to bottom, and every cell twice."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from mbot_nb.tour.execution import execute

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "05_cockpit.ipynb"
UNWANTED = re.compile(r"Traceback|Error|never awaited|Deprecat|was never retrieved|left open", re.IGNORECASE)

pytestmark = [pytest.mark.xdist_group("kernel"), pytest.mark.timeout(120)]


def outputs(run: Any, cell_id: str) -> list[Any]:
    return [output for cell in run.notebook.cells if cell.id == cell_id for output in cell.outputs]


def said(run: Any) -> str:
    """Everything that cells printed, on either stream."""
    return "".join(
        output.text for cell in run.notebook.cells for output in cell.get("outputs", ()) if output.output_type == "stream"
    )


def test_every_cell_runs_and_may_be_run_again(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    # Twice one after the other, then all of it again: what earlier runs have made must not be in the way.
    again = [nbformat.v4.new_code_cell(cell.source, id=f"{cell.id}-{at}") for at in (2, 3) for cell in cells]
    twice = [copy for cell, copy in zip(cells, again, strict=False) for copy in (cell, copy)]
    notebook.cells = [*twice, *again[len(cells) :]]
    path = tmp_path / "notebook.ipynb"
    nbformat.write(notebook, path)
    run = execute(path, environment={})
    assert run.failure is None, run.failure
    assert not UNWANTED.search(said(run)), said(run)
    (shown,) = outputs(run, "cockpit")
    assert "cockpit of robot at ws://" in shown.data["text/plain"]
    (shown,) = outputs(run, "handler")
    assert "event panel of robot at ws://" in shown.data["text/plain"]
