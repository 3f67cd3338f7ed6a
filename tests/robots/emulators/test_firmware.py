"""What both emulated robots have in common."""

from __future__ import annotations

from mbot_nb.robots.emulators.cyberpi import CyberPiFirmware
from mbot_nb.robots.emulators.mcore import MCoreFirmware
from mbot_nb.robots.serial.wire import f3, ff55
from tests.helpers.robots import FakeClock
from tests.helpers.serial_robots import frames_within


def test_leds_that_are_not_there_stay_dark(
    mbot2: CyberPiFirmware, mbot: MCoreFirmware, clock: FakeClock
) -> None:
    for index in (0, 6, 255, -1):
        mbot2.receive(f3.encode_script(f"cyberpi.led.on(1, 2, 3, {index})", 1), clock.now)
        if index > 0:
            mbot.receive(
                ff55.encode_request(ff55.Request(1, ff55.RUN, 8, bytes((7, 2, index, 1, 2, 3)))),
                clock.now,
            )
    frames_within(mbot2, clock, 0.1)
    assert frames_within(mbot, clock, 0.1) == [ff55.encode_ack()] * 2
    assert set(mbot2.vehicle.leds + mbot.vehicle.leds) == {(0, 0, 0)}
