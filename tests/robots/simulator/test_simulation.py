"""Time: many robots under one clock, readings that change nothing, timers, listeners, speed."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbot_nb import commands as c
from mbot_nb.robots import SimulatedRobot, Simulation, World, watchdog
from mbot_nb.robots.simulator.world import Box, Light, Start
from tests.helpers.robots import Ears, FakeClock

WORLD = World(
    width=150,
    height=110,
    boxes=(Box(x=30, y=85, angle=20),),
    lights=(Light(x=20, y=20),),
    starts=(Start(x=75, y=55), Start(x=110, y=55, heading=180), Start(x=75, y=85, heading=-90)),
)

ACTS: list[c.Command] = [
    c.Drive(left=100, right=80, duration=1.5),
    c.Drive(left=-60, right=90, duration=0.777),
    c.Move(direction="forward", speed=100, duration=3),
    c.StartDrawing(shape="circle"),
    c.StartDrawing(points=[(5, 5), (30, 0)]),
    c.PlayTone(frequency=440, duration=0.33),
    c.StartGame(game="simon"),
    c.UpdatePersonality(startle_sensitivity=0.9),
    c.StopDrawing(),
]


@settings(max_examples=40)
@given(
    acts=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(ACTS), st.floats(0, 1.5)),
        min_size=1,
        max_size=10,
    ),
    looks=st.lists(st.tuples(st.floats(0.001, 0.5), st.integers(0, 2)), max_size=40),
)
def test_looking_at_many_robots_changes_nothing(
    acts: list[tuple[int, c.Command, float]], looks: list[tuple[float, int]]
) -> None:
    """Whoever looks, whenever and at whom: every path, state and event comes out the same to the
    last bit."""

    def live(looks: list[tuple[float, int]]) -> list[Any]:
        clock = FakeClock()
        simulation = Simulation(WORLD, seed=3, clock=clock)
        bots = [SimulatedRobot(world=simulation) for _ in WORLD.starts]
        ears = [Ears() for _ in bots]
        for bot, ear in zip(bots, ears, strict=True):
            bot.attach(ear)
        pending = iter(looks)
        for which, act, pause in acts:
            bots[which].execute(act)
            end = clock.now + pause
            for wait, whom in pending:
                if clock.now + wait >= end:
                    break
                clock.sleep(wait)
                bots[whom].state()
                bots[whom].telemetry()
                assert bots[whom].path
            clock.now = end
        clock.now = 1060.0
        return [
            (bot.state(), bot.telemetry(), bot.path, bot.distance_driven, ear)
            for bot, ear in zip(bots, ears, strict=True)
        ]

    assert live(looks) == live([])


def test_another_seed_gives_other_readings_but_the_same_path() -> None:
    def live(seed: int) -> tuple[Any, Any]:
        clock = FakeClock()
        bot = SimulatedRobot(seed=seed, world=WORLD, clock=clock)
        bot.execute(c.Drive(left=10, right=12, duration=3))
        found = []
        for _ in range(20):
            clock.sleep(0.1)
            found.append(bot.telemetry()["distance"])
        clock.sleep(5)
        return found, bot.path

    (first, path), (same, path_again), (other, other_path) = live(1), live(1), live(2)
    assert first == same
    assert first != other
    assert path == path_again == other_path


def test_a_world_at_rest_costs_nothing_and_wakes_up(clock: FakeClock) -> None:
    simulation = Simulation(WORLD, clock=clock)
    bots = [SimulatedRobot(world=simulation) for _ in WORLD.starts]
    clock.sleep(60)
    bots[0].advance()
    rest = [bot.state() for bot in bots]
    began = time.process_time()
    clock.sleep(365 * 24 * 3600)
    assert [bot.state() for bot in bots] == rest
    assert time.process_time() - began < 0.1
    bots[1].execute(c.Move(direction="left", speed=50, duration=0.5))
    clock.sleep(1)
    assert bots[1].state()["pose"]["heading"] != rest[1]["pose"]["heading"]
    assert bots[0].state()["pose"] == rest[0]["pose"]


def test_a_very_short_motion_is_felt_too(clock: FakeClock) -> None:
    bot = SimulatedRobot(world=World(), clock=clock, noise=0)
    clock.sleep(60.011)
    before = bot.telemetry()["distance"]
    bot.execute(c.Drive(left=100, right=100, duration=0.03))
    clock.sleep(1)
    assert bot.distance_driven == pytest.approx(500 * 0.03**2)
    assert bot.telemetry()["distance"] == pytest.approx(before - 0.45, abs=0.06)


def test_a_clock_that_goes_back_is_not_followed(clock: FakeClock) -> None:
    bot = SimulatedRobot(clock=clock)
    bot.execute(c.Drive(left=50, right=50, duration=1))
    clock.sleep(0.5)
    driven = bot.distance_driven
    clock.sleep(-0.4)
    assert bot.distance_driven == driven


def test_a_listener_that_fails_stops_nobody(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    bot = SimulatedRobot(clock=clock)

    def fail(event: str, data: object) -> None:
        raise ValueError("no ears")

    bot.attach(fail)
    with caplog.at_level(logging.ERROR, "mbot_nb"):
        bot.execute(c.UpdatePersonality(energy_baseline=0.1))
    assert "no ears" in caplog.text
    motion = bot.execute(c.Drive(left=1, right=1, duration=1))
    bot.stop()
    assert motion is not None
    assert motion.ended == "stopped"  # type: ignore[union-attr]


def test_what_is_reported_comes_in_order_from_many_threads() -> None:
    """Four threads stop and drive one robot; its events come one at a time, each motion ends
    once."""
    bot = SimulatedRobot(seed=1)
    inside = threading.Semaphore(1)
    clashes: list[str] = []
    events: list[str] = []

    def on_event(event: str, data: object) -> None:
        if not inside.acquire(blocking=False):
            clashes.append(event)
        events.append(event)
        inside.release()

    bot.attach(on_event)
    ends: list[str] = []

    def work() -> None:
        for _ in range(50):
            motion = bot.execute(c.Drive(left=20, right=20, duration=5))
            motion.on_end(ends.append)  # type: ignore[union-attr]
            bot.stop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    bot.advance()
    assert clashes == []
    assert events.count("robot_stopped") == 200
    assert len(ends) == 200
    assert set(ends) <= {"stopped", "replaced"}
    assert watchdog.shared().join(5)


def test_the_watchdog_reports_though_nobody_looks() -> None:
    bot = SimulatedRobot(seed=1, world=World(width=60, height=60))
    reported = threading.Event()
    names: list[str] = []

    def on_event(event: str, data: object) -> None:
        names.append(threading.current_thread().name)
        reported.set()

    bot.attach(on_event)
    bot.execute(c.Drive(left=100, right=100, duration=0.4))
    assert reported.wait(5)
    assert set(names) == {"mbot-watchdog"}
    assert watchdog.shared().join(5)


@pytest.mark.parametrize(("count", "figure"), [(1, 1000), (30, 30)])
def test_it_is_fast(count: int, figure: int) -> None:
    """Simulated seconds per second of processor time. A tenth of the figure is enough here: the
    machine may be busy."""
    clock = FakeClock()
    simulation = Simulation(World(width=400, height=300), seed=1, clock=clock)
    bots = [SimulatedRobot(world=simulation) for _ in range(count)]
    began = time.process_time()
    for _ in range(2):
        for bot in bots:
            bot.execute(c.Drive(left=30, right=45, duration=5))
        clock.sleep(5)
        bots[0].advance()
    assert 10 / (time.process_time() - began) > figure / 10
