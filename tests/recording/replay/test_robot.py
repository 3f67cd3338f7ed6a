"""A recording served as if it were live."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb import commands as c
from mbot_nb.robots.watchdog import shared
from tests.helpers.recordings import drive, made
from tests.helpers.waiting import until


class Clock:
    """A time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Replay:
    """A replay by such a clock, and what it reports."""

    def __init__(self, source: Any, **options: Any) -> None:
        self.clock = Clock()
        self.robot = mb.ReplayRobot(source, clock=self.clock, **options)
        self.told: list[tuple[str, Any]] = []
        self.robot.attach(lambda event, data: self.told.append((event, data)))

    def after(self, seconds: float) -> list[tuple[str, Any]]:
        """What is reported within the next so many seconds."""
        self.told.clear()
        self.clock.now += seconds
        self.robot.advance()
        return list(self.told)

    def names(self, seconds: float) -> list[str]:
        return [name for name, _ in self.after(seconds)]


ABC = made(
    [(0, "a", {"n": 1}), (1, "b", {"n": 2}), (3, "c", {"n": 3})],
    [(0, "x", 0), (1, "x", 1), (3, "x", 3)],
)


@pytest.fixture
def replay() -> Iterator[Replay]:
    replay = Replay(ABC)
    yield replay
    replay.robot.close()


def test_it_begins_with_its_first_client(replay: Replay) -> None:
    assert replay.after(10) == []
    assert not replay.robot.playing
    replay.robot.watched()
    assert replay.robot.playing
    assert replay.after(0) == [("a", {"n": 1})]
    assert replay.after(0.999) == []
    assert replay.after(0.001) == [("b", {"n": 2})]
    replay.robot.watched()
    assert replay.robot.position == pytest.approx(1)


def test_it_waits_for_play_when_it_is_to() -> None:
    replay = Replay(ABC, paused=True)
    replay.robot.watched()
    assert replay.names(10) == []
    replay.robot.play()
    assert replay.names(1) == ["a", "b"]


def test_the_state_is_that_of_the_moment(replay: Replay) -> None:
    replay.robot.play()
    assert replay.robot.state()["x"] == 0
    replay.clock.now += 2.5
    assert replay.robot.state()["x"] == 1
    assert replay.robot.state()["replay"] == {
        "source": "a recording",
        "duration": 3.0,
        "playing": True,
        "speed": 1.0,
        "loop": False,
        "rounds": 0,
        "position": 2,
    }
    replay.robot.pause()
    assert replay.robot.state()["replay"]["position"] == 2.5, "exact where it is held"
    replay.robot.seek(0.6)
    assert replay.robot.state()["replay"]["position"] == 0.6
    replay.robot.play()
    replay.clock.now += 1.7
    assert replay.robot.state()["replay"]["position"] == 1.6, "and each second from there"


def test_speed_is_how_fast_its_time_goes() -> None:
    replay = Replay(ABC, speed=8)
    replay.robot.play()
    assert replay.names(0.125) == ["a", "b"]
    replay.robot.speed = 0.5
    assert replay.robot.position == pytest.approx(1)
    assert replay.names(3.9) == []
    assert replay.names(0.2) == ["c", "replay_changed"]


def test_a_pause_holds_it(replay: Replay) -> None:
    replay.robot.play()
    replay.after(0.5)
    replay.robot.pause()
    assert [data["why"] for name, data in replay.told if name == "replay_changed"] == ["pause"]
    assert replay.after(10) == []
    assert replay.robot.position == pytest.approx(0.5)
    replay.robot.play()
    assert replay.names(0.5) == ["b"]


@pytest.mark.parametrize(
    ("to", "next_ones"), [(0, ["a", "b"]), (0.5, ["b"]), (1, ["b"]), (1.5, [])]
)
def test_seeking_goes_there_and_tells_nothing_of_between(
    replay: Replay, to: float, next_ones: list[str]
) -> None:
    replay.robot.play()
    replay.after(2)
    replay.robot.seek(to)
    assert [name for name, _ in replay.told] == ["a", "b", "replay_changed"]
    assert replay.robot.state()["x"] == (1 if to >= 1 else 0)
    assert replay.names(1) == next_ones


def test_seeking_while_it_is_held_shows_that_moment(replay: Replay) -> None:
    replay.robot.seek(3)
    assert not replay.robot.playing
    assert replay.robot.state()["x"] == 3
    assert replay.after(1) == []


