"""Driving by hand: hold a key, a finger, the mouse or a stick, and the robot goes; let go, and it
stops.

    mb.widgets.DrivePad(bot)

A hold is a row of short leases: a motion of 0.4 s, renewed ten times a second. Whatever is lost on
the way, the robot ends it by itself. What comes late is dropped: a robot must not start moving
because a kernel was busy a second ago. A stop never is.
"""

from __future__ import annotations

import threading
import time
from math import isfinite
from typing import Any

from ..client import Client, ConnectionChanged, RoundTrip, StateChanged
from ..client.sync import SyncClient
from ..errors import MbotError
from .base.bundle import page_script, page_style
from .base.live_widget import LiveWidget

__all__ = ["DrivePad"]

LEASE = 0.4
"""Seconds that a motion lasts unless it is renewed, which the page does every 0.1 s."""
MAX_DELAY = 0.25
"""Seconds from the hand to the robot's client; a motion that took longer is dropped."""
MAX_UNACKNOWLEDGED = 4
"""Renewals that may be unacknowledged; with more the line is too slow, and motion ends."""
MAX_VIEWS = 64
"""Views whose last hold is remembered."""


class DrivePad(LiveWidget):
    """A pad to drive with: mouse, touch, arrow keys or WASD (space stops), or a gamepad. It drives
    while it is held.

    It stops when it is let go, when it loses the focus, when the page is hidden, and when kernel or
    robot cannot be reached.

    Args:
        bot: what `mb.connect()`, `mb.sync.connect()` or `mb.demo()` has given.
        speed: percent of full speed to begin with, 10 to 100; the slider of the pad changes it.
        framed: with the robot's name, its connection and a Stop of its own.
    """

    _esm = page_script("pad.js")
    _css = page_style("pad.css")
    _description = "a drive pad"

    def __init__(
        self, bot: Client | SyncClient, *, speed: float = 40.0, framed: bool = True
    ) -> None:
        self._speed = min(max(float(speed), 10.0), 100.0)
        self._ended_holds: dict[str, int] = {}
        self._unacknowledged = 0
        self._lock = threading.Lock()
        self.dropped = 0
        """Motions that came too late and were not carried out."""
        super().__init__(bot, framed=framed)

    def _values(self) -> dict[str, Any]:
        motors = self._section("motors") or {}
        return {
            "motors": [motors.get("left"), motors.get("right")],
            "moving": bool(motors.get("moving")),
        }

    def _initial_values(self) -> dict[str, Any]:
        return {"speed": self._speed}

    def _on_event(self, event: object) -> bool:
        return isinstance(event, (StateChanged, ConnectionChanged, RoundTrip))

    # From the page, in any thread.

    def _on_request(self, kind: str, content: dict[str, Any]) -> None:
        view, hold = str(content.get("view")), content.get("hold")
        if not isinstance(hold, int):
            return
        if kind == "end_hold":
            with self._lock:
                self._ended_holds[view] = max(hold, self._ended_holds.get(view, 0))
                while len(self._ended_holds) > MAX_VIEWS:
                    del self._ended_holds[next(iter(self._ended_holds))]
            self._stop_control.act("stop", content.get("at"), quietly=True)
        elif kind == "drive":
            numbers: list[Any] = [content.get(name) for name in ("at", "left", "right")]
            if not all(isinstance(each, (int, float)) and isfinite(each) for each in numbers):
                return
            at, left, right = numbers
            number, post = content.get("number"), self.client.home.post
            if self._is_late(at) or not post(self._drive, view, hold, number, at, left, right):
                self._drop(view, number)

    @staticmethod
    def _is_late(at: Any) -> bool:
        return bool(time.monotonic() - at / 1e3 > MAX_DELAY)

    def _drop(self, view: str, number: Any) -> None:
        self.dropped += 1
        self._send_unthrottled({"kind": "driven", "to": view, "number": number, "dropped": True})

    # At home.

    def _drive(
        self, view: str, hold: int, number: Any, at: float, left: float, right: float
    ) -> None:
        # Once more: home may have been busy, and the hand may have let go meanwhile.
        with self._lock:
            over = hold <= self._ended_holds.get(view, 0)
        if over or self._ended or self._is_late(at) or self._unacknowledged >= MAX_UNACKNOWLEDGED:
            self._drop(view, number)
            return
        if self.client.state.get("latch") is not None:
            self._drop(view, number)
            self._show_status(
                "An emergency stop stands: press Release, and the robot may move again.", error=True
            )
            return
        self._unacknowledged += 1
        self.client.home.spawn(self._lease(left, right), "driving by hand")
        self._send_unthrottled({"kind": "driven", "to": view, "number": number, "dropped": False})

    async def _lease(self, left: float, right: float) -> None:
        try:
            await self.client.drive(_percent(left), _percent(right), duration=LEASE, wait=False)
        except MbotError as error:
            self._show_status(str(error), error=True)
        finally:
            self._unacknowledged -= 1


def _percent(value: float) -> float:
    return round(min(max(value, -100.0), 100.0), 1)
