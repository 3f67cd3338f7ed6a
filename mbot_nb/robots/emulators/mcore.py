"""An mBot as its serial port shows it."""

from __future__ import annotations

import struct
from collections import deque
from math import inf

from ..serial.wire import ff55
from .firmware import Firmware
from .vehicle import Vehicle

__all__ = ["MCoreFirmware"]

VERSION = "06.01.107"
RING = 64
"""Bytes the firmware can keep while it is busy."""
PROCESSING = 0.004
"""Seconds it takes for one request: 40 reads sent at once overrun the ring."""
NO_ECHO = 0.9
"""Seconds it stands still when the ultrasonic sensor gets no echo."""
TONE_EXTRA = 0.07
"""Seconds that a tone takes longer than it sounds."""
MOTORS, RGB, MOTOR, TONE, TIMER = 5, 8, 10, 34, 50


class MCoreFirmware(Firmware):
    """The firmware 06.01.107: one request at a time, no checksums, unnumbered acknowledgements."""

    kind = "mbot"
    boot_text = b"Version: " + VERSION.encode() + b"\r\n"

    def __init__(self, vehicle: Vehicle, *, boot: float = 1.3) -> None:
        super().__init__(vehicle, boot=boot)
        self.pressed = False
        self.lost = 0
        """Bytes that found no place, or came while a tone sounded."""
        self.ran: deque[ff55.Request] = deque(maxlen=1000)
        self.clear_state()

    def clear_state(self) -> None:
        self._decoder = ff55.RequestDecoder()
        self._ring = bytearray()
        self.busy_until = -inf
        """When the firmware reads the next request."""
        self._deaf_until = -inf
        self._started = 0.0
        self._speeds = {9: 0, 10: 0}

    def handle_bytes(self, data: bytes, now: float) -> None:
        if now < self._deaf_until:
            self.lost += len(data)
            return
        self.advance(now)
        space = RING - len(self._ring)
        self.lost += max(0, len(data) - space)
        self._ring += data[:space]
        self.advance(now)

    def advance(self, now: float) -> None:
        while self._ring and self.busy_until <= now:
            byte = self._ring.pop(0)
            for request in self._decoder.feed(bytes((byte,))):
                started_at = max(self.busy_until, now)
                self.busy_until = started_at + PROCESSING
                self._carry_out(request, started_at)

    @property
    def next_event(self) -> float:
        return self.busy_until if self._ring else inf

    def press(self, button: str, down: bool, now: float) -> None:
        self.pressed = down
        self._send(ff55.encode_value(ff55.BUTTON, ff55.BYTE, int(down)), now)

    def _carry_out(self, request: ff55.Request, now: float) -> None:
        if request.action not in ff55.ACTIONS:
            return
        self.ran.append(request)
        if request.action == ff55.GET:
            self._get(request, now)
            return
        if request.action == ff55.RUN:
            self._do(request, now)
        elif request.action == ff55.RESET:
            self._motors({9: 0, 10: 0})
        self._send(ff55.encode_ack(), self.busy_until)

    def _get(self, request: ff55.Request, now: float) -> None:
        senses = self.vehicle.sense()
        value: float | str
        kind = ff55.FLOAT
        match request.device:
            case 0:
                kind, value = ff55.TEXT, VERSION
            case 1:
                value = float(senses["distance"])
                if senses["distance"] >= 300:
                    value = 400.0
                    self.busy_until = now + NO_ECHO
            case 3:
                value = float(round(senses["light"] * 10.23))
            case 7:
                value = float(round(senses["sound"] * 10.23))
            case 17:
                left, right = not int(senses["line"]) & 4, not int(senses["line"]) & 2
                value = float(left * 2 + right)
            case 31:
                value = 1023.0
            case 30:
                kind, value = ff55.BYTE, 0
            case 35:
                kind, value = ff55.BYTE, int(self.pressed)
            case 50:
                value = now - self._started
            case _:
                self._send(ff55.encode_nothing(request.number), self.busy_until)
                return
        self._send(ff55.encode_value(request.number, kind, value), self.busy_until)

    def _do(self, request: ff55.Request, now: float) -> None:
        data = request.data
        if request.device == MOTORS and len(data) >= 4:
            left, right = struct.unpack_from("<hh", data)
            self._motors({9: left, 10: right})
        elif request.device == MOTOR and len(data) >= 3:
            port, speed = struct.unpack_from("<Bh", data)
            if port in self._speeds:
                self._motors({**self._speeds, port: speed})
        elif request.device == RGB and len(data) >= 6:
            _, _, index, red, green, blue = data[:6]
            self.vehicle.light(red, green, blue, index or None)
        elif request.device == TONE and len(data) >= 4:
            frequency, milliseconds = struct.unpack_from("<HH", data)
            self.vehicle.sound(frequency, milliseconds / 1000)
            self.busy_until = self._deaf_until = now + milliseconds / 1000 + TONE_EXTRA
        elif request.device == TIMER:
            self._started = now

    def _motors(self, speeds: dict[int, int]) -> None:
        """-255 to 255; M1 is the left wheel and turns the other way round."""
        self._speeds = {port: max(-255, min(255, speed)) for port, speed in speeds.items()}
        self.vehicle.drive(-self._speeds[9] / 2.55, self._speeds[10] / 2.55)
