"""The robot from above: where it is, what it sees and shines, the way it came, and the world around
it.

mb.widgets.Arena(bot)
"""

from __future__ import annotations

import time
from array import array
from collections import deque
from math import isfinite
from typing import TYPE_CHECKING, Any

from ..client import Client, ClientEvent, ConnectionChanged, EventReceived, SentBatch, StateChanged
from ..client.sync import SyncClient
from ..embedded.registry import local_servers
from ..errors import UsageError
from ..robots.simulator import SimulatedRobot
from ..robots.simulator.world import Line
from .arena_state import ArenaState, Pose, pose_of, replay_jumped
from .base.bundle import page_script, page_style
from .base.live_widget import LiveWidget, rounded
from .card_image import picture

if TYPE_CHECKING:
    from ..robots.simulator import Simulation

__all__ = ["Arena"]

PERIOD = 0.05
"""Seconds between two messages at least; the page draws what lies between two poses."""
MAX_SAMPLES = 6000
"""Samples that can be looked back at: ten minutes of driving."""
MAX_POINTS = 400
"""Of a line that is drawn by hand."""
UNKNOWN = float("nan")
ELSEWHERE = (
    "Things can be moved only in a simulator that runs in this notebook: this robot's "
    "server runs elsewhere."
)
REAL = "Things can be moved only in a simulator."


