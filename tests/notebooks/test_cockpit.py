"""The cockpit's notebook in a real kernel: from top to bottom, and every cell twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.notebooks import outputs, run_again_and_again

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "05_cockpit.ipynb"

pytestmark = [pytest.mark.xdist_group("notebooks-cockpit"), pytest.mark.timeout(120)]


def test_every_cell_runs_and_may_be_run_again(tmp_path: Path) -> None:
    # Twice one after the other, then all of it again: what earlier runs have made must not be in
    # the way.
    run = run_again_and_again(NOTEBOOK, tmp_path, {})
    (shown,) = outputs(run, "cockpit")
    assert "cockpit of robot at ws://" in shown.data["text/plain"]
    (shown,) = outputs(run, "handler")
    assert "event panel of robot at ws://" in shown.data["text/plain"]
