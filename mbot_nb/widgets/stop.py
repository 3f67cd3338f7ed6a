"""The emergency stop as a widget of its own.

mb.widgets.StopButton(bot)
"""

from __future__ import annotations

from .base.bundle import page_script, page_style
from .base.live_widget import LiveWidget

__all__ = ["StopButton"]


class StopButton(LiveWidget):
    """A large Stop that stays in force until Release, and says how long the last one took from the
    click to standing still.

    It works while a cell awaits. While a cell blocks (`time.sleep`) it works where the kernel lets
    a callback run; elsewhere it says so beforehand, and the page itself reaches a server on the I/O
    thread (`mb.serve(thread=True)`) if both are on one machine.

    Args:
        bot: what `mb.connect()`, `mb.sync.connect()` or `mb.demo()` has given.
        framed: with the robot's name and its connection.
    """

    _esm = page_script("stop.js")
    _css = page_style("stop.css")
    _description = "a Stop button"
