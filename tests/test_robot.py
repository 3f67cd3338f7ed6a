"""What every robot has: motions that end once, stops that exclude motion, and a latch."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from mbot_nb import commands as c
from mbot_nb.errors import CommandRejectedError
from mbot_nb.robot import Ended, Motion, Robot


class Plain(Robot):
    def __init__(self) -> None:
        super().__init__()
        self.motion: Motion | None = None

    def state(self) -> dict[str, Any]:
        return {}

    def telemetry(self) -> dict[str, Any]:
        return {}

    def perform(self, command: c.Command) -> Motion | Mapping[str, Any] | None:
        if command.motion:
            self.motion = Motion(1.0)
            return self.motion
        return {"did": command.name}

    def halt(self) -> None:
        if self.motion is not None:
            self.motion.end("stopped")


def test_a_motion_ends_once_and_tells_everybody() -> None:
    motion = Motion(2.0)
    told: list[Ended] = []
    motion.on_end(told.append)
    assert repr(motion) == "<Motion of 2 s, under way>"
    motion.end("time")
    motion.end("stopped")
    motion.on_end(told.append)
    assert told == ["time", "time"]
    assert motion.ended == "time"
    assert repr(motion) == "<Motion of 2 s, time>"


def test_a_motion_that_many_threads_end_ends_once() -> None:
    for _ in range(50):
        motion = Motion(1.0)
        told: list[Ended] = []
        motion.on_end(told.append)
        ready = threading.Barrier(4)

        def end(how: Ended, motion: Motion = motion, ready: threading.Barrier = ready) -> None:
            ready.wait()
            motion.end(how)

        ends: tuple[Ended, ...] = ("time", "replaced", "stopped", "time")
        threads = [threading.Thread(target=end, args=(how,)) for how in ends]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert told == [motion.ended]


def test_an_emergency_stop_latches() -> None:
    robot = Plain()
    motion = robot.execute(c.Drive(left=1, right=1))
    assert isinstance(motion, Motion)
    first = robot.emergency_stop()
    assert motion.ended == "stopped"
    assert robot.latch == first
    with pytest.raises(CommandRejectedError, match="release it first") as caught:
        robot.execute(c.Drive(left=1, right=1))
    assert caught.value.code == "STOPPED"
    assert caught.value.details == {"latch": first}
    assert robot.execute(c.DisplayText(text="x")) == {"did": "display_text"}
    second = robot.emergency_stop()
    assert second != first
    with pytest.raises(
        CommandRejectedError, match="another emergency stop has come since"
    ) as caught:
        robot.release_stop(first)
    assert caught.value.code == "STATE_CONFLICT"
    robot.release_stop(second)
    assert robot.latch is None
    with pytest.raises(CommandRejectedError, match="nothing to release"):
        robot.release_stop(second)
    assert isinstance(robot.execute(c.Drive(left=1, right=1)), Motion)


def test_what_happens_is_reported_while_somebody_listens() -> None:
    robot = Plain()
    robot.report("unheard")
    told: list[tuple[str, dict[str, Any]]] = []
    robot.attach(lambda event, data: told.append((event, dict(data))))
    robot.stop("a reason")
    latch = robot.emergency_stop()
    robot.report("more", {"a": 1})
    robot.report("nothing more")
    robot.detach()
    robot.stop()
    assert told == [
        ("robot_stopped", {"reason": "a reason"}),
        ("robot_stopped", {"reason": "emergency_stop", "latch": latch}),
        ("more", {"a": 1}),
        ("nothing more", {}),
    ]
    robot.close()


def test_a_robot_is_made_whole() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Robot()  # type: ignore[abstract]
