"""What goes over the wire, and how quickly it answers, in numbers.

mb.widgets.StatsPanel(bot)
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from typing import Any

from ...client import Client, Stats
from ...client.sync import SyncClient
from ...loops.monitor import LoopMonitor
from ..base.bundle import page_script, page_style
from ..base.live_widget import LiveWidget, rounded

__all__ = ["StatsPanel"]

INTERVAL = 1.0
"""Seconds between two refreshes, and over which a rate is taken."""
LAG_WINDOW = 10.0
"""Seconds over which the longest block of the loop is shown."""
PINGS = 100
PING_PAUSE = 0.02
"""Seconds from one ping of a measurement to the next."""
RATED = ("messages_in", "messages_out", "frames_in", "frames_out", "bytes_in", "bytes_out")
COUNTED = ("connections", "gaps", "duplicates", "malformed", "waiting")


class StatsPanel(LiveWidget):
    """Messages and frames in and out, what batching saves, round trips, gaps and duplicates, and
    how long the loop was blocked.

    Args:
        bot: what `mb.connect()`, `mb.sync.connect()` or `mb.demo()` has given.
        framed: with the robot's name, its connection and a Stop of its own.
    """

    _esm = page_script("stats.js")
    _css = page_style("panel.css")
    _description = "a panel of statistics"
    _period = INTERVAL / 2

    def __init__(self, bot: Client | SyncClient, *, framed: bool = True) -> None:
        self._earlier: tuple[float, Stats] | None = None
        self._rates: dict[str, float] = {}
        self._monitor: LoopMonitor | None = None
        self._measuring: concurrent.futures.Future[None] | None = None
        self._measured: int | None = None
        super().__init__(bot, framed=framed)

    def _values(self) -> dict[str, Any]:
        client = self.client
        stats, trips = client.stats, client.latency
        self._take_rates(stats)
        return {
            "flow": {name: [getattr(stats, name), self._rates.get(name)] for name in RATED},
            "counts": {name: getattr(stats, name) for name in COUNTED},
            "per_frame": rounded(stats.messages_per_frame, 2),
            "trips": {
                "n": trips.count,
                "last": rounded(trips.last * 1e3, 2),
                "median": rounded(trips.median * 1e3, 2),
                "p99": rounded(trips.p99 * 1e3, 2),
            },
            "lag": self._lag(),
            "measured": self._measured,
            "pings": PINGS,
        }

    def _take_rates(self, stats: Stats) -> None:
        now = time.monotonic()
        if self._earlier is not None:
            began, before = self._earlier
            if now - began < INTERVAL * 0.9:
                return
            passed = now - began
            self._rates = {
                name: round((getattr(stats, name) - getattr(before, name)) / passed, 1)
                for name in RATED
            }
        self._earlier = (now, stats)

    def _lag(self) -> dict[str, Any] | None:
        if self._monitor is None:
            return None
        now = time.monotonic()
        return {
            "max": round(self._monitor.lag(now - LAG_WINDOW, now) * 1e3, 1),
            "window": LAG_WINDOW,
        }

    # The loop is watched, and looked at every second, while somebody sees it. At home.

    def _on_view(self, kind: str, view: str, fresh: bool) -> None:
        super()._on_view(kind, view, fresh)
        self._on_refresh(seen=self.seen)

    def _on_refresh(self, *, seen: bool) -> None:
        watched = seen and not self._ended
        if watched and self._monitor is None:
            self._monitor = LoopMonitor.of(self.client.home.loop)
            self._monitor.hold()
        elif not watched and self._monitor is not None:
            self._monitor.release()
            self._monitor = None
        if watched:
            self._refresh_in(INTERVAL)

    def _on_event(self, event: object) -> bool:
        return False  # once a second is enough

    # From the page, in any thread.

    def _on_request(self, kind: str, content: dict[str, Any]) -> None:
        measuring = self._measuring
        if kind == "measure" and (measuring is None or measuring.done()):
            self._measuring = self.client.home.submit(self._measure())
        elif kind == "cancel" and measuring is not None:
            measuring.cancel()

    async def _measure(self) -> None:
        """A hundred round trips, one after the other."""
        self._show_status("")
        try:
            for done in range(PINGS):
                self._measured = done
                if done % 10 == 0:
                    self._send_unthrottled({"kind": "changed", "measured": done})
                await self.client.ping()
                await asyncio.sleep(PING_PAUSE)
        except Exception as error:
            self._report(error)
        finally:
            self._measured = None
            self._send_values()

    def _detach(self) -> None:
        super()._detach()
        self._on_refresh(seen=False)
        if self._measuring is not None:
            self._measuring.cancel()
