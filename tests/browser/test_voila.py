"""The cockpit's notebook as an app: Voila shows its page without its cells, and everything in it
works."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.browser import PATIENCE, ROOT, SCREENSHOTS, painted
from tests.helpers.connections import unused_port

NOTEBOOK = ROOT / "notebooks" / "05_cockpit.ipynb"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[str]:
    """Where Voila serves the notebook."""
    port = unused_port()
    command = [
        sys.executable,
        "-m",
        "voila",
        str(NOTEBOOK),
        "--no-browser",
        f"--port={port}",
        "--Voila.ip=127.0.0.1",
    ]
    log = tmp_path / "voila.log"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=tmp_path,
        )
    url = f"http://127.0.0.1:{port}/"
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(url + "voila/static/none", timeout=5).close()
            except urllib.error.HTTPError:
                break  # it answers
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    pytest.fail(
                        "Voila did not start; its log ends "
                        f"with:\n{log.read_text(encoding='utf-8')[-2000:]}"
                    )
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def test_it_is_an_app_without_code(app: str, page: Page) -> None:
    page.set_viewport_size({"width": 1366, "height": 768})
    # What a class without internet has: icons from elsewhere do not come.
    page.route(
        "**/*",
        lambda route: route.continue_() if "127.0.0.1" in route.request.url else route.abort(),
    )
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(app)
    cockpit = page.locator(".mbot-cockpit")
    expect(cockpit.locator("[data-field=connection]").first).to_have_text(
        "Connected", timeout=PATIENCE * 1000
    )
    expect(page.get_by_text("import mbot_nb")).to_have_count(0)
    cockpit.get_by_role("tab", name="Commands").click()
    form = cockpit.locator("form[data-command=drive]")
    form.get_by_label("duration", exact=False).last.fill("0.2")
    form.get_by_role("button", name="Send drive").click()
    expect(form.locator(".mbot-answer")).to_contain_text("ended: time")
    cockpit.get_by_role("tab", name="Statistics").click()
    expect(cockpit.locator("[data-field=per_frame]")).not_to_be_empty()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    (SCREENSHOTS / "voila.png").write_bytes(page.screenshot())
    # What is said reads without the code, too, which is not there.
    words = page.locator("body").inner_text()
    for of_code in ("thread=True", "Started a server", "Connected to this notebook", "This line"):
        assert of_code not in words
    page.get_by_text("The same as an app").scroll_into_view_if_needed()
    painted(page)
    (SCREENSHOTS / "voila-end.png").write_bytes(page.screenshot())
    page.set_viewport_size({"width": 700, "height": 700})
    cockpit.get_by_role("tab", name="Drive").click()
    cockpit.get_by_role("application").scroll_into_view_if_needed()
    expect(cockpit.get_by_role("button", name="Stop the robot")).to_be_in_viewport(ratio=1)
    painted(page)
    (SCREENSHOTS / "voila-narrow.png").write_bytes(page.screenshot())
    assert errors == []
