"""The notebook on recording finds what was recorded, also after its writer was killed, and plays it
back."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from mbot_nb.lessons.runner import NotebookRun, find_notebook
from tests.helpers.notebooks import pictures, run_again_and_again, text

NOTEBOOK = find_notebook("01_events_and_recording.ipynb")

pytestmark = [pytest.mark.xdist_group("notebooks-events_and_recording"), pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> NotebookRun:
    """Every cell twice, and all of it once more, in one kernel."""
    return run_again_and_again(NOTEBOOK, Path(tmp_path_factory.mktemp("recording")))


@pytest.mark.parametrize("turn", ["", "-2", "-3"])
def test_what_was_killed_is_found(run: NotebookRun, turn: str) -> None:
    cut = text(run, f"cut{turn}")
    assert "it was not ended in order" in cut
    found = re.search(r"([\d.]+) s, (\d+) events, (\d+) commands", cut)
    assert found is not None
    seconds, events, commands = float(found[1]), int(found[2]), int(found[3])
    # It ran for 1.65 s, of which the last second may be missing.
    assert seconds > 0.6
    assert events > 5
    assert commands > 3
    assert "<Recording of " in text(run, f"plug{turn}")


@pytest.mark.parametrize("turn", ["", "-2", "-3"])
def test_what_is_played_back_is_what_was(run: NotebookRun, turn: str) -> None:
    """The file of the process that was killed, in the middle of a curve."""
    then, now = pictures(run)[f"then{turn}"], pictures(run)[f"replay{turn}"]
    places = [re.search(r"now at \((-?[\d.]+), (-?[\d.]+)\) cm", alt) for alt in (then, now)]
    assert places[0] is not None
    assert places[1] is not None
    assert places[0].groups() == places[1].groups()


def test_the_tables_say_what_the_text_says(run: NotebookRun) -> None:
    heard = ast.literal_eval(text(run, "listen"))
    assert set(heard) == {"telemetry"}
    assert text(run, "loop").count(",") == 2
    assert "value: {'steps': 3}" in text(run, "own")
    assert "dancing" in text(run, "events")
    assert "data.x" in text(run, "expand")
    assert re.search(r"update_personality .* done", text(run, "commands"))
    assert "0.9" in text(run, "states").splitlines()[-1]
    assert {"event", "pong", "state", "command", "ping"} <= set(text(run, "wire").split())
    assert text(run, "export").count("all events in it: True") == 5
    assert "simulated-mbot2" in text(run, "metadata")
