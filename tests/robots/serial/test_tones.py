"""Tones, and how they end."""

from __future__ import annotations

from mbot_nb import commands as c
from tests.helpers.serial_robots import EMPTY, PATIENCE, Workshop, ran
from tests.helpers.waiting import eventually


def test_a_long_tone_holds_nothing_up_and_a_stop_silences_it(workshop: Workshop) -> None:
    """A tone keeps the queue busy: whole, it would look like a robot that fell silent, and commands
    would be sent twice."""
    emulator = workshop.emulator(world=EMPTY, paced=True)
    robot, ears = workshop.robot(emulator)
    tone = robot.submit(c.PlayTone(frequency=440, duration=20))
    robot.submit(c.SetLed(r=1, g=2, b=3)).result(PATIENCE)
    eventually(lambda: ran(emulator).count("cyberpi.get_battery()") >= 3, "two heartbeats")
    assert len([script for script in ran(emulator) if script.startswith("cyberpi.led.on")]) == 1
    assert tone.done(), "it sounds"
    assert robot.state()["sound"] == {"frequency": 440}
    robot.stop()
    eventually(lambda: "cyberpi.audio.stop()" in ran(emulator), "the silence")
    assert robot.state()["sound"] == {"frequency": None}
    assert ears.of("error") == []
    assert [data["connected"] for data in ears.of("robot_connection")] == [True]
