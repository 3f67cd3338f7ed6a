"""An mBot2 as its serial port shows it."""

from __future__ import annotations

import json
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

from ..serial.wire import f3
from . import script
from .firmware import Firmware
from .script import Name, ScriptCall, ScriptError
from .vehicle import Vehicle

__all__ = ["CyberPiFirmware"]

VERSION = "44.01.013"
PUSH_EVERY = 0.05
SHIELD = ("cyberpi.mbot2.", "cyberpi.ultrasonic2.", "cyberpi.quad_rgb_sensor.")
"""Calls that go through the mBot2 shield or its bus, and take twice as long to answer."""
FULL_SPEED = 200.0
"""RPM that are 100 percent."""
CM_PER_S = 0.3404
DEGREES_PER_S = 3.392
"""At 1 RPM: of a straight way, and of a turn in place."""
FRAME_TIMEOUT = 0.2
"""Seconds of silence after which an unfinished frame was none."""
QUEUE_SIZE = 64
"""Scripts."""
SHADES = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "white": (255, 255, 255),
    "yellow": (255, 255, 0),
}
KEYS = 256
"""Of subscriptions."""
BUTTONS = ("a", "b", "up", "down", "left", "right", "middle")


@dataclass
class Wait:
    """A script that keeps the queue busy for a time, and does something at its end."""

    seconds: float
    end: Callable[[], None] = lambda: None
    tone: bool = False

    def __post_init__(self) -> None:
        if not isfinite(self.seconds):
            raise ValueError("nothing can last so long")


