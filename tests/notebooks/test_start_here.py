"""The first notebook in a real kernel: from top to bottom, every cell twice, and the command that
shows it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from mbot_nb.lessons.page import page
from mbot_nb.lessons.runner import execute, find_notebook
from mbot_nb.recording.summary import RunSummary
from tests.helpers.notebooks import QUICK, UNWANTED, outputs, said, twice, written

ROOT = Path(__file__).parents[2]
NOTEBOOK = find_notebook()

pytestmark = pytest.mark.xdist_group("notebooks-start_here")


def _execute(notebook: Any, tmp_path: Path) -> Any:
    return execute(written(notebook, tmp_path), environment=QUICK)


def _check_summary(summary: RunSummary | None) -> RunSummary:
    assert summary is not None
    assert summary.distance_cm is not None
    assert summary.distance_cm > 10
    assert summary.events > 10
    assert summary.commands > 20
    assert summary.frames <= summary.commands - 9, "ten commands shared a frame"
    assert summary.round_trips > 10
    assert summary.latency_p50_ms is not None
    assert summary.latency_p99_ms is not None
    assert 0 < summary.latency_p50_ms <= summary.latency_p99_ms < 1000
    return summary


@pytest.fixture(scope="module")
def run() -> Any:
    """Restart and Run All."""
    run = execute(NOTEBOOK, environment=QUICK)
    assert run.failure is None, run.failure
    return run


@pytest.mark.timeout(120)
def test_it_runs_from_top_to_bottom(run: Any) -> None:
    assert not UNWANTED.search(said(run.notebook.cells)), said(run.notebook.cells)
    summary = _check_summary(run.summary)
    assert summary.reconnects == 1


@pytest.mark.timeout(120)
def test_it_runs_from_top_to_bottom_again() -> None:
    """A second kernel, while nothing of the first one is left in its way."""
    again = execute(NOTEBOOK, environment=QUICK)
    assert again.failure is None, again.failure
    _check_summary(again.summary)


@pytest.mark.timeout(120)
def test_what_its_text_promises_is_what_it_shows(run: Any) -> None:
    connected = outputs(run, "connect")
    assert "connected" in connected[-1].data["text/plain"]
    assert "ended: time" in outputs(run, "drive")[0].data["text/plain"]
    assert "personality_changed" in outputs(run, "events")[0].data["text/plain"]
    ten = outputs(run, "batching")[0].data["text/plain"].splitlines()[-1]
    assert re.search(r"\bsize +10\b", ten), ten
    cut = said(cell for cell in run.notebook.cells if cell.id == "cut")
    assert "pulled" in cut
    assert re.search(r"reconnecting: attempt 2 in [01]\.\d s", cut), cut
    assert cut.rstrip().endswith("connected")
    assert "delivered" in outputs(run, "cut")[-1].data["text/plain"]
    assert "True" in outputs(run, "healed")[0].data["text/plain"].splitlines()[-1]
    for cell_id in ("path", "batching-plot", "latency-plot"):
        (picture,) = outputs(run, cell_id)
        assert len(picture.data["image/png"]) > 5000
        assert "n = " in picture.metadata["image/png"]["alt"]
    assert "stopped" in outputs(run, "close")[0].data["text/plain"]


@pytest.mark.timeout(120)
def test_every_cell_may_be_run_again(tmp_path: Path) -> None:
    """Each cell twice, one after the other."""
    run = _execute(twice(NOTEBOOK), tmp_path)
    assert run.failure is None, run.failure
    assert not UNWANTED.search(said(run.notebook.cells)), said(run.notebook.cells)
    assert _check_summary(run.summary).reconnects == 2


@pytest.mark.timeout(120)
def test_run_all_may_follow_run_all_without_a_restart(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells += [
        nbformat.v4.new_code_cell(cell.source, id=f"{cell.id}-2")
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    run = _execute(notebook, tmp_path)
    assert run.failure is None, run.failure
    assert not UNWANTED.search(said(run.notebook.cells)), said(run.notebook.cells)
    # The second time it finds the server of the first one.
    assert "this notebook's server" in said(run.notebook.cells)
    _check_summary(run.summary)


class _Links(HTMLParser):
    """What a page would fetch, and what it would run."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.pictures = 0
        self.without_words = 0
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "script":
            self.scripts += 1
        if tag == "img":
            self.pictures += 1
            self.without_words += not values.get("alt")
        for name in ("src", "href"):
            value = values.get(name)
            if value and not value.startswith(("data:", "#")) and tag != "a":
                self.fetched.append(value)


