"""The driver of the mBot2: a CyberPi on its shield, f3 frames.

Its sensors are subscribed to: what changes is pushed, some twenty times a second. What it shall do
goes as scripts into its one queue; a stop goes past the queue (mode 3), and once more into it,
behind whatever motion may still wait there. A tone keeps the queue busy: it is sent in slices.
"""

from __future__ import annotations

import itertools
import operator
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from ... import commands as c
from .connection.port import OpenPort, usb_serial
from .driver import MOTORS, SerialRobot
from .lights import Color
from .wire import f3
from .wire.dialects import F3Dialect, Request, ScriptRequest
from .wire.exchange import error_of
from .wire.literals import call

__all__ = ["SENSORS", "CyberPiRobot"]

FULL_SPEED = 200.0
"""RPM of a wheel at 100 percent."""
STOP = call("cyberpi.mbot2.EM_stop", "all")
FIRST_KEY = 2
FIRST_PUSHES = 0.3
"""Seconds after the last subscription in which every sensor that is there has sent a value."""
HEARTBEAT = 1.0
"""Seconds between two questions for the battery, by which a robot that fell silent is noticed."""


def _same(value: Any) -> Any:
    return value


BUTTONS = ("a", "b", "up", "down", "left", "right", "middle")
"""Of the CyberPi; all but two of them are its stick."""
SENSORS: tuple[tuple[str, str, tuple[Any, ...], Callable[[Any], Any]], ...] = (
    ("encoder_left", "cyberpi.mbot2.EM_get_angle", ("EM1",), _same),
    ("encoder_right", "cyberpi.mbot2.EM_get_angle", ("EM2",), operator.neg),
    ("distance", "cyberpi.ultrasonic2.get", (1,), _same),
    ("line", "cyberpi.quad_rgb_sensor.get_line_sta", (1,), _same),
    ("line_offset", "cyberpi.quad_rgb_sensor.get_offset_track", (1,), _same),
    ("light", "cyberpi.get_bri", (), _same),
    ("sound", "cyberpi.get_loudness", ("maximum",), _same),
    ("yaw", "cyberpi.get_yaw", (), _same),
    ("pitch", "cyberpi.get_pitch", (), _same),
    ("roll", "cyberpi.get_roll", (), _same),
    ("turn_rate", "cyberpi.get_gyro", ("z",), _same),
    ("acceleration", "cyberpi.get_acc", ("x",), _same),
    *((f"button_{name}", "cyberpi.controller.is_press", (name,), bool) for name in BUTTONS),
)
"""What is subscribed to: telemetry name, function on the robot, arguments, conversion."""


