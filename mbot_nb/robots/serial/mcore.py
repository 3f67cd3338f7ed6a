"""The driver of the mBot: an mCore, ff55 frames, one request at a time.

Its sensors are asked one after another, between commands. Its firmware stands still for 0.9 s when
the ultrasonic sensor gets no echo, and while a tone sounds: that sensor is asked rarely while
nothing is ahead, in a motion only on the way to something near; tones are sent in slices.
"""

from __future__ import annotations

import struct
import time
from concurrent.futures import Future
from typing import Any

from .driver import MOTORS, SerialRobot
from .lights import Color
from .motion_clock import CONFIRMED_TIMEOUT
from .wire import ff55
from .wire.dialects import DeviceRequest, FF55Dialect, Request
from .wire.exchange import error_of

__all__ = ["MBotRobot"]

FULL_POWER = 255
NOTHING_AHEAD = 300.0
"""The distance when nothing is in range, as of the mBot2 (the robot itself says 400)."""
STALL = 1.0
"""Seconds that asking the ultrasonic sensor may hold everything up when nothing is ahead."""
NEAR = 100.0
"""What is seen nearer than this (cm) still echoes while the robot drives straight towards it."""
DISTANCE_INTERVAL = 8.0
"""Seconds between two readings of the distance while nothing is ahead: a drive has to wait."""
TONE_EXTRA = 0.5
POLL_INTERVAL = 0.1
"""Seconds in which every sensor is asked once."""

SENSORS = (
    ("line", DeviceRequest(ff55.GET, 17, b"\x02")),
    ("light", DeviceRequest(ff55.GET, 3, b"\x06")),
    ("distance", DeviceRequest(ff55.GET, 1, b"\x03")),
)
STOP = DeviceRequest(ff55.RUN, 5, struct.pack("<hh", 0, 0))


class MBotRobot(SerialRobot):
    """An mBot on a cable, with its ultrasonic sensor at port 3 and its line follower at port 2.

    Telemetry, asked ten times a second: ``distance`` cm (300: nothing in range); ``line`` bits
    (left 4, right 2, set on the line); ``light`` 0 to 100; ``button_board``. Events: ``button``,
    ``stimulus_detected`` (obstacle, bump, line_lost), ``robot_connection``, ``game_won``,
    ``game_lost``, ``error``. There are no checksums on this cable: a spoilt value may be taken for
    a good one.
    """

    kind = "mbot"
    model = "mBot"
    led_count = 2
    max_slice = 0.15
    """A stop may have to wait for the slice that sounds."""
    confirmed_after = CONFIRMED_TIMEOUT
    """One request at a time: it is free when it is asked, and drives at once."""
    _next_distance_at = 0.0
    _near = False
    """Whether what was seen last is near, and still ahead."""
    unsupported = {  # noqa: RUF012 - never changed
        "start_drawing": "drawing needs to know where the robot is, and an mBot cannot measure it: "
        "draw in the simulator",
        "stop_drawing": "nothing is being drawn: an mBot does not draw",
        "sort_pieces": "an mBot has no arm and no colour sorter",
        "sync_inventory": "an mBot has no colour sorter, so there is nothing to count",
        "display_text": "an mBot has no display",
    }

    def dialect(self, number: int) -> FF55Dialect:
        return FF55Dialect(number)

    # Wheels: M1 is the left one, and mounted the other way round.

    def drive_request(self, left: float, right: float) -> Request:
        power = (round(-left * FULL_POWER / 100), round(right * FULL_POWER / 100))
        return DeviceRequest(ff55.RUN, 5, struct.pack("<hh", *power))

    @property
    def stop_request(self) -> Request:
        return STOP

    def send_stop(self) -> None:
        stop = self.link.request(
            STOP, urgent=True, attempts=6, timeout=0.3, slot=MOTORS, what="the stop"
        )
        self.watch_stop(stop)

    def halt(self) -> None:
        """Also a tone ends, with its slice; one beside a motion whose time is over goes on."""
        self._tones.end()
        super().halt()

    # Sensors.

    def set_up(self) -> None:
        self._next_distance_at = 0.0
        self._poll(0, time.monotonic(), self.connections)

    def _poll(self, turn: int, started_at: float, connection: int) -> None:
        """Ask one sensor, then the next; a new connection ends the old round."""
        if self.link.state != "ready" or connection != self.connections:
            return
        if turn == len(SENSORS):
            self.finish_set_up()
            again = max(started_at + POLL_INTERVAL, time.monotonic())
            self.link.call_at(again, lambda: self._poll(0, time.monotonic(), connection))
            return
        name, request = SENSORS[turn]
        now = time.monotonic()
        if name == "distance" and not self._may_measure_distance(now):
            self._poll(turn + 1, started_at, connection)
            return
        timeout = STALL + 0.2 if name == "distance" else 0.3
        answer = self.link.request(request, timeout=timeout, attempts=1, what=f"the {name} sensor")

        def answered(future: Future[Any]) -> None:
            if not future.cancelled() and error_of(future) is None:
                with self.lock:
                    self._sensed(name, future.result())
            self._poll(turn + 1, started_at, connection)

        answer.add_done_callback(answered)

    def _may_measure_distance(self, now: float) -> bool:
        """Not while something moves or is to: a missing echo would hold up its begin, end or stop.

        But on a straight way towards something seen near, which echoes the better the nearer it
        comes.
        """
        if self._motion is not None:
            return self._near and self._clock.running and self._straight
        if self.senses.get("distance", NOTHING_AHEAD) < NOTHING_AHEAD:
            return True
        if now < self._next_distance_at:
            return False
        self._next_distance_at = now + DISTANCE_INTERVAL
        return True

    @property
    def _straight(self) -> bool:
        left, right = self._wheels
        return left == right > 0

    def prepare_motion(self) -> None:
        """What was ahead before a turn, or before it went back, is not ahead behind it."""
        self._near = self._near and self._straight

    def _sensed(self, name: str, value: Any) -> None:
        if not isinstance(value, int | float):
            return
        if name == "distance":
            self._near = value < NEAR and (self._motion is None or self._straight)
            self.update_senses(distance=round(min(float(value), NOTHING_AHEAD), 1))
        elif name == "light":
            self.update_senses(light=round(min(max(value, 0), 1023) / 10.23, 1))
        else:
            bright = int(value)
            self.update_senses(line=(0 if bright & 2 else 4) | (0 if bright & 1 else 2))

    def handle_values(self, values: dict[int, Any]) -> None:
        if ff55.BUTTON in values:
            self.update_senses(button_board=bool(values[ff55.BUTTON]))

    # Everything else.

    def light(self, color: Color, index: int | None) -> Future[Any]:
        request = DeviceRequest(ff55.RUN, 8, bytes((7, 2, index or 0, *color)))
        return self.link.request(request, slot=f"led {index or 0}", what="set_led")

    def sound(self, frequency: float, seconds: float) -> Future[Any]:
        tone = struct.pack("<HH", round(frequency), round(seconds * 1000))
        request = DeviceRequest(ff55.RUN, 34, tone)
        timeout = seconds + TONE_EXTRA
        return self.link.request(request, timeout=timeout, attempts=1, what="play_tone")
