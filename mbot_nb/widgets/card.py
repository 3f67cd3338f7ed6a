"""The live card: how a robot is, where it is, and Stop.

mb.widgets.Card(bot)
"""

from __future__ import annotations

from collections import deque
from math import hypot
from typing import Any

from ..client import Client, ClientEvent, SentBatch, StateChanged
from ..client.sync import SyncClient
from .arena_state import ArenaState, Pose, pose_of, replay_jumped
from .base.bundle import page_script, page_style
from .base.live_widget import LiveWidget, rounded
from .card_image import picture

__all__ = ["Card"]

MIN_STEP = 0.5
"""Points of the path lie at least this far apart, cm."""
MAX_POINTS = 1500


class Card(LiveWidget):
    """A live card of one robot: connection, mode, position, latency, the arena from above, Stop and
    Release.

    It can be shown any number of times, and costs nothing while no view of it is on the screen. It
    ends with its client; :meth:`close` takes it off the page before.

    Args:
        bot: what `mb.connect()`, `mb.sync.connect()` or `mb.demo()` has given.
    """

    _esm = page_script("card.js")
    _css = page_style("card.css")
    _description = "a card"

    def __init__(self, bot: Client | SyncClient) -> None:
        self._path: deque[tuple[float, float]] = deque(maxlen=MAX_POINTS)
        self._path_is_new = False
        self._stale_pose: Pose | None = None
        self._arena_state = ArenaState()
        super().__init__(bot)

    def still_picture(self) -> bytes:
        return picture(self._all_values())

    def _alt(self) -> str:
        return f"{self!r}, seen from above"

    def _on_event(self, event: ClientEvent | SentBatch) -> bool:
        if isinstance(event, StateChanged):
            self._arena_state.on_state_changed(event)
        elif replay_jumped(event):
            self._connected_anew()
        return True

    def _connected_anew(self) -> None:
        # Another robot, the same one born again, or a replay that begins again or goes elsewhere:
        # its way is a new one.
        self._stale_pose = pose_of(self.client.state)
        self._path.clear()
        self._path_is_new = True
        self._sent.pop("path", None)  # the one before may have begun as empty

    def _on_refresh(self, *, seen: bool) -> None:
        self._record_pose()

    def _record_pose(self) -> None:
        """Note where the robot is."""
        pose = pose_of(self.client.state)
        if pose is not None and pose != self._stale_pose:
            self._stale_pose = None
            x, y, _ = pose
            if not self._path or hypot(x - self._path[-1][0], y - self._path[-1][1]) >= MIN_STEP:
                self._path.append((x, y))

    def _values(self) -> dict[str, Any]:
        mind = self._section("neural_state") or {}
        values = {
            "mode": mind.get("mode"),
            "tension": rounded(mind.get("tension"), 2),
            "pose": pose_of(self.client.state),
            "moving": bool((self._section("motors") or {}).get("moving")),
            "arena": self._arena_state.data(self.client.state),
        }
        if self._path_is_new:
            values["path"] = list(self._path)
            self._path_is_new = False
        return values

    def _initial_values(self) -> dict[str, Any]:
        self._record_pose()
        self._path_is_new = False
        return {"path": list(self._path)}
