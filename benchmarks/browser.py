"""A JupyterLab and a Chromium for the figures of a real page, and whether this machine has one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.helpers.browser import FLAGS, Lab, chromium, jupyterlab

__all__ = ["INSTALL", "browser_problem", "lab_and_browser"]

INSTALL = "apt-get install -y chromium"
"""What installs the browser, as root."""
_PATIENCE = 30.0  # s


def browser_problem() -> str | None:
    """Why no browser can be started here, or None if one can."""
    try:
        executable = chromium()
    except pytest.fail.Exception:
        return "there is no chromium on the PATH, and CHROMIUM names none"
    try:
        # A name alone proves little: Ubuntu's chromium-browser may be a note that says where to
        # get one.
        subprocess.run(
            [executable, "--version"], check=True, capture_output=True, timeout=_PATIENCE
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"`{executable} --version` failed: {error}"
    return None


@contextmanager
def lab_and_browser() -> Iterator[tuple[Lab, Browser]]:
    """Start JupyterLab in a folder of its own, and a headless Chromium; both end with the block.

    Raises:
        RuntimeError: if one of the tests' helpers gives up, as when JupyterLab does not start.
    """
    try:
        with (
            TemporaryDirectory() as home,
            jupyterlab(Path(home)) as lab,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
            try:
                yield lab, browser
            finally:
                browser.close()
                for session in lab.request("GET", "api/sessions"):
                    lab.request("DELETE", f"api/sessions/{session['id']}")
    except pytest.fail.Exception as error:  # not an Exception: it would end the whole run
        raise RuntimeError(str(error)) from error
