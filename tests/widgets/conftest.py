"""A page for widgets, and a client of a simulated robot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import comm
import pytest

import mbot_nb as mb
from mbot_nb.widgets.base.live_widget import ended_widgets
from tests.helpers.widget_page import Page, PageComm


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """A page; every widget left on it is closed at the end."""
    page = Page()
    monkeypatch.setattr(PageComm, "page", page, raising=False)
    monkeypatch.setattr(comm, "create_comm", PageComm)
    yield page
    for widget in list(ended_widgets()):
        widget.close()


@pytest.fixture
async def bot() -> AsyncIterator[mb.Client]:
    """A client of a simulated robot, in this test's loop."""
    async with mb.serve(mb.SimulatedRobot(seed=1), port=0) as server, mb.connect(server) as bot:
        yield bot
