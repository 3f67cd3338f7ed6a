"""The notebook that breaks things shows that they heal, each time that its cells are run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mbot_nb.lessons.runner import NotebookRun, find_notebook
from tests.helpers.notebooks import pictures, run_again_and_again, text

NOTEBOOK = find_notebook("04_reconnect_and_order.ipynb")

pytestmark = [
    pytest.mark.quiet,
    pytest.mark.xdist_group("notebooks-reconnect_and_order"),
    pytest.mark.timeout(240),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> NotebookRun:
    """Every cell twice, and all of it once more, in one kernel."""
    return run_again_and_again(NOTEBOOK, Path(tmp_path_factory.mktemp("reconnect")))


@pytest.mark.parametrize("turn", ["", "-2", "-3"])
def test_it_heals(run: NotebookRun, turn: str) -> None:
    assert "delivered" in text(run, f"waited{turn}")
    assert text(run, f"resumed{turn}").rstrip().endswith("True")
    assert "a motion is not performed late" in text(run, f"expired{turn}")
    cuts = text(run, f"cuts{turn}")
    assert "100 of 100 commands arrived" in cuts
    assert "each once, and in order: True" in cuts
    connections = re.search(r"(\d+) connections", cuts)
    assert connections is not None
    assert int(connections[1]) >= 3
    assert "each once, and in order: True" in text(run, f"order{turn}")
    assert "the same, field by field: True" in text(run, f"state{turn}")


def test_the_pictures_show_it(run: NotebookRun) -> None:
    alts = pictures(run)
    assert "n = 1 cut, 4 attempts, 1 back" in alts["cut"]
    assert "n = 2 cuts" in alts["cut-2"]
    assert "delays set: 0, 0.1, 0.2, 0.4" in alts["cut"]
    assert re.search(r"the connection was lost [2-9]\d* times", alts["cuts-plot"])
    for turn in ("", "-2", "-3"):
        assert re.search(
            r"n = 30 events, [1-9]\d* came too early, [1-9]\d* twice; handed on all in order",
            alts[f"order{turn}"],
        )
    rows = [line.split() for line in text(run, "wire").splitlines()[1:]]
    sequences = [int(row[3]) for row in rows]
    assert len(sequences) == 12
    assert sequences != list(range(1, 13)), "on the wire they are neither in order nor single"
