"""The emulators answer as the real robots were seen to, run nothing they are sent, and behave as
badly as asked."""

from __future__ import annotations

import time

import serial

from mbot_nb.robots.serial.wire import f3
from tests.helpers.serial_robots import PATIENCE, Workshop
from tests.helpers.waiting import eventually


def test_bytes_take_their_time(workshop: Workshop) -> None:
    emulator = workshop.emulator(paced=True, boot=0, resets_on_open=False)
    with serial.serial_for_url(emulator.address, timeout=PATIENCE) as port:
        text = "x" * 1000
        began = time.monotonic()
        port.write(f3.encode_script(f"cyberpi.display.show_label({text!r}, 16)", 1))
        decoder = f3.Decoder()
        eventually(lambda: decoder.feed(port.read(port.in_waiting or 1)), "the answer")
        assert time.monotonic() - began > 1000 * 10 / 115200
