"""The simulated mBot2 seen from outside: commands in, time passes, state out."""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbot_nb import commands as c
from mbot_nb.errors import CommandRejectedError
from mbot_nb.robots import SimulatedRobot, World, watchdog
from mbot_nb.robots.simulator.body import FULL_SPEED
from tests.helpers.robots import Ears, FakeClock, drive


def test_a_motion_lasts_as_long_as_it_was_told_though_nobody_looks_for_five_seconds(
    bot: SimulatedRobot, clock: FakeClock, ears: Ears
) -> None:
    motion = drive(bot, 40, 40, 1.0)
    clock.sleep(5)
    assert bot.distance_driven == pytest.approx(0.4 * FULL_SPEED, abs=1e-9)
    assert motion.ended == "time"
    assert bot.state()["motors"] == {"left": 0, "right": 0, "moving": False}


def test_it_shows_where_it_is(bot: SimulatedRobot, clock: FakeClock) -> None:
    assert repr(bot) == "<SimulatedRobot 'simulated-mbot2' at (100.0, 75.0) cm, heading 0 deg>"
    clock.sleep(2)
    bot.advance()
    assert repr(bot.simulation) == "<Simulation of 1 robot in 200 x 150 cm at 2.00 s>"


def test_a_new_motion_replaces_the_old_one(bot: SimulatedRobot, clock: FakeClock) -> None:
    first = drive(bot, 50, 50, 5)
    clock.sleep(1)
    second = drive(bot, -50, -50, 1)
    assert first.ended == "replaced"
    assert second.ended is None
    clock.sleep(1)
    bot.advance()
    assert second.ended == "time"
    assert first.ended == "replaced"


def test_a_motion_that_was_over_was_not_replaced(bot: SimulatedRobot, clock: FakeClock) -> None:
    first = drive(bot, 50, 50, 1)
    clock.sleep(3)
    drive(bot, 50, 50, 1)
    assert first.ended == "time"


def test_a_motion_of_no_time_ends_at_once(bot: SimulatedRobot, clock: FakeClock) -> None:
    assert drive(bot, 50, 50, 0).ended == "time"
    clock.sleep(1)
    assert bot.distance_driven == 0


@settings(max_examples=60, deadline=None)
@given(
    motions=st.lists(
        st.tuples(st.floats(-100, 100), st.floats(-100, 100), st.floats(0, 3), st.floats(0, 2)),
        min_size=1,
        max_size=6,
    ),
    looks=st.lists(st.floats(0, 0.7), max_size=40),
)
def test_looking_changes_nothing(
    motions: list[tuple[float, float, float, float]], looks: list[float]
) -> None:
    def live(looks: list[float]) -> tuple[Any, ...]:
        clock, ears = FakeClock(), Ears()
        bot = SimulatedRobot(seed=3, clock=clock)
        bot.attach(ears)
        pauses = iter(looks)
        for left, right, duration, pause in motions:
            drive(bot, left, right, duration)
            end = clock.now + pause
            for look in pauses:
                if clock.now + look >= end:
                    break
                clock.sleep(look)
                bot.state()
                bot.telemetry()
            clock.now = end
        clock.now = 1020.0
        return bot.state(), bot.telemetry(), bot.path, bot.distance_driven, ears

    assert live(looks) == live([])


@given(look=st.floats(0, 2))
@settings(max_examples=50, deadline=None)
def test_a_look_sees_the_very_moment(look: float) -> None:
    clock = FakeClock()
    bot = SimulatedRobot(clock=clock)
    drive(bot, 50, 50, 2)
    clock.sleep(look)
    speed = FULL_SPEED / 2
    ramp = speed / 500
    t = clock.now - 1000
    expected = 250 * t * t if t < ramp else speed * (t - ramp / 2)
    assert bot.distance_driven == pytest.approx(expected, abs=1e-6)


