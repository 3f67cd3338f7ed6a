"""Makeblock's own client, `makeblock` 0.1.8 from PyPI, takes the emulator for an mBot2.

Its import opens the first port that is listed as a CH340, and installs a signal handler: it runs in
a process of its own, in which the list of ports names the emulator's pseudo-terminal.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.helpers.serial_robots import Workshop
from tests.helpers.waiting import eventually

CLIENT = """
import json, os, sys
import serial.tools.list_ports as list_ports
address = sys.argv[1]
list_ports.comports = lambda *_, **__: [(address, "USB Serial", "USB VID:PID=1A86:7523")]
from makeblock import cyberpi

results = {}
results["version"] = cyberpi.get_firmware_version()
results["name"] = cyberpi.get_name()
results["brightness"] = cyberpi.get_bri()
results["distance"] = cyberpi.ultrasonic2.get(1)
results["forward"] = cyberpi.mbot2.forward(50, 0.5)
results["angle"] = cyberpi.mbot2.EM_get_angle("EM1")
cyberpi.mbot2.turn(90, 50)
cyberpi.led.on(1, 2, 3, "all")
cyberpi.display.show_label("it's me", 16, "center")
cyberpi.audio.stop()
cyberpi.mbot2.drive_power(40, -40)
results["power"] = cyberpi.mbot2.EM_get_power("EM2")
cyberpi.mbot2.EM_stop("all")
print(json.dumps(results), flush=True)
os._exit(0)
"""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("paced", [False, True])
def test_makeblock_s_client_shakes_hands_drives_and_reads_sensors(
    workshop: Workshop, paced: bool
) -> None:
    world: dict[str, Any] = {
        "width": 300,
        "height": 300,
        "starts": [{"x": 60, "y": 150}],
        "ambient_light": 61,
    }
    emulator = workshop.emulator(world=world, paced=paced, boot=0.3, latency=0.01)
    run = subprocess.run(
        [sys.executable, "-c", CLIENT, emulator.address], capture_output=True, text=True, timeout=50
    )
    assert run.returncode == 0, run.stderr
    results = json.loads(run.stdout.splitlines()[-1])
    assert (results["version"], results["name"], results["brightness"]) == (
        "44.01.013",
        "mBot2",
        61,
    )
    assert results["distance"] == pytest.approx(300 - 60 - 8.75, abs=5)
    assert results["forward"] is None
    assert results["angle"] == pytest.approx(0.5 * 50 / 60 * 360, abs=15)
    assert results["power"] == -40
    eventually(emulator.vehicle.standing.is_set, "standing")
    assert emulator.vehicle.leds == [(1, 2, 3)] * 5
    assert emulator.vehicle.text == "it's me"
    x, y, heading = (emulator.vehicle.sense()[name] for name in ("x", "y", "heading"))
    assert heading == pytest.approx(270, abs=3)  # 90 degrees clockwise
    assert x == pytest.approx(60 + 8.5, abs=2)
    assert y < 150  # and on, with 40 percent
    assert "cyberpi.audio.stop()" in emulator.firmware.ran  # type: ignore[attr-defined]
