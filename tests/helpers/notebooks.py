"""Notebooks in a real kernel, quickly: once from top to bottom, every cell twice, and all of it
again without a restart."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat

from mbot_nb.lessons.pace import PACE
from mbot_nb.lessons.runner import NotebookRun, execute

QUICK = {PACE: "0.1"}

# What a notebook must not show: an error of ours, a pupil's mistake that is ours, a library's
# complaint.
UNWANTED = re.compile(
    r"Traceback|Error|never awaited|Deprecat|was never retrieved|left open|Warning", re.IGNORECASE
)


def written(notebook: Any, folder: Path) -> Path:
    """A notebook as a file."""
    path = folder / "notebook.ipynb"
    nbformat.write(notebook, path)
    return path


def twice(path: Path) -> Any:
    """The notebook with every cell of code twice, one after the other."""
    notebook = nbformat.read(path, as_version=4)
    cells = [
        copy
        for cell in _code(notebook)
        for copy in (cell, nbformat.v4.new_code_cell(cell.source, id=f"{cell.id}-2"))
    ]
    return nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata)


def again_and_again(path: Path) -> Any:
    """The same, and then all of it once more: whatever a cell meets, it has been run before."""
    notebook = twice(path)
    once_more = _code(nbformat.read(path, as_version=4))
    notebook.cells += [
        nbformat.v4.new_code_cell(cell.source, id=f"{cell.id}-3") for cell in once_more
    ]
    return notebook


def _code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run_again_and_again(
    path: Path, folder: Path, environment: dict[str, str] = QUICK
) -> NotebookRun:
    """Execute that; it must get to its end and show nothing unwanted."""
    run = execute(written(again_and_again(path), folder), environment=environment)
    assert run.failure is None, run.failure
    assert not UNWANTED.search(said(run.notebook.cells)), said(run.notebook.cells)
    return run


def said(cells: Iterable[Any]) -> str:
    """Everything that cells printed, on either stream."""
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def outputs(run: NotebookRun, cell_id: str) -> list[Any]:
    """What this cell showed."""
    return [output for cell in run.notebook.cells if cell.id == cell_id for output in cell.outputs]


def text(run: NotebookRun, cell_id: str) -> str:
    """What this cell said: prints, and the plain text of what it shows."""
    shown = outputs(run, cell_id)
    return "\n".join(
        output.text if output.output_type == "stream" else output.data.get("text/plain", "")
        for output in shown
    )


def pictures(run: NotebookRun) -> dict[str, str]:
    """For each cell that shows a picture, what the picture says to those who cannot see it."""
    return {
        cell.id: output.metadata["image/png"]["alt"]
        for cell in run.notebook.cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    }