def test_standing_costs_nothing(bot: SimulatedRobot, clock: FakeClock) -> None:
    drive(bot, 30, 50, 1)
    clock.sleep(60)
    bot.advance()
    started = time.process_time()
    for _ in range(10):
        clock.sleep(3600)
        bot.state()
    assert time.process_time() - started < 0.1


def test_at_rest_every_look_gives_an_equal_state(bot: SimulatedRobot, clock: FakeClock) -> None:
    drive(bot, 100, 90, 2)
    clock.sleep(60)
    first = bot.state()
    for _ in range(20):
        clock.sleep(0.37)
        assert bot.state() == first
        assert bot.state() is not first


def test_the_emergency_stop_latches(bot: SimulatedRobot, clock: FakeClock) -> None:
    motion = drive(bot, 50, 50, 10)
    latch = bot.emergency_stop()
    assert motion.ended == "stopped"
    with pytest.raises(CommandRejectedError, match="STOPPED"):
        drive(bot, 50, 50)
    bot.release_stop(latch)
    drive(bot, 50, 50)


def test_the_personality_changes_within_its_range_and_says_so(
    bot: SimulatedRobot, ears: Ears
) -> None:
    command = c.parse("update_personality", {"curiosity_drive": 0.9, "tension_baseline": 0})
    bot.execute(command)
    personality = bot.state()["personality"]
    assert set(personality) == set(c.TRAITS)
    assert personality["curiosity_drive"] == 0.9
    assert all(0 <= value <= 1 for value in personality.values())
    assert ears == [
        (
            "personality_changed",
            {
                "personality": personality,
                "changed": {"curiosity_drive": 0.9, "tension_baseline": 0},
            },
        )
    ]


def test_leds_display_and_tone_are_in_the_state(bot: SimulatedRobot, clock: FakeClock) -> None:
    bot.execute(c.SetLed(r=1, g=2, b=3))
    bot.execute(c.SetLed(r=255, g=0, b=0, index=2))
    bot.execute(c.DisplayText(text="hello"))
    bot.execute(c.PlayTone(frequency=440, duration=0.5))
    state = bot.state()
    assert state["leds"] == [[1, 2, 3], [255, 0, 0], [1, 2, 3], [1, 2, 3], [1, 2, 3]]
    assert state["display"] == {"text": "hello"}
    assert state["sound"] == {"frequency": 440}
    clock.sleep(0.5)
    assert bot.state()["sound"] == {"frequency": None}


def test_what_it_cannot_do_it_refuses(bot: SimulatedRobot) -> None:
    with pytest.raises(CommandRejectedError, match=r"UNSUPPORTED.*custom") as caught:
        bot.execute(c.CustomCommand(values={"action": "dance"}))
    assert caught.value.code == "UNSUPPORTED"


@pytest.mark.parametrize(
    "command",
    [
        c.Drive(left=1000, right=0),
        c.Drive(left=math.nan, right=0),
        c.Drive(left=1, right=1, duration=math.inf),
        c.SetLed(r=0, g=0, b=300),
        c.SetLed(r=0, g=0, b=0, index=6),
        c.UpdatePersonality(energy_baseline=2),
    ],
)
def test_a_command_made_by_hand_is_held_to_its_ranges(
    bot: SimulatedRobot, command: c.Command
) -> None:
    before = bot.state()
    with pytest.raises(CommandRejectedError, match="INVALID_PARAMS"):
        bot.execute(command)
    assert bot.state() == before


def test_the_watchdog_ends_a_motion_on_time_though_nobody_looks() -> None:
    bot = SimulatedRobot(seed=1)
    ended = threading.Event()
    threads: list[str] = []
    at: list[float] = []

    def on_end(how: str) -> None:
        at.append(time.monotonic())
        threads.append(threading.current_thread().name)
        ended.set()

    began = time.monotonic()
    motion = drive(bot, 30, 30, 0.1)
    motion.on_end(on_end)
    assert ended.wait(5)
    assert motion.ended == "time"
    assert 0.1 <= at[0] - began < 1
    assert threads == ["mbot-watchdog"]
    assert watchdog.shared().join(5)