def test_at_its_end_it_stops_and_play_begins_anew(replay: Replay) -> None:
    replay.robot.play()
    told = replay.after(60)
    assert [name for name, _ in told] == ["a", "b", "c", "replay_changed"]
    assert told[-1][1]["why"] == "end"
    assert not replay.robot.playing
    assert replay.robot.position == 3
    assert replay.robot.state()["x"] == 3
    replay.robot.play()
    assert replay.names(0) == ["a"]


def test_in_a_loop_it_begins_again() -> None:
    replay = Replay(ABC, loop=True)
    replay.robot.play()
    assert replay.names(3.5) == ["a", "b", "c", "replay_changed", "a"]
    assert replay.robot.position == pytest.approx(0.5)
    assert replay.robot.status()["rounds"] == 1
    assert replay.robot.state()["x"] == 0
    assert replay.names(3.6) == ["b", "c", "replay_changed", "a", "b"]


def test_rounds_that_nobody_could_hear_are_counted() -> None:
    replay = Replay(ABC, loop=True)
    replay.robot.play()
    replay.after(0)
    assert replay.names(3 * 1000 + 1) == ["b", "c", "replay_changed", "a", "b"]
    assert replay.robot.status()["rounds"] == 1000


def test_much_at_once_is_told_in_pieces() -> None:
    """The watchdog's thread has other appointments."""
    replay = Replay(made([(number / 1e4, "a", {"n": number}) for number in range(1200)]))
    replay.robot.play()
    sizes = [len(replay.after(0 if step else 60)) for step in range(3)]
    assert sizes[:2] == [500, 500]
    assert sizes[2] == 201, "the rest, and the end"


@pytest.mark.parametrize(
    "command",
    [c.Drive(left=1, right=1, duration=1), c.SetLed(r=1, g=2, b=3), c.StartDrawing(shape="star")],
)
def test_what_has_been_cannot_be_changed(replay: Replay, command: c.Command) -> None:
    with pytest.raises(
        mb.CommandRejectedError, match="replay of a recording, and what has been cannot be changed"
    ) as refused:
        replay.robot.execute(command)
    assert refused.value.code == "UNSUPPORTED"
    assert command.name in str(refused.value)


def test_a_stop_holds_it_and_an_emergency_stop_until_it_is_released(replay: Replay) -> None:
    robot = replay.robot
    robot.play()
    robot.stop()
    assert not robot.playing
    robot.play()
    latch = robot.emergency_stop()
    assert not robot.playing
    assert robot.state()["x"] == 0
    assert robot.latch == latch
    with pytest.raises(mb.CommandRejectedError, match="release it first"):
        robot.play()
    robot.watched()
    assert not robot.playing
    robot.release_stop(latch)
    robot.play()
    assert robot.playing


def test_a_recorded_emergency_stop_is_shown_and_cannot_be_released() -> None:
    replay = Replay(
        made([(2, "a", {})], [(0, "latch", None), (1, "latch", "ab12"), (2, "latch", None)])
    )
    replay.robot.seek(1)
    replay.robot.state()
    assert replay.robot.latch == "ab12"
    with pytest.raises(mb.CommandRejectedError, match="part of the recording") as refused:
        replay.robot.release_stop("ab12")
    assert refused.value.code == "UNSUPPORTED"
    replay.robot.seek(2)
    replay.robot.state()
    assert replay.robot.latch is None


def test_clients_control_it_with_custom(replay: Replay) -> None:
    def ask(action: str, **values: Any) -> Any:
        return replay.robot.execute(c.CustomCommand(values={"action": action, **values}))

    assert ask("play")["playing"]
    replay.clock.now += 1
    assert ask("pause")["position"] == 1
    assert ask("seek", position=2.5)["position"] == 2.5
    assert ask("speed", value=4)["speed"] == 4
    assert ask("loop", on=True)["loop"] is True
    assert ask("status") == replay.robot.status()


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"action": "dance"},
        {"action": "seek"},
        {"action": "seek", "position": -1},
        {"action": "seek", "position": "2"},
        {"action": "seek", "position": float("nan")},
        {"action": "seek", "position": 1, "more": 1},
        {"action": "speed", "value": 0},
        {"action": "speed", "value": True},
        {"action": "loop", "on": 1},
        {"action": "play", "now": True},
    ],
)
def test_wrong_wishes_are_refused_in_words(replay: Replay, values: dict[str, Any]) -> None:
    with pytest.raises(mb.CommandRejectedError) as refused:
        replay.robot.execute(c.CustomCommand(values=values))
    assert refused.value.code == "INVALID_PARAMS"
    assert replay.robot.status()["position"] == 0


