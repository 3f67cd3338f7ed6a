"""A robot stands soon after the program that drove it was killed or held up in mid-motion."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from mbot_nb import commands as c
from tests.helpers.serial_robots import PATIENCE, STOPS, Spoiler, Workshop
from tests.helpers.waiting import eventually

DRIVER = """
import sys, time
from mbot_nb import commands as c
from mbot_nb.robots.serial.{module} import {driver}
robot = {driver}({address!r})
robot.wait_ready(8)
while not robot.link.guarded:
    time.sleep(0.01)
robot.execute(c.Drive(left=50, right=50, duration={duration}))
print("driving", flush=True)
{then}
"""
KINDS = pytest.mark.parametrize(
    ("kind", "module", "driver"),
    [("cyberpi", "cyberpi", "CyberPiRobot"), ("mbot", "mcore", "MBotRobot")],
)
WORLD = {"width": 1500, "height": 400, "starts": [{"x": 60, "y": 200}]}


@contextmanager
def driving(
    address: str, module: str, driver: str, *, duration: float, then: str
) -> Iterator[subprocess.Popen[str]]:
    script = DRIVER.format(
        address=address, module=module, driver=driver, duration=duration, then=then
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "driving\n"
            yield process
        finally:
            process.kill()
    eventually(
        lambda: not [p for p in psutil.process_iter(["cmdline"]) if is_guard_of(p, process.pid)],
        "the guard's end",
    )


def is_guard_of(process: psutil.Process, pid: int) -> bool:
    arguments = process.info["cmdline"] or []
    return (
        len(arguments) > 2
        and arguments[-3].endswith("guard_process.py")
        and arguments[-1] == str(pid)
    )


@KINDS
def test_killed_in_mid_motion(workshop: Workshop, kind: str, module: str, driver: str) -> None:
    emulator = workshop.emulator(kind, world=WORLD, paced=True)
    with driving(emulator.address, module, driver, duration=10, then="time.sleep(60)") as process:
        eventually(lambda: not emulator.vehicle.standing.is_set(), "the motion")
        killed = time.monotonic()
        process.send_signal(signal.SIGKILL)
        eventually(emulator.vehicle.standing.is_set, "standing")
        assert emulator.vehicle.stopped_at - killed < 0.5


def test_killed_in_mid_motion_while_a_fork_of_it_lives_on(workshop: Workshop) -> None:
    """A fork keeps the guard's input open: it looks whose child it is."""
    emulator = workshop.emulator(world=WORLD)
    then = """
import os
child = os.fork()
if not child:
    time.sleep(3)
    os._exit(0)
print(child, flush=True)
time.sleep(60)
"""
    with driving(emulator.address, "cyberpi", "CyberPiRobot", duration=10, then=then) as process:
        assert process.stdout is not None
        child = psutil.Process(int(process.stdout.readline()))
        process.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        eventually(emulator.vehicle.standing.is_set, "standing")
        assert emulator.vehicle.stopped_at - killed < 1.0
        assert child.is_running()
        child.kill()


def test_held_up_by_code_that_does_not_let_go_of_the_interpreter(workshop: Workshop) -> None:
    """As C code that computes for long: no thread of the program runs, not even the link's."""
    emulator = workshop.emulator(world=WORLD)
    with driving(
        emulator.address, "cyberpi", "CyberPiRobot", duration=0.5, then="time.sleep(60)"
    ) as process:
        eventually(lambda: not emulator.vehicle.standing.is_set(), "the motion")
        process.send_signal(signal.SIGSTOP)
        eventually(emulator.vehicle.standing.is_set, "standing")
        assert emulator.vehicle.turned == pytest.approx(0.65, abs=0.25)
        process.send_signal(signal.SIGCONT)


@KINDS
def test_held_up_right_after_a_stop_that_was_lost(
    workshop: Workshop, kind: str, module: str, driver: str
) -> None:
    emulator = workshop.emulator(kind, world=WORLD)
    with driving(emulator.address, module, driver, duration=0.5, then="time.sleep(60)") as process:
        eventually(lambda: not emulator.vehicle.standing.is_set(), "the motion")
        # An mBot2 is sent two stops, perhaps in two pieces; the driver would send them again 0.4 s
        # later.
        lost = Spoiler(
            emulator, STOPS[kind], moment=0.2, then=lambda: process.send_signal(signal.SIGSTOP)
        )
        eventually(lambda: lost.done, "the stop")
        assert not emulator.vehicle.standing.is_set()
        eventually(emulator.vehicle.standing.is_set, "standing")
        assert emulator.vehicle.turned == pytest.approx(1.15, abs=0.35)


def test_interrupted_the_guard_stays(workshop: Workshop) -> None:
    """Interrupting a cell signals the whole group of processes."""
    emulator = workshop.emulator(world=WORLD)
    robot, _ = workshop.robot(emulator, guarded=True)
    (guard,) = [
        child
        for child in psutil.Process().children()
        if any("guard_process.py" in word for word in child.cmdline())
    ]
    guard.send_signal(signal.SIGINT)
    robot.submit(c.Drive(left=10, right=10, duration=0.05)).result(PATIENCE)
    assert robot.link.guarded
    assert os.getpgid(guard.pid) != os.getpgid(0)


def test_in_the_ordinary_course_it_sends_nothing(workshop: Workshop) -> None:
    emulator = workshop.emulator(world=WORLD)
    robot, _ = workshop.robot(emulator, guarded=True)
    eventually(lambda: "battery" in robot.telemetry(), "the subscriptions")
    for _ in range(3):
        robot.submit(c.Drive(left=50, right=50, duration=0.2)).result(PATIENCE)
    eventually(emulator.vehicle.standing.is_set, "standing")
    robot.close()
    robot.link.close(PATIENCE)
    written = robot.link.written
    eventually(lambda: emulator.received >= written, "the last byte")
    assert emulator.received == written