class CyberPiRobot(SerialRobot):
    """An mBot2 on a cable.

    Telemetry: ``distance`` cm; ``line`` bits (L2=8 L1=4 R1=2 R2=1), ``line_offset`` -100 to 100,
    positive to the left; ``light``, ``sound``, ``battery`` 0 to 100; ``yaw``, ``pitch``, ``roll``
    deg; ``turn_rate`` deg/s; ``acceleration`` m/s2 along x; ``encoder_left``, ``encoder_right``
    deg, both positive forwards; ``button_a``, ``_b``, ``_up``, ``_down``, ``_left``, ``_right`` and
    ``_middle``; and from the encoders ``x``, ``y``, ``driven`` cm and ``heading`` deg, from where
    it stood at first. Events: ``button``, ``stimulus_detected`` (obstacle, bump, sound, line_lost),
    ``robot_connection``, ``game_won``, ``game_lost``, ``error``.
    """

    kind = "mbot2"
    model = "mBot2"
    has_encoders = True
    max_slice = 0.3
    """A tone keeps the robot's queue busy: what comes behind a slice is still answered in time."""
    confirmed_after = 0.1  # through the shield
    unsupported = {  # noqa: RUF012 - never changed
        "start_drawing": (
            "this mBot2 has no pen: draw in the simulator, which `mb.connect()` brings"
        ),
        "stop_drawing": "nothing is being drawn: this mBot2 has no pen",
        "sort_pieces": "this mBot2 has no arm and no colour sorter",
        "sync_inventory": "this mBot2 has no colour sorter, so there is nothing to count",
    }

    def __init__(
        self,
        port: str | OpenPort,
        *,
        name: str | None = None,
        robot_id: str | None = None,
        guarded: bool = True,
    ) -> None:
        self._order = itertools.count()
        self._lit: dict[int | str, int] = {}
        """The last script sent for each LED, or for all, by number; for the link's thread."""
        super().__init__(port, name=name, robot_id=robot_id, guarded=guarded)

    def dialect(self, number: int) -> F3Dialect:
        return F3Dialect(number)

    # Wheels: EM1 is the left one; EM2, the right one, is mounted the other way round.

    def drive_request(self, left: float, right: float) -> Request:
        em1, em2 = _short(left * FULL_SPEED / 100), _short(-right * FULL_SPEED / 100)
        return ScriptRequest(call("cyberpi.mbot2.drive_speed", em1, em2))

    @property
    def stop_request(self) -> Request:
        return ScriptRequest(STOP, f3.RUN_AT_ONCE)

    def send_stop(self) -> None:
        stop = self.link.request(
            self.stop_request,
            urgent=True,
            attempts=4,
            timeout=0.4,
            what="the stop",
            wanted=lambda: not self._clock.running,
        )
        self.watch_stop(stop)
        behind = ScriptRequest(STOP)
        self.link.request(behind, slot=MOTORS, attempts=4, what="the stop behind the queue")

    def halt(self) -> None:
        """Also a tone ends; one beside a motion whose time is over goes on."""
        try:
            super().halt()
        finally:
            self._silence()

    def prepare_motion(self) -> None:
        """A tone keeps the robot's queue busy: the motion would begin when its slice is over."""
        self._silence()

    def _silence(self) -> None:
        if self._tones.frequency is not None:
            self._tones.end()
            self.link.request(
                ScriptRequest(call("cyberpi.audio.stop"), f3.RUN_AT_ONCE),
                urgent=True,
                what="the end of the tone",
                wanted=lambda: self._tones.ended,
            )

    # Sensors.

    def set_up(self) -> None:
        answer = self.link.request(
            ScriptRequest(call("cyberpi.get_mac_address")), attempts=3, what="the serial number"
        )
        answer.add_done_callback(self._named)
        self._subscribe(0, self.connections)
        self._ask_battery(self.connections)

    def _subscribe(self, number: int, connection: int) -> None:
        """Subscribe to one sensor, then to the next: a motion need not wait for all of them."""
        if self.link.state != "ready" or connection != self.connections:
            return
        if number == len(SENSORS):
            self.link.call_at(time.monotonic() + FIRST_PUSHES, self.finish_set_up)
            return
        name, function, arguments, _ = SENSORS[number]
        text = f"subscribe.add_item({FIRST_KEY + number}, {function}, {arguments!r})"
        answer = self.link.request(
            ScriptRequest(text, numbered=False), attempts=3, what=f"the subscription to {name}"
        )

        def answered(future: Future[Any]) -> None:
            if (error := error_of(future)) is not None and self.link.state == "ready":
                self._report_error(f"subscribe to {name}", error)
            self._subscribe(number + 1, connection)

        answer.add_done_callback(answered)

    def handle_values(self, values: dict[int, Any]) -> None:
        senses = {}
        for key, value in values.items():
            if 0 <= key - FIRST_KEY < len(SENSORS) and value is not None:
                name, _, _, ours = SENSORS[key - FIRST_KEY]
                senses[name] = ours(value)
        if senses:
            self.update_senses(**senses)
            if len(self.senses) >= len(SENSORS):
                self.finish_set_up()

    def _named(self, future: Future[Any]) -> None:
        """Old firmware may not know its address: take the cable's number or the port's name."""
        answered = not future.cancelled() and future.exception() is None
        serial = future.result() if answered else None
        known = isinstance(serial, str) and serial
        self.set_serial(known or usb_serial(self.port) or self.port)

    def _ask_battery(self, connection: int) -> None:
        """By which a robot that has fallen silent is noticed, too."""
        answer = self.link.request(
            ScriptRequest("cyberpi.get_battery()"),
            attempts=3,
            timeout=0.5,
            slot="battery",
            what="the battery",
        )

        def answered(future: Future[Any]) -> None:
            if not future.cancelled() and future.exception() is None:
                with self.lock:
                    self.update_senses(battery=future.result())
            if self.link.state == "ready" and self.connections == connection:
                later = time.monotonic() + HEARTBEAT
                self.link.call_at(later, lambda: self._ask_battery(connection))

        answer.add_done_callback(answered)

    # Everything else.

    def carry_out(self, command: c.Command) -> Future[Any]:
        match command:
            case c.DisplayText(text=text):
                self._text = text
                script = call("cyberpi.display.clear")
                if text:
                    script = call("cyberpi.display.show_label", text, 16, "center", 0, None, False)
                return self.link.request(ScriptRequest(script), slot="display", what="display_text")
        return super().carry_out(command)

    def light(self, color: Color, index: int | None) -> Future[Any]:
        """Once more only while no later script has coloured what this one would colour again."""
        which: int | str = index or "all"
        script, order = call("cyberpi.led.on", *color, which), next(self._order)

        def being_sent() -> None:
            self._lit[which] = order

        def is_last() -> bool:
            return all(order >= lit for other, lit in self._lit.items() if "all" in (which, other))

        return self.link.request(
            ScriptRequest(script),
            slot=f"led {which}",
            what="set_led",
            on_send=being_sent,
            wanted=is_last,
        )

    def sound(self, frequency: float, seconds: float) -> Future[Any]:
        script = call("cyberpi.audio.play_tone", _short(frequency), _short(seconds))
        request, timeout = ScriptRequest(script), seconds + 1.0
        return self.link.request(request, timeout=timeout, attempts=1, what="play_tone")


def _short(value: float) -> float | int:
    """Whole numbers without a point, others to a thousandth."""
    return int(value) if value == int(value) else round(value, 3)