@pytest.mark.parametrize("speed", [0, -1, 1001, float("inf"), "2", None])
def test_a_wrong_speed_is_refused(speed: Any) -> None:
    with pytest.raises(mb.UsageError, match="speed is more than 0"):
        mb.ReplayRobot(ABC, speed=speed)


def test_what_is_no_recording_is_refused() -> None:
    with pytest.raises(mb.UsageError, match="needs a recording or its file, and int has no events"):
        mb.ReplayRobot(3)  # type: ignore[arg-type]


def test_it_says_what_it_is(replay: Replay) -> None:
    replay.robot.play()
    replay.clock.now += 1
    assert repr(replay.robot) == "<ReplayRobot of a recording: at 1.0 of 3.0 s, playing; 3 events>"
    replay.robot.speed = 2
    replay.robot.loop = True
    assert repr(replay.robot) == (
        "<ReplayRobot of a recording: at 1.0 of 3.0 s, playing, 2 times as fast as it was, in a "
        "loop; 3 events>"
    )
    assert "<progress value='0.333'" in replay.robot._repr_html_()
    assert replay.robot.robot_id == "made-by-hand (replay)"


def test_a_recording_of_one_moment_ends_at_once_also_in_a_loop() -> None:
    replay = Replay(made([(0, "a", {})]), loop=True)
    replay.robot.play()
    assert replay.names(1) == ["a", "replay_changed"]
    assert not replay.robot.playing


# With the real clock, and over the wire.


async def test_its_time_does_not_wait_for_the_loop() -> None:
    robot = mb.ReplayRobot(drive(0.4))
    told: list[tuple[float, str, Any, str]] = []
    robot.attach(
        lambda event, data: told.append(
            (time.monotonic(), event, data, threading.current_thread().name)
        )
    )
    begin = time.monotonic()
    robot.play()
    while not told or told[-1][1] != "replay_changed" or told[-1][2]["why"] != "end":
        time.sleep(0.01)  # noqa: ASYNC251 - the loop is blocked all the time
        assert time.monotonic() < begin + 5
    telemetry = [(at, data["x"]) for at, name, data, _ in told if name == "telemetry"]
    assert [x for _, x in telemetry] == [0, 1, 2, 3, 4]
    for at, x in telemetry:
        assert x / 10 <= at - begin < x / 10 + 0.2
    assert {thread for _, name, _, thread in told if name == "telemetry"} == {"mbot-watchdog"}
    await asyncio.to_thread(shared().join, 1)


async def test_a_robot_that_nobody_holds_ends() -> None:
    robot = mb.ReplayRobot(drive(0.05, rate=100), loop=True)
    robot.play()
    del robot
    assert await asyncio.to_thread(shared().join, 5)


async def test_clients_see_it_as_if_it_were_live() -> None:
    recording = drive(1.0)
    async with (
        mb.serve(mb.ReplayRobot(recording, speed=2, paused=True), port=0) as server,
        mb.connect(server) as bot,
    ):
        got: list[tuple[float, str, Any]] = []
        bot.subscribe("*", lambda event: got.append((time.monotonic(), event.name, event.data)))
        assert bot.state.pose.x == 0
        begin = time.monotonic()
        status = (await bot.custom("play")).value
        assert status["playing"]
        assert status["speed"] == 2
        await until(
            lambda: any(name == "replay_changed" and data["why"] == "end" for _, name, data in got)
        )
        assert 0.45 < time.monotonic() - begin < 1.5
        telemetry = [data["x"] for _, name, data in got if name == "telemetry"]
        assert telemetry[-1] == 10
        assert all(after > before for before, after in pairwise(telemetry))
        assert len(telemetry) >= 8, (
            "ten were recorded; a loop held up for long gets the latest only"
        )
        assert [data for _, name, data in got if name == "passed"] == [{"second": 1}]
        await until(lambda: bot.state.pose.x == 10)
        assert bot.state.neural_state.mode == "calm"
        assert bot.state.replay.playing is False


async def test_a_blocked_loop_does_not_stretch_it() -> None:
    async with (
        mb.serve(mb.ReplayRobot(drive(1.0), paused=True), port=0) as server,
        mb.connect(server) as bot,
    ):
        got: list[tuple[str, Any]] = []
        bot.subscribe("*", lambda event: got.append((event.name, event.data)))
        begin = time.monotonic()
        await bot.custom("play")
        time.sleep(0.7)  # noqa: ASYNC251 - a cell
        await until(lambda: ("passed", {"second": 1}) in got)
        assert 0.95 < time.monotonic() - begin < 1.5
        xs = [data["x"] for name, data in got if name == "telemetry"]
        assert len(xs) < 9, "of what was recorded while the loop was blocked, the latest is told"
        assert xs == sorted(xs)


