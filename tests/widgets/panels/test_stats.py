"""The stats panel: round trips are measured, and the loop is watched while somebody looks."""

from __future__ import annotations

import asyncio

import mbot_nb as mb
from mbot_nb.loops.monitor import LoopMonitor
from mbot_nb.widgets import StatsPanel
from tests.helpers.waiting import until
from tests.helpers.widget_page import Page, latest

# Statistics.


async def test_the_loop_is_watched_only_while_somebody_looks(page: Page, bot: mb.Client) -> None:
    monitor = LoopMonitor.of(asyncio.get_running_loop())
    panel = StatsPanel(bot)
    assert not monitor.watching
    page.send(panel, kind="show", view="a")
    assert monitor.watching
    page.send(panel, kind="hide", view="a")
    assert not monitor.watching
    page.send(panel, kind="show", view="a")
    panel.close()
    assert not monitor.watching


async def test_round_trips_are_measured_with_progress_and_can_be_cancelled(
    page: Page, bot: mb.Client
) -> None:
    panel = StatsPanel(bot)
    page.send(panel, kind="show", view="a")
    page.send(panel, kind="measure")
    await until(lambda: latest(page, panel, "measured") == 10)
    page.send(panel, kind="cancel")
    await until(lambda: latest(page, panel, "measured") is None)
    count = latest(page, panel, "trips")["n"]
    assert 10 <= count < 100
    assert latest(page, panel, "trips")["median"] > 0
    assert latest(page, panel, "flow")["frames_out"][0] >= count
    panel.close()
