"""The tabs of the cockpit, which the page itself switches."""

from __future__ import annotations

import anywidget
import traitlets

from ..base.bundle import page_script, page_style

__all__ = ["Tabs"]


class Tabs(anywidget.AnyWidget):
    """Buttons that show one of the cockpit's pages and hide the others; all of it in the page, so
    that no kernel is asked."""

    _esm = page_script("tabs.js")
    _css = page_style("panel.css", "cockpit.css")
    titles = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(self, titles: list[str]) -> None:
        super().__init__(titles=titles)
