"""``time_to_motion*``: the time from opening the first notebook to the robot's first motion by Run
All, alone against a fixed limit; JupyterLab is warm."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from unittest.mock import patch

from playwright.sync_api import Browser

from tests.helpers.browser import Lab, Notebook, write_notebook

from .browser import lab_and_browser
from .figures import Comparison, Goal
from .together import Together

__all__ = ["comparisons"]

_NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "00_start_here.ipynb"
_MOST = 12.0  # s
_PACE = {"MBOT_NB_PACE": "0.3"}
"""What follows the first motion takes less time."""
_FIRST_MOTION = (
    "float(rec.events[rec.events.data.str.contains('driven')].pipe(lambda e: "
    "e[e.data.map(moved)]).time_s.iloc[0])"
)
_MOVED = "import json\ndef moved(data):\n    return (json.loads(data).get('driven') or 0) > 0"


def comparisons() -> list[Comparison]:
    """What this module measures."""
    how = (
        "00_start_here.ipynb in JupyterLab and headless Chromium, the server warm (a notebook was "
        "opened and run before): {}, "
        "by the telemetry of the robot and the monotonic clock of this machine"
    )
    parts = {
        "": (
            "from opening the page to the first centimetres that the robot has driven by Run All",
            Goal(ours_at_most=_MOST),
        ),
        "_page": ("of that, until the page shows the notebook", None),
        "_kernel": ("of that, until its kernel is ready", None),
        "_cells": ("of that, from Run All to the motion", None),
    }
    return [
        Comparison(
            f"time_to_motion{part}",
            _opening.part(part or "all"),
            None,
            "s",
            how.format(words),
            goal,
            browser=True,
        )
        for part, (words, goal) in parts.items()
    ]


def _in_browser() -> dict[str, float]:
    with patch.dict("os.environ", _PACE), lab_and_browser() as (lab, browser):
        _open_and_run(browser, lab)
        return _open_and_run(browser, lab)


def _open_and_run(browser: Browser, lab: Lab) -> dict[str, float]:
    file = write_notebook(lab, _NOTEBOOK)
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    notebook = Notebook(page, lab, file)
    began = time.monotonic()
    notebook.go_there()
    page.locator(".jp-Notebook-cell").first.wait_for()
    shown = time.monotonic()
    notebook.wait_for_kernel()
    ready = time.monotonic()
    notebook.run_all()
    failed = notebook.errors()
    if failed:
        raise RuntimeError(f"a cell failed: {failed[0]}")
    notebook.execute(_MOVED)
    moved = float(notebook.value(_FIRST_MOTION))
    page.close()
    for session in lab.request("GET", "api/sessions"):
        lab.request("DELETE", f"api/sessions/{session['id']}")
    if not ready < moved < time.monotonic():
        raise RuntimeError("the robot has moved before Run All, or in another notebook")
    return {
        "all": moved - began,
        "_page": shown - began,
        "_kernel": ready - shown,
        "_cells": moved - ready,
    }


async def _measure() -> dict[str, float]:
    return await asyncio.to_thread(_in_browser)


_opening = Together("opening a notebook", _measure)