@pytest.mark.timeout(120)
def test_the_page_needs_nothing_else(run: Any) -> None:
    text = page(run.notebook, "Executed.")
    links = _Links()
    links.feed(text)
    assert links.fetched == []
    assert links.scripts == 0
    assert (links.pictures, links.without_words) == (5, 0)
    assert not re.search(r"url\(|@import", text)
    assert "<title>Start here" in text


def _demo(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mbot_nb", "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **QUICK},
    )


@pytest.mark.timeout(120)
def test_the_command_says_what_happened(tmp_path: Path) -> None:
    demo = _demo(cwd=tmp_path)
    out, err = demo.communicate(timeout=100)
    assert demo.returncode == 0, err
    said = dict(re.split(r"  +", line.strip(), maxsplit=1) for line in out.strip().splitlines())
    assert float(said["distance driven"].removesuffix(" cm")) > 10
    assert int(said["events"]) > 10
    commands, frames = map(int, re.findall(r"\d+", said["commands"])[:2])
    assert frames <= commands - 9
    p50, p99 = map(float, re.findall(r"([\d.]+) ms", said["latency"]))
    assert 0 < p50 <= p99
    written = tmp_path / said["page"]
    assert written == tmp_path / "build" / "demo.html"
    assert "Start here" in written.read_text(encoding="utf-8")


@pytest.mark.timeout(120)
@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX systems")
def test_ctrl_c_ends_the_command_and_its_kernel(tmp_path: Path) -> None:
    demo = _demo(cwd=tmp_path)
    me = psutil.Process(demo.pid)
    deadline = time.monotonic() + 30
    while not (kernels := me.children()):
        assert time.monotonic() < deadline, "no kernel was started"
        assert demo.poll() is None
        time.sleep(0.05)
    assert demo.stderr is not None
    time.sleep(1.0)  # anywhere in the middle of it: at its beginning or in one of the first cells
    demo.send_signal(signal.SIGINT)
    out, err = demo.communicate(timeout=30)
    assert demo.returncode == 130, err
    assert out == ""
    assert "Traceback" not in err
    assert not psutil.wait_procs(kernels, timeout=5)[1]


@pytest.mark.timeout(120)
def test_a_failing_cell_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mbot_nb import cli
    from mbot_nb.lessons import runner

    broken = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# Broken"),
            nbformat.v4.new_code_cell("print('so far')"),
            nbformat.v4.new_code_cell("# this one\nraise ValueError('first line\\nno such robot')"),
            nbformat.v4.new_code_cell("print('never')"),
        ]
    )
    path = tmp_path / "broken.ipynb"
    nbformat.write(broken, path)
    monkeypatch.setattr(runner, "find_notebook", lambda: path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["mbot-nb", "demo", "--html", "page.html"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    err = capsys.readouterr().err
    assert "code cell 2 of 3" in err
    assert "# this one" in err
    assert "no such robot" in err
    assert "Traceback" not in err
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "so far" in text
    assert "no such robot" in text


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import os; os._exit(3)", "kernel died"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "kernel died"),
    ],
)
def test_a_kernel_that_dies_is_told(tmp_path: Path, source: str, words: str) -> None:
    run = _execute(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), tmp_path)
    assert run.failure is not None
    assert words in run.failure.error
    assert run.failure.number == 1
    assert run.summary is None


def test_the_notebook_keeps_to_its_one_clock() -> None:
    """Every duration is counted in `second`, so that the tests (and whoever is in a hurry) can make
    them short."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    code = "\n".join(
        "".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"
    )
    durations = re.findall(r"duration=([^),]+)|time\.sleep\(([^)]+)\)|\.cut\(([^)]+)\)", code)
    assert len(durations) >= 5
    for found in durations:
        assert "second" in "".join(found)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z-]+", name) for name in ids), (
        "ids in words stay the same when a cell changes"
    )
