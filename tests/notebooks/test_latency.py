"""The notebook on latency keeps what its text promises, and every cell may be run again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mbot_nb.lessons.runner import NotebookRun, find_notebook
from tests.helpers.notebooks import outputs, pictures, run_again_and_again, text

NOTEBOOK = find_notebook("02_latency.ipynb")

pytestmark = [pytest.mark.xdist_group("notebooks-latency"), pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> NotebookRun:
    """Every cell twice, and all of it once more, in one kernel."""
    return run_again_and_again(NOTEBOOK, Path(tmp_path_factory.mktemp("latency")))


@pytest.mark.parametrize("turn", ["", "-2", "-3"])
def test_the_stall_is_named_and_left_out(run: NotebookRun, turn: str) -> None:
    alt = pictures(run)[f"blocked{turn}"]
    assert re.search(r"\d+ in stalls left out", alt), alt
    picture = outputs(run, f"blocked{turn}")[-1]
    assert len(picture.data["image/png"]) > 5000
    # 0.3 s in this pace; what the network did is far below.
    table = text(run, f"corrected{turn}")
    # The first two rows are those of `corrected_ms`.
    rows = re.findall(r"(all|without stalls)\s+\d+\s+[\d.]+\s+([\d.]+)", table)[:2]
    p99 = {words: float(found) for words, found in rows}
    assert p99["all"] > 200 > 2 * p99["without stalls"], table
    assert re.search(r"The longest stall took 0\.[23456]\d s", text(run, f"stalls{turn}"))


def test_what_is_shown_is_what_the_text_says(run: NotebookRun) -> None:
    assert text(run, "five").count(",") == 4
    assert "first run: median" in text(run, "many")
    alts = pictures(run)
    assert {
        "over-time",
        "ecdf",
        "tail",
        "blocked",
        "threaded",
        "networks",
        "compared",
        "stages",
        "again",
    } <= set(alts)
    assert all("n = " in alt for alt in alts.values())
    assert "wifi is slower" in text(run, "compare")
    medians = {
        name: float(found)
        for name, found in re.findall(
            r"(\w+) ([\d.]+) ms", alts["compared"].partition("medians: ")[2]
        )
    }
    assert medians["lan"] < medians["wifi"] < medians["internet"]
    assert medians["internet"] > 40
    blocked, free = (float(found) for found in re.findall(r"took (\d+) ms", text(run, "free")))
    assert blocked > 250 > free
    assert "waits in the batch" in alts["stages"]
