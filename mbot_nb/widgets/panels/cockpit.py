"""Everything on one screen: connect, drive, listen, command, picture, chart, numbers, and Stop.

mb.widgets.Cockpit(bot)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import ipywidgets
import traitlets

from ...client import Client
from ...client.sync import SyncClient
from ...errors import UsageError
from ...local.runtime import Slot
from ...loops.call import await_if_needed
from ..arena import Arena
from ..base import rerun
from ..base.bundle import page_script, page_style
from ..base.live_widget import LiveWidget
from ..chart import LiveChart
from ..pad import DrivePad
from ..stop import StopButton
from .command import CommandPanel
from .connect import ConnectPanel
from .stats import StatsPanel
from .subscribe import SubscribePanel

__all__ = ["Cockpit"]

PAGES: tuple[tuple[str, type[LiveWidget]], ...] = (
    ("Drive", DrivePad),
    ("Commands", CommandPanel),
    ("Events", SubscribePanel),
    ("Chart", LiveChart),
    ("Statistics", StatsPanel),
)


class Tabs(anywidget.AnyWidget):
    """Buttons that show one of the cockpit's pages, without asking the kernel."""

    _esm = page_script("tabs.js")
    _css = page_style("panel.css", "cockpit.css")
    titles = traitlets.List(traitlets.Unicode()).tag(sync=True)


class Cockpit(ipywidgets.VBox):  # type: ignore[misc]
    """All parts in one layout: beside each other where there is room, below each other where there
    is not.

    Its parts follow :attr:`bot`; when another one is connected by clicking, they are made anew for
    it. Each of them is to be had alone as well.

    Args:
        bot: what `mb.connect()`, `mb.sync.connect()` or `mb.demo()` has given; without one, Connect
            makes one.
        on_connect: ``on_connect(bot)``, plain or async, is called with each robot that is connected
            to by clicking.
        thread: let what Connect makes live on the I/O thread, which no cell can block.
        lines: what the chart begins with, as `LiveChart` takes them; more can be chosen in it.
    """

    def __init__(
        self,
        bot: Client | SyncClient | None = None,
        *,
        on_connect: Callable[[Client], Any] | None = None,
        thread: bool = False,
        lines: Sequence[str] = (),
    ) -> None:
        if isinstance(lines, str):
            raise UsageError(f'lines is a list of names: write lines=["{lines}"]')
        self._lines = tuple(lines)
        self._user_on_connect = on_connect
        self._parts: list[LiveWidget] = []
        self._boxes: list[ipywidgets.Widget] = []
        self._connection = ConnectPanel(
            bot, on_connect=self._connected, thread=thread, framed=False
        )
        self._connection.variable_name = "cockpit"
        super().__init__()
        self.add_class("mbot-cockpit")
        self._build()
        for cockpit in [cockpit for cockpit in _ended_cockpits() if not cockpit._seen]:
            cockpit.close()
        rerun.end_earlier_runs(self)

    def __repr__(self) -> str:
        return f"<cockpit of {repr(self._connection.bot)[1:-1] if self.bot else 'no robot yet'}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live view; and, for a page without a kernel, the robot from above and words."""
        data: dict[str, Any] = {
            **(super()._repr_mimebundle_(**kwargs) or {}),
            "text/plain": repr(self),
        }
        arena = next((part for part in self._parts if isinstance(part, Arena)), None)
        if arena is None:
            return data, {}
        alt = {"alt": f"{self!r}, seen from above"}
        return {**data, "image/png": arena.still_picture()}, {"image/png": alt}

    @property
    def bot(self) -> Client | None:
        """The robot it is connected to, or None."""
        return self._connection.bot

    def close(self) -> None:
        """Take the cockpit off the page, with all its parts. Idempotent."""
        _ended_cockpits()[:] = [cockpit for cockpit in _ended_cockpits() if cockpit is not self]
        if hasattr(self, "_connection"):
            self._clear()
            self._connection.close()
            if self.comm is not None:
                self.layout.close()
        super().close()

    @property
    def ended(self) -> bool:
        """Whether its parts follow nothing any more."""
        return self.comm is None or self in _ended_cockpits()

    def end(self, reason: str) -> None:
        """Follow the robot no more, and say why on the page until it is left."""
        if self.ended:
            return
        _ended_cockpits().append(self)
        for part in (self._connection, *self._parts):
            part.end(reason)
            part.observe(self._part_gone, names="comm")
            if not part.seen:
                part.close()

    def _part_gone(self, _: object) -> None:
        if all(part.comm is None for part in (self._connection, *self._parts)):
            self.close()

    # Inside.

    @property
    def _seen(self) -> bool:
        return any(part.seen and part.comm is not None for part in (self._connection, *self._parts))

    async def _connected(self, bot: Client) -> None:
        self._build()
        if self._user_on_connect is not None:
            await await_if_needed(self._user_on_connect(bot))

    def _build(self) -> None:
        """The parts for the robot there is now."""
        old_parts, old_boxes = self._parts, self._boxes
        self._parts, self._boxes = [], []
        bot = self._connection.bot
        if bot is None:
            self._show(self._box("top", [self._connection]))
        else:
            top = self._box("top", [self._connection, self._part(StopButton, bot)])
            left = self._box("left", [self._part(Arena, bot)])
            tabs = Tabs(titles=[title for title, _ in PAGES])
            self._boxes.append(tabs)
            pages = [
                self._box(f"page mbot-page-{at}", [self._part(kind, bot)])
                for at, (_, kind) in enumerate(PAGES)
            ]
            right = self._box("right", [tabs, *pages])
            self._show(top, self._box("body", [left, right]))
        _close(old_parts, old_boxes)

    def _show(self, *children: ipywidgets.Widget) -> None:
        self.children: tuple[ipywidgets.Widget, ...] = children

    def _part(self, kind: type[LiveWidget], bot: Client) -> LiveWidget:
        lines = self._lines if kind is LiveChart else ()
        part = kind(bot, *lines, framed=False)
        self._parts.append(part)
        return part

    def _box(self, name: str, children: list[ipywidgets.Widget]) -> ipywidgets.VBox:
        box = ipywidgets.VBox(children)
        for one in name.split():
            box.add_class(one if one.startswith("mbot-") else f"mbot-cockpit-{one}")
        self._boxes.append(box)
        return box

    def _clear(self) -> None:
        self._show()
        _close(self._parts, self._boxes)
        self._parts, self._boxes = [], []


_ended_cockpits: Slot[list[Cockpit]] = Slot(list)
"""Those that have ended and are still on a page."""


def _close(parts: list[LiveWidget], boxes: list[ipywidgets.Widget]) -> None:
    for part in parts:
        part.close()
    for box in boxes:
        if box.comm is not None:
            box.layout.close()
        box.close()