def test_a_stop_leaves_nothing_waiting() -> None:
    bot = SimulatedRobot(seed=1)
    motion = drive(bot, 30, 30, 10)
    bot.stop()
    assert motion.ended == "stopped"
    assert watchdog.shared().join(5)


def test_closing_ends_the_motion() -> None:
    bot = SimulatedRobot(seed=1)
    motion = drive(bot, 30, 30, 10)
    bot.close()
    assert motion.ended == "stopped"
    assert watchdog.shared().join(5)


def test_a_listener_may_ask_for_the_lock_in_another_thread(
    bot: SimulatedRobot, clock: FakeClock
) -> None:
    """Listeners are called without the lock: one that waits for a thread that looks does not wait
    for ever."""
    seen: list[dict[str, Any]] = []

    def on_end(how: str) -> None:
        thread = threading.Thread(target=lambda: seen.append(bot.state()))
        thread.start()
        thread.join(5)

    drive(bot, 30, 30, 5).on_end(on_end)
    clock.sleep(1)
    bot.stop()
    assert len(seen) == 1


def test_two_worlds_of_one_seed_go_the_same_way(clock: FakeClock) -> None:
    bots = [
        SimulatedRobot(seed=5, world=World(width=120, height=100), clock=clock) for _ in range(2)
    ]
    for left, right in ((80, 100), (-30, 60), (100, 100)):
        for bot in bots:
            drive(bot, left, right, 1)
        clock.sleep(0.7)
    assert bots[0].path == bots[1].path
    assert bots[0].state() == bots[1].state()


async def test_driving_from_an_event_loop_does_not_block_it() -> None:
    """The watchdog's thread is started here, under the eyes of what finds blocking calls."""
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    bot = SimulatedRobot(seed=1)

    def on_end(how: str) -> None:
        loop.call_soon_threadsafe(ended.set_result, how)

    drive(bot, 30, 30, 0.05).on_end(on_end)
    async with asyncio.timeout(5):
        assert await ended == "time"


def test_the_capabilities_are_true(bot: SimulatedRobot) -> None:
    capabilities = bot.state()["capabilities"]
    for name, command in {
        "has_drawing": c.StartDrawing(shape="line"),
        "has_sorter": c.SortPieces(),
        "has_games": c.StartGame(game="memory"),
    }.items():
        assert capabilities[name] is True
        bot.execute(command)
    assert capabilities["has_learning_lab"] is False


def test_every_command_that_is_the_robots_own_is_carried_out(bot: SimulatedRobot) -> None:
    servers_own = {"stop", "emergency_stop", "release_stop", "sync_state", "custom"}
    samples: dict[str, dict[str, Any]] = {
        "update_personality": {"energy_baseline": 0.4},
        "start_game": {"game": "tictactoe"},
        "game_move": {"cell": 4},
        "start_drawing": {"shape": "circle"},
        "drive": {"left": 10, "right": 10},
        "move": {"direction": "left"},
        "set_led": {"r": 1, "g": 2, "b": 3},
        "play_tone": {"frequency": 440},
        "display_text": {"text": "hi"},
    }
    for name in sorted(set(c.ALL) - servers_own, key=lambda name: (name != "start_game", name)):
        bot.execute(c.parse(name, samples.get(name, {})))


def test_state_and_telemetry_are_plain_data(bot: SimulatedRobot, clock: FakeClock) -> None:
    """What comes back from JSON is equal: no tuple, no number that is not finite."""
    bot.execute(c.StartGame(game="memory"))
    bot.execute(c.StartDrawing(shape="star"))
    for _ in range(30):
        clock.sleep(0.21)
        for found in (bot.state(), bot.telemetry()):
            assert json.loads(json.dumps(found, allow_nan=False)) == found