class CyberPiFirmware(Firmware):
    """The scripts of Makeblock's API, in one queue except those of mode 3; changes are pushed.

    ``latency`` is the round trip of a script, seconds; through the shield it takes twice that. 0
    answers at once.
    """

    kind = "cyberpi"
    boot_text = (
        b"ets Jun  8 2016 00:22:57\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 "
        b"(SPI_FAST_FLASH_BOOT)\r\n"
    )

    def __init__(self, vehicle: Vehicle, *, boot: float = 6.0, latency: float = 0.051) -> None:
        self.latency = latency
        self.online = False
        self.lines: list[str] = []
        self.volume = 30
        self.pressed: set[str] = set()
        self.ran: deque[str] = deque(maxlen=1000)
        """The scripts it carried out, the last thousand."""
        super().__init__(vehicle, boot=boot)
        self.clear_state()

    def clear_state(self) -> None:
        self._decoder = f3.Decoder()
        self._received_at = 0.0
        self._queue: deque[f3.Script] = deque()
        self._waiting: tuple[float, Wait, f3.Script] | None = None
        self._subscriptions: dict[int, ScriptCall] = {}
        self._pushed: dict[int, Any] = {}
        self._next_push = inf
        self._power: dict[str, float] = {"EM1": 0.0, "EM2": 0.0}
        self._zero: dict[str, float] = {}
        self._yaw_zero = 0.0
        self.online = False

    def handle_bytes(self, data: bytes, now: float) -> None:
        # What garbage has begun and nobody ends must not swallow what comes a moment later.
        behind = self._decoder.flush() if now > self._received_at + FRAME_TIMEOUT else []
        self._received_at = now
        for frame in (*behind, *self._decoder.feed(data)):
            match frame:
                case f3.Switch():
                    self.online = frame.online
                case f3.Script(mode=f3.RUN_AT_ONCE):
                    self._run(frame, now, at_once=True)
                case f3.Script() if frame.mode != f3.RESET and len(self._queue) < QUEUE_SIZE:
                    self._queue.append(frame)
        self.advance(now)

    def advance(self, now: float) -> None:
        if self._waiting is not None and self._waiting[0] <= now:
            _, wait, frame = self._waiting
            self._waiting = None
            wait.end()
            self._answer(frame, None, now)
        while self._queue and self._waiting is None:
            self._run(self._queue.popleft(), now)
        if now >= self._next_push:
            self._push(now)

    @property
    def next_event(self) -> float:
        return min(self._waiting[0] if self._waiting is not None else inf, self._next_push)

    def press(self, button: str, down: bool, now: float) -> None:
        if button not in BUTTONS:
            raise ValueError(f"a CyberPi has the buttons {', '.join(BUTTONS)}, not {button!r}")
        (self.pressed.add if down else self.pressed.discard)(button)

    # Scripts.

    def _run(self, frame: f3.Script, now: float, *, at_once: bool = False) -> None:
        text = frame.text.decode("utf-8", "replace")
        self.ran.append(text)
        value: Any = None
        try:
            for call in script.parse(text):
                value = self._call(call, now)
                if isinstance(value, Wait) and not at_once:
                    self._waiting = (now + value.seconds, value, frame)
                    return
        except ScriptError as error:
            self._answer(frame, error, now)
            return
        self._answer(frame, None if isinstance(value, Wait) else value, now, text)

    def _answer(self, frame: f3.Script, value: Any, now: float, text: str = "") -> None:
        if frame.mode == f3.RUN:
            return
        reply = f'{{"ret":{_written(value)}}}'
        if isinstance(value, ScriptError):
            reply = json.dumps({"err": str(value)})
        delay = self.latency * (2 if text.startswith(SHIELD) else 1)
        self._send(f3.encode_script(reply, frame.number, frame.mode), now + delay)

    def _call(self, call: ScriptCall, now: float) -> Any:
        if call.name == "subscribe.add_item":
            return self._subscribe(call, now)
        function = getattr(self, f"do_{call.name.removeprefix('cyberpi.').replace('.', '_')}", None)
        if function is None or not call.name.startswith("cyberpi."):
            raise ScriptError(f"NameError: name '{call.name[:200]}' isn't defined")
        try:
            return function(*call.arguments, **call.keywords)
        except ScriptError:
            raise
        # as the robot's own Python does: whatever it is, it is answered, and the next script runs
        except Exception as error:
            raise ScriptError(f"{type(error).__name__}: {str(error)[:200]}") from None

    def _subscribe(self, call: ScriptCall, now: float) -> None:
        match call.arguments:
            case (int(key), Name() as name, tuple(arguments)) if 0 <= key < KEYS:
                wanted = ScriptCall(str(name), arguments)
                self._call(wanted, now)
                self._subscriptions[key] = wanted
                self._pushed.pop(key, None)
                self._next_push = min(self._next_push, now + PUSH_EVERY)
            case _:
                raise ScriptError("TypeError: add_item(key, function, (arguments))")

    def _push(self, now: float) -> None:
        self._next_push = now + PUSH_EVERY
        for key, call in self._subscriptions.items():
            try:
                value = self._call(call, now)
            except ScriptError:
                continue  # no value to push
            if key not in self._pushed or value != self._pushed[key]:
                self._pushed[key] = value
                self._send(f3.encode_push(f"{{{key}:{_written(value)}}}"), now)

    # The API.

    def do_get_firmware_version(self) -> str:
        return VERSION

    def do_get_name(self) -> str:
        return "mBot2"

    def do_get_mac_address(self) -> str:
        """Stays the same for a robot of the same constants."""
        vehicle = self.vehicle
        constants = f"{vehicle.scale:g} {vehicle.wheel:g} {vehicle.track:g}"
        number = b"\x02\xe0" + zlib.crc32(constants.encode()).to_bytes(4, "big")
        return number.hex(":")

    def do_get_bri(self) -> int:
        return round(self._sense("light"))

    def do_get_loudness(self, mode: str = "maximum") -> int:
        return round(self._sense("sound"))

    def do_get_battery(self) -> int:
        return int(self._sense("battery"))

    def do_get_yaw(self) -> int:
        """Clockwise is positive, -180 to 180."""
        return round((self._yaw_zero - self._sense("heading") + 180) % 360 - 180)

    def do_reset_yaw(self) -> None:
        self._yaw_zero = self._sense("heading")

    def do_reset_rotation(self, axis: str = "all") -> None:
        self.do_reset_yaw()

    def do_get_pitch(self) -> int:
        return 0

    do_get_roll = do_get_pitch

    def do_get_acc(self, axis: str) -> float:
        return {"x": 0.0, "y": 0.0, "z": 9.8}[axis]

    def do_get_gyro(self, axis: str) -> float:
        return {"x": 0.0, "y": 0.0, "z": round(self._sense("turn_rate"), 1)}[axis]

    def do_controller_is_press(self, name: str) -> bool:
        return name in self.pressed

    def do_led_on(self, r: int = 0, g: int = 0, b: int = 0, id: int | str = "all") -> None:
        self.vehicle.light(r, g, b, None if id == "all" else int(id))

    def do_led_off(self, id: int | str = "all") -> None:
        self.do_led_on(0, 0, 0, id)

    def do_led_play(self, name: str = "rainbow") -> Wait:
        return Wait(0.5)

    def do_led_show(self, color: str, offset: int = 0) -> None:
        for number, name in enumerate(color.split()[:5], 1):
            self.vehicle.light(*SHADES.get(name, (0, 0, 0)), number)

    def do_led_set_bri(self, brightness: int) -> None:
        float(brightness)

    def do_display_show_label(
        self, message: str, size: int, x: Any = 0, y: Any = 0, index: Any = None, new_flag: Any = 0
    ) -> None:
        self.vehicle.text = str(message)

    def do_display_clear(self) -> None:
        self.vehicle.text = ""

    def do_console_println(self, message: str) -> None:
        self.lines.append(str(message))

    def do_audio_play_tone(self, freq: float, t: float | None = None) -> Wait | None:
        wait = Wait(1.0 if t is None else float(t), tone=True)
        self.vehicle.sound(float(freq), wait.seconds)
        return None if t is None else wait

    def do_audio_set_vol(self, val: int) -> None:
        self.volume = max(0, min(100, int(val)))

    def do_audio_stop(self) -> None:
        """Also a tone that keeps the queue busy ends."""
        self.vehicle.sound(440, 0)
        if self._waiting is not None and self._waiting[1].tone:
            self._waiting = (-inf, *self._waiting[1:])

    def do_ultrasonic2_get(self, index: int = 1) -> float:
        return round(self._sense("distance"), 1)

    def do_ultrasonic2_set_bri(self, bri: int, led_id: Any = "all", index: int = 1) -> None:
        float(bri)

    def do_ultrasonic2_play(self, emotion: str, index: int = 1) -> Wait:
        return Wait(0.5)

    def do_quad_rgb_sensor_get_line_sta(self, index: int = 1) -> int:
        return int(self._sense("line"))

    def do_quad_rgb_sensor_get_offset_track(self, index: int = 1) -> int:
        return int(self._sense("line_offset"))

    def do_quad_rgb_sensor_get_gray(self, channel: int, index: int = 1) -> int:
        """0 dark to 100 bright; channels from the right: R2 is 1."""
        return 10 if int(self._sense("line")) >> (int(channel) - 1) & 1 else 90

    # Motors: EM1 is the left wheel, EM2 the right one, which turns the other way round.

    def do_mbot2_drive_power(self, em1: float, em2: float) -> None:
        self._power = {"EM1": float(em1), "EM2": float(em2)}
        self.vehicle.drive(self._power["EM1"], -self._power["EM2"])

    def do_mbot2_drive_speed(self, em1: float, em2: float) -> None:
        self.do_mbot2_drive_power(em1 * 100 / FULL_SPEED, em2 * 100 / FULL_SPEED)

    def do_mbot2_EM_set_power(self, power: float, port: str = "all") -> None:
        ports = ("EM1", "EM2") if port == "all" else (port,)
        wanted = {**self._power, **dict.fromkeys(ports, float(power))}
        self.do_mbot2_drive_power(wanted["EM1"], wanted["EM2"])

    def do_mbot2_EM_set_speed(self, speed: float, port: str = "all") -> None:
        self.do_mbot2_EM_set_power(speed * 100 / FULL_SPEED, port)

    def do_mbot2_EM_stop(self, port: str = "all") -> None:
        self.do_mbot2_EM_set_power(0, port)

    def do_mbot2_EM_get_angle(self, port: str) -> int:
        return round(self._angle(port) - self._zero.get(port, 0.0))

    def do_mbot2_EM_reset_angle(self, port: str = "all") -> None:
        for each in ("EM1", "EM2") if port == "all" else (port,):
            self._zero[each] = self._angle(each)

    def do_mbot2_EM_get_speed(self, port: str) -> int:
        return round(self._power[port] * FULL_SPEED / 100)

    def do_mbot2_EM_get_power(self, port: str) -> int:
        return round(self._power[port])

    def do_mbot2_EM_lock(self, is_lock: bool, port: str = "all") -> None:
        bool(is_lock)

    def do_mbot2_forward(self, speed: float = 50, t: float | str = "null") -> Wait | None:
        return self._go(speed, -speed, t)

    def do_mbot2_backward(self, speed: float = 50, t: float | str = "null") -> Wait | None:
        return self._go(-speed, speed, t)

    def do_mbot2_turn_left(self, speed: float = 50, t: float | str = "null") -> Wait | None:
        return self._go(-speed, -speed, t)

    def do_mbot2_turn_right(self, speed: float = 50, t: float | str = "null") -> Wait | None:
        return self._go(speed, speed, t)

    def do_mbot2_straight(self, distance: float, speed: float = 50) -> Wait | None:
        signed = speed if distance >= 0 else -speed
        return self._go(signed, -signed, abs(distance) / (CM_PER_S * abs(speed)) if speed else 0)

    def do_mbot2_turn(self, angle: float, speed: float = 50) -> Wait | None:
        signed = speed if angle >= 0 else -speed
        return self._go(signed, signed, abs(angle) / (DEGREES_PER_S * abs(speed)) if speed else 0)

    def _go(self, em1: float, em2: float, t: float | str) -> Wait | None:
        """Turn the wheels, RPM: until the next call, or with the queue busy for ``t`` seconds."""
        wait = None if isinstance(t, str) else Wait(float(t), self.do_mbot2_EM_stop)
        self.do_mbot2_drive_speed(em1, em2)
        return wait

    def _angle(self, port: str) -> float:
        return {"EM1": self._sense("encoder_left"), "EM2": -self._sense("encoder_right")}[port]

    def _sense(self, what: str) -> float:
        return float(self.vehicle.sense()[what])


def _written(value: Any) -> str:
    """A value as the robot's Python writes it."""
    return json.dumps(value) if isinstance(value, str) else repr(value)
