"""The notebook on batching keeps what its text promises, and every cell may be run again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mbot_nb.lessons.pace import PACE
from mbot_nb.lessons.runner import NotebookRun, find_notebook
from tests.helpers.notebooks import pictures, run_again_and_again, text

NOTEBOOK = find_notebook("03_batching.ipynb")

BUTTON = "application/vnd.jupyter.widget-view+json"
"""What a shown widget is in a saved notebook."""

pytestmark = [
    pytest.mark.quiet,
    pytest.mark.xdist_group("notebooks-batching"),
    pytest.mark.timeout(240),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> NotebookRun:
    """Every cell twice, and all of it once more, in one kernel. Batches of 0.1 s need some time to
    be filled."""
    return run_again_and_again(NOTEBOOK, Path(tmp_path_factory.mktemp("batching")), {PACE: "0.2"})


@pytest.mark.parametrize("turn", ["", "-2", "-3"])
def test_measured_is_what_was_predicted(run: NotebookRun, turn: str) -> None:
    assert text(run, f"formula{turn}") == "'45.0 ms'"
    measured, predicted = map(
        float, re.findall(r"(?:measured|predicted) ([\d.]+)", text(run, f"measure{turn}"))
    )
    assert predicted == 45
    assert measured == pytest.approx(45, rel=0.2)


def test_the_formula_in_the_notebook_is_that_of_the_lab() -> None:
    import nbformat

    from mbot_nb.lab import mean_wait

    (cell,) = (cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.id == "formula")
    scope: dict[str, object] = {}
    exec(cell.source.rpartition("\n")[0], scope)
    theirs = scope["mean_wait"]
    assert callable(theirs)
    for rate, window, size in [
        (100, 0.1, 10),
        (5, 0.1, 10),
        (50, 0.1, 1),
        (150, 0.05, 20),
        (500, 0.03, 4),
    ]:
        assert theirs(rate, window, size) == mean_wait(rate, window, size)


def test_the_sweep_goes_on_with_what_is_missing(run: NotebookRun) -> None:
    cells = {cell.id: cell for cell in run.notebook.cells}
    bars = {
        name: "".join(
            output.data.get("text/html", "") for output in cells[name].outputs if "data" in output
        )
        for name in cells
    }
    assert "10/10" in bars["knee"]
    assert "15/15" in bars["more"]
    # Run again, nothing is left to be measured.
    assert "15/15 in 0 s" in bars["more-2"]
    assert "n = 15 experiments" in pictures(run)["more-2"]
    # Their buttons are gone: nothing is left to be cancelled.
    assert not [
        name
        for name in ("knee", "more", "more-2")
        for output in cells[name].outputs
        if BUTTON in output.get("data", {})
    ]


def test_what_is_shown_is_what_the_text_says(run: NotebookRun) -> None:
    alts = pictures(run)
    assert {"saw", "stages", "knee", "more", "window", "throughput", "adaptive"} <= set(alts)
    assert all("n = " in alt for alt in alts.values())
    off = re.search(r"off by ([\d.]+)% in the median", alts["more"])
    assert off is not None
    assert float(off[1]) < 15
    rows = {
        row.split()[0]: [float(value) for value in row.split()[1:]]
        for row in text(run, "shared").splitlines()[3:]
    }
    adaptive, window = rows["5"][2:]
    assert adaptive < window / 5, "at a low rate nobody waits for company that does not come"