async def test_motion_is_refused_over_the_wire_and_a_stop_holds_it() -> None:
    async with (
        mb.serve(mb.ReplayRobot(drive(30), loop=True), port=0) as server,
        mb.connect(server) as bot,
    ):
        await until(lambda: bot.state.replay.playing)
        with pytest.raises(
            mb.CommandRejectedError, match="drive: this is a replay of a recording"
        ) as refused:
            await bot.drive(left=40, right=40)
        assert refused.value.code == "UNSUPPORTED"
        await bot.stop()
        await until(lambda: not bot.state.replay.playing)
        await bot.emergency_stop()
        with pytest.raises(mb.CommandRejectedError, match="an emergency stop holds the replay"):
            await bot.custom("play")
        await bot.release_stop()
        assert (await bot.custom("seek", position=29)).value["position"] == 29
        await until(lambda: bot.state.pose.x == 290)


async def test_served_again_it_goes_on_with_the_next_client() -> None:
    robot = mb.ReplayRobot(drive(30))
    async with mb.serve(robot, port=0) as first:
        async with mb.connect(first):
            await until(lambda: robot.playing)
        robot.seek(12)
        async with mb.serve(robot, port=first.port, host=first.host) as second:
            assert not robot.playing
            assert robot.position >= 12
            async with mb.connect(second):
                await until(lambda: robot.playing)


async def test_custom_is_the_users_where_a_handler_takes_it() -> None:
    async with mb.serve(mb.ReplayRobot(drive(1)), port=0) as server, mb.connect(server) as bot:
        server.command("custom")(lambda client, action: f"mine: {action}")
        assert (await bot.custom("pause")).value == "mine: pause"


# From a file, and recorded again.


async def test_a_run_recorded_saved_and_replayed_is_the_same_run(tmp_path: Path) -> None:
    async with mb.serve(mb.SimulatedRobot(seed=3), port=0) as server, mb.connect(server) as bot:
        with mb.Recorder(bot, ping_rate=0) as rec:
            await bot.drive(left=60, right=40, duration=0.5)
            await bot.update_personality(curiosity_drive=0.9)
            server.emit("reaction", {"ms": 231.4})
            await until(lambda: "reaction" in set(rec.events.name))
            await until(lambda: not bot.state.motors.moving)
        path = rec.save(tmp_path / "run.mbot")
        last = rec.to_recording().state()
    async with (
        mb.serve(mb.ReplayRobot(path, speed=4, paused=True), port=0) as server,
        mb.connect(server) as bot,
    ):
        assert server.robot.robot_id == "simulated-mbot2 (replay)"
        assert bot.state.replay.source == "run.mbot"
        assert set(bot.state) == {*last, "replay"}
        with mb.Recorder(bot, ping_rate=0) as again:
            await bot.custom("play")
            await until(
                lambda: '"end"' in "".join(again.events.data[again.events.name == "replay_changed"])
            )

        def told(events: Any) -> list[tuple[str, str]]:
            own = events[~events.name.isin(["telemetry", "replay_changed", "command_result"])]
            return list(zip(own.name, own.data, strict=True))

        assert told(again.events) == told(rec.events)
        assert ("reaction", '{"ms":231.4}') in told(rec.events)
        telemetry = rec.events.data[rec.events.name == "telemetry"].tolist()
        replayed = again.events.data[again.events.name == "telemetry"].tolist()
        assert [data for data in telemetry if data in set(replayed)] == replayed, (
            "none is new, and none out of turn"
        )
        assert replayed[-1] == telemetry[-1]
        assert {**bot.state.to_dict(), "replay": None} == {**last, "replay": None}


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(mb.UsageError, match=r"nowhere\.mbot cannot be read"):
        mb.ReplayRobot(tmp_path / "nowhere.mbot")


async def test_a_recorder_that_goes_on_can_be_replayed_as_far_as_it_has_come() -> None:
    async with mb.serve(port=0) as server, mb.connect(server) as bot:
        with mb.Recorder(bot, ping_rate=0) as rec:
            await bot.drive(left=30, right=30, duration=0.2)
            replay = mb.ReplayRobot(rec)
        assert replay.robot_id == "simulated-mbot2 (replay)"
        assert replay.source == "a recording"
        assert replay.duration > 0.15
        replay.seek(replay.duration)
        assert replay.state()["pose"] == rec.to_recording().state()["pose"]
