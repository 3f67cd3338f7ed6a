"""`import mbot_nb` is light and does nothing: no scan, no thread, no output, no handler, nothing
heavy loaded."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "IPython",
    "anywidget",
    "ipykernel",
    "ipywidgets",
    "matplotlib",
    "mbot_nb.robots.simulator",
    "numpy",
    "pandas",
    "rich",
    "serial",
    "typer",
}

PROBE = """
import json, signal, sys, threading
before = [sys.stdout, sys.stderr, sys.excepthook, sys.displayhook, threading.excepthook]
signals = {number: signal.getsignal(number) for number in signal.valid_signals()}
STATEMENT
after = [sys.stdout, sys.stderr, sys.excepthook, sys.displayhook, threading.excepthook]
print(json.dumps({
    "modules": sorted(sys.modules),
    "threads": [thread.name for thread in threading.enumerate()],
    "hooks_kept": all(old is new for old, new in zip(before, after, strict=True)),
    "signals_kept": signals == {
        number: signal.getsignal(number) for number in signal.valid_signals()
    },
}))
"""


@pytest.mark.parametrize(
    "statement",
    [
        "import mbot_nb",
        "import mbot_nb as mb; dir(mb); mb.connect; mb.serve; mb.demo",
        "import mbot_nb as mb; mb.Client; mb.Server; mb.MbotError",
    ],
)
def test_import_is_light_and_does_nothing(statement: str) -> None:
    probe = PROBE.replace("STATEMENT", statement)
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", probe], capture_output=True, text=True, timeout=20
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    seen = json.loads(run.stdout)  # anything else that was printed would not be JSON
    assert "mbot_nb" in seen["modules"]
    assert HEAVY.isdisjoint(seen["modules"])
    assert seen["threads"] == ["MainThread"]
    assert seen["hooks_kept"]
    assert seen["signals_kept"]
