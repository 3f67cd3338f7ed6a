"""``sim_step*``: how much faster than real time the simulator is, with one robot and with thirty,
alone against fixed limits."""

from __future__ import annotations

from functools import partial
from time import process_time

from mbot_nb import commands as c
from mbot_nb.robots import SimulatedRobot, Simulation, World

from .figures import Comparison, Goal
from .harness import Contender

__all__ = ["comparisons", "speed"]

_LEG = 5.0  # s that one motion lasts; every robot goes round in a circle, each at its own pace


def comparisons() -> list[Comparison]:
    """What this module measures."""
    how = (
        "simulated seconds per second of CPU time, driving in circles all the time, with all "
        "their senses, boxes in the way"
    )
    return [
        Comparison(
            name=name,
            ours=Contender(f"ours: {count} robots", partial(_sample, count, legs)),
            theirs=None,
            unit="s/s",
            goal=Goal(ours_at_least=least),
            how=f"{how}; {words}",
        )
        for name, count, legs, least, words in (
            ("sim_step", 1, 100, 1000, "one robot in the usual world"),
            ("sim_step_30", 30, 4, 30, "thirty robots in one world of 4 m x 3 m, which meet"),
        )
    ]


async def _sample(count: int, legs: int) -> float:
    speed(count, 1)
    return speed(count, legs)


def speed(count: int, legs: int) -> float:
    """Simulated seconds per second of CPU time, for ``count`` robots and ``legs`` motions of 5 s
    each.

    Raises:
        RuntimeError: when one of them did not drive as far as it should.
    """
    now = 0.0

    def clock() -> float:
        return now

    simulation = Simulation(
        None if count == 1 else World(width=400, height=300), seed=1, clock=clock
    )
    robots = [SimulatedRobot(world=simulation) for _ in range(count)]
    began = process_time()
    for _ in range(legs):
        for at, robot in enumerate(robots):
            robot.execute(c.Drive(left=20 + at % 10, right=40, duration=_LEG))
        now += _LEG
        robots[0].advance()
    took = process_time() - began
    for robot in robots:
        turned = abs(robot.telemetry()["encoder_right"])
        if turned < 0.9 * legs * _LEG * 0.4 * 200 / 60 * 360:
            raise RuntimeError(
                f"a robot's wheel has turned {turned:.0f} degrees, too little: it did not drive "
                "all the time"
            )
    return legs * _LEG / took
