"""A JupyterLab for a runner, a browser and a page for the tests of a file, a notebook for each
test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect, sync_playwright

from tests.helpers.browser import (
    FLAGS,
    PATIENCE,
    Lab,
    Notebook,
    chromium,
    jupyterlab,
    write_notebook,
)
from tests.helpers.kernels import VERSIONS

VIEWPORT: ViewportSize = {"width": 1300, "height": 1000}


@pytest.hookimpl(tryfirst=True)  # before the runner looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A group for each file, whose tests share a browser; and time for it."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group(f"browser-{item.path.stem}"))
            item.add_marker(pytest.mark.timeout(240))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One JupyterLab for this runner, with the kernels of all three versions."""
    with jupyterlab(tmp_path_factory.mktemp("lab"), VERSIONS) as lab:
        yield lab


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    """The browser of a file's tests: it keeps JupyterLab's code, which takes longer to load than
    many a test.

    Its driver has a loop running in this thread, so it goes before tests of another folder may
    come.
    """
    executable = chromium()
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        context = browser.new_context()
        context.set_default_timeout(PATIENCE * 1000)
        yield context
        browser.close()


@pytest.fixture
def page(browser: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page of a file's tests, which goes on as a user's does from one notebook to the next;
    after a test that failed, the next has a new one. Pages that a test opened are closed."""
    page = browser.pages[0] if browser.pages else browser.new_page()
    page.set_viewport_size(VIEWPORT)
    failed = request.session.testsfailed
    yield page
    for other in browser.pages:
        if other is not page or request.session.testsfailed > failed:
            other.close()
    browser.clear_permissions()


@pytest.fixture
def open_notebook(lab: Lab, page: Page) -> Iterator[Callable[..., Notebook]]:
    """Open a copy of a notebook (a path, or the sources of cells of code) with a kernel of a
    version."""
    opened: list[Notebook] = []

    def open_notebook(cells: Path | list[str], version: str | None = None) -> Notebook:
        file = write_notebook(lab, cells, f"mbot-{version}" if version else "python3")
        notebook = Notebook(page, lab, file)
        opened.append(notebook)
        notebook.open()
        if page.evaluate("() => document.body.dataset.jpThemeName") != "JupyterLab Light":
            notebook.theme(dark=False)  # JupyterLab keeps what a test before this one has chosen
        if version:
            assert notebook.value("__import__('ipykernel').__version__") == version
        return notebook

    yield open_notebook
    for notebook in opened:
        notebook.close()  # before its kernel goes
    files = {notebook.name for notebook in opened}
    for session in lab.request("GET", "api/sessions"):
        if session["path"] in files:
            lab.request("DELETE", f"api/sessions/{session['id']}")