class Arena(LiveWidget):
    """The arena from above, 30 pictures a second: robot, LEDs, the cone of the ultrasonic sensor,
    line sensor, path.

    Of a simulator in this notebook, boxes can be dragged, and lines drawn for the robot to follow.
    A slider looks back. It takes any robot that tells its `pose`; one without an arena is drawn on
    a plain floor. Of a replay the slider is the place in the recording.

    Args:
        bot: what `mb.connect()`, `mb.sync.connect()` or `mb.demo()` has given.
        framed: with the robot's name, its connection and a Stop of its own.
    """

    _esm = page_script("arena.js")
    _css = page_style("arena.css")
    _description = "an arena"
    _period = PERIOD

    def __init__(self, bot: Client | SyncClient, *, framed: bool = True) -> None:
        self._samples: deque[tuple[float, ...]] = deque(maxlen=MAX_SAMPLES)
        """Rows of t in s, x and y in cm, heading, distance in cm, bits of the line sensor."""
        self._lights: deque[tuple[float, Any]] = deque(maxlen=MAX_SAMPLES)
        """Since when, in s, the LEDs shine as they do."""
        self._stale_pose: Pose | None = None
        self._arena_state = ArenaState()
        self._began = time.monotonic()
        self._line: float = UNKNOWN
        self._fixed_reason: str | None = None
        super().__init__(bot, framed=framed)
        self.client.home.post(self._record_pose)

    def still_picture(self) -> bytes:
        return picture({**self._all_values(), "path": [(x, y) for _, x, y, *_ in self._samples]})

    def _alt(self) -> str:
        return f"{self!r}, seen from above"

    # What it follows, at home.

    def _on_event(self, event: ClientEvent | SentBatch) -> bool:
        if isinstance(event, EventReceived):
            if replay_jumped(event):
                # It has not driven there: its way is a new one, from the next place that it tells.
                self._stale_pose = pose_of(self.client.state)
                self._begin_path()
                return True
            if event.name != "telemetry" or not isinstance(event.data, dict):
                return False
            line = event.data.get("line")
            self._line = (
                float(line) if isinstance(line, (int, float)) and isfinite(line) else UNKNOWN
            )
            return True
        if isinstance(event, StateChanged):
            self._arena_state.on_state_changed(event)
        elif isinstance(event, ConnectionChanged):
            self._fixed_reason = None  # another server may be behind the same address
        return isinstance(event, (StateChanged, ConnectionChanged))

    def _connected_anew(self) -> None:
        self._began = time.monotonic()
        self._begin_path()

    def _begin_path(self) -> None:
        self._samples.clear()
        self._lights.clear()
        if self.seen:
            self._send_history()

    def _on_refresh(self, *, seen: bool) -> None:
        self._record_pose()

    def _record_pose(self) -> None:
        """Note where the robot is, if that has changed."""
        pose = pose_of(self.client.state)
        if pose is None or pose == self._stale_pose:
            return
        self._stale_pose = None
        mind = self._section("neural_state") or {}
        distance = rounded(mind.get("distance"), 1)
        row = (*pose, UNKNOWN if distance is None else distance, self._line)
        leds = self._section("leds")
        other_light = not self._lights or self._lights[-1][1] != leds
        # NaN is unlike itself, so that what is not known is compared as text.
        if other_light or not self._samples or repr(self._samples[-1][1:]) != repr(row):
            t = round(time.monotonic() - self._began, 3)
            self._samples.append((t, *row))
            if other_light:
                self._lights.append((t, leds))

    def _values(self) -> dict[str, Any]:
        return {
            "sample": [None if number != number else number for number in self._samples[-1]]
            if self._samples
            else None,
            "pose": pose_of(self.client.state),
            "leds": self._section("leds"),
            "mode": (self._section("neural_state") or {}).get("mode"),
            "moving": bool((self._section("motors") or {}).get("moving")),
            "arena": self._arena_state.data(self.client.state),
            "fixed": self._find_fixed_reason(),
            "replay": self._replay(),
        }

    def _replay(self) -> dict[str, Any] | None:
        """Where a replay is, in s; None of a robot that lives."""
        replay = self._section("replay")
        if not isinstance(replay, dict) or rounded(replay.get("duration"), 3) is None:
            return None
        return {name: replay.get(name) for name in ("position", "duration", "playing", "speed")}

    def _show_all(self) -> None:
        self._record_pose()
        super()._show_all()
        self._send_history()

    def _send_history(self) -> None:
        rows = array("f", [number for row in self._samples for number in row])
        self._send_unthrottled({"kind": "history", "lights": list(self._lights)}, [rows.tobytes()])

    # What the page does to the world; in any thread.

    def _simulation(self) -> Simulation | None:
        server = local_servers().of(self.client)
        robot = None if server is None else server.robot
        return robot.simulation if isinstance(robot, SimulatedRobot) else None

    def _find_fixed_reason(self) -> str:
        """Why nothing can be moved; empty if it can. Looked up once for each connection."""
        if self._fixed_reason is None:
            here = local_servers().of(self.client) is not None
            self._fixed_reason = (
                "" if self._simulation() is not None else REAL if here else ELSEWHERE
            )
        return self._fixed_reason

    def _on_request(self, kind: str, content: dict[str, Any]) -> None:
        if kind in ("play", "pause"):
            self._run(self.client.custom(kind))
        elif kind == "seek":
            self._run(self.client.custom(kind, position=float(content["position"])))
        if kind not in ("move", "line", "erase"):
            return
        simulation = self._simulation()
        if simulation is None:
            raise UsageError(self._find_fixed_reason())
        if kind == "move":
            self._move(simulation, content)
        elif kind == "line":
            points = content.get("points")
            if isinstance(points, list) and 2 <= len(points) <= MAX_POINTS:
                simulation.put(Line(points=[(float(x), float(y)) for x, y in points]))
        elif simulation.world.lines:
            simulation.take_away(simulation.world.lines[-1])
        self.client.home.post(self._request_refresh)

    def _move(self, simulation: Simulation, content: dict[str, Any]) -> None:
        number = int(content.get("box", -1))
        boxes = simulation.world.boxes
        if not 0 <= number < len(boxes):
            raise UsageError("this box is gone")
        try:
            simulation.move(boxes[number], float(content["x"]), float(content["y"]))
        finally:
            box = simulation.world.boxes[number]
            self._send_unthrottled({"kind": "moved", "box": number, "x": box.x, "y": box.y})
