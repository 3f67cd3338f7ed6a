"""Both drivers on emulators: the protocol's commands, motion that ends by our clock, events, and a
cable that is pulled."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb import commands as c
from mbot_nb.errors import CommandRejectedError, MbotError
from mbot_nb.robots.emulators.faults import Faults
from tests.helpers.serial_robots import EMPTY, KINDS, PATIENCE, Workshop, drive, motors_at
from tests.helpers.waiting import eventually


@KINDS
def test_it_drives_in_the_protocol_s_units_and_stops_by_our_clock(
    workshop: Workshop, kind: str
) -> None:
    emulator = workshop.emulator(kind, world=EMPTY)
    robot, _ = workshop.robot(emulator)
    motion = drive(robot, 40, 20, 0.3)
    eventually(lambda: motors_at(emulator, 40, 20), "the motion")
    assert robot.state()["motors"] == {"left": 40, "right": 20, "moving": True}
    eventually(lambda: motion.ended, "its end")
    assert motion.ended == "time"
    eventually(emulator.vehicle.standing.is_set, "standing")
    assert emulator.vehicle.turned == pytest.approx(0.3, abs=0.15)
    sensed = emulator.vehicle.sense()
    assert sensed["encoder_left"] > sensed["encoder_right"] > 0


@KINDS
@pytest.mark.parametrize(
    ("direction", "wheels"),
    [("forward", (1, 1)), ("backward", (-1, -1)), ("left", (-1, 1)), ("right", (1, -1))],
)
def test_every_direction_is_the_right_way_round(
    workshop: Workshop, kind: str, direction: Any, wheels: tuple[int, int]
) -> None:
    emulator = workshop.emulator(kind, world=EMPTY)
    robot, _ = workshop.robot(emulator)
    robot.execute(c.Move(direction=direction, speed=60, duration=5))
    eventually(lambda: motors_at(emulator, 60 * wheels[0], 60 * wheels[1]), "the motion")
    before = emulator.vehicle.sense()
    eventually(lambda: emulator.vehicle.sense() != before, "the world to move")
    robot.stop()
    eventually(emulator.vehicle.standing.is_set, "standing")


@KINDS
def test_a_motion_ends_on_time_while_this_thread_sleeps(workshop: Workshop, kind: str) -> None:
    """As a cell that blocks the kernel's loop does."""
    emulator = workshop.emulator(kind, world=EMPTY)
    robot, _ = workshop.robot(emulator)
    motion = drive(robot, 50, 50, 0.3)
    time.sleep(1.0)  # what the cell does
    assert motion.ended == "time"
    assert emulator.vehicle.standing.is_set()
    assert emulator.vehicle.turned == pytest.approx(0.3, abs=0.15)


@KINDS
def test_a_stop_ends_the_motion_now_and_nothing_that_waits_begins(
    workshop: Workshop, kind: str
) -> None:
    emulator = workshop.emulator(kind, world=EMPTY)
    robot, ears = workshop.robot(emulator)
    motion = drive(robot, 50, 50, 10)
    eventually(lambda: not emulator.vehicle.standing.is_set(), "the motion")
    robot.stop("test")
    eventually(emulator.vehicle.standing.is_set, "standing")
    eventually(lambda: motion.ended == "stopped", "its end")
    assert ears.of("robot_stopped") == [{"reason": "test"}]


@KINDS
def test_an_emergency_stop_latches(workshop: Workshop, kind: str) -> None:
    robot, _ = workshop.robot(workshop.emulator(kind, world=EMPTY))
    latch = robot.emergency_stop()
    with pytest.raises(CommandRejectedError, match="STOPPED"):
        drive(robot, 10, 10, 1)
    with pytest.raises(CommandRejectedError, match="STOPPED"):
        robot.submit(c.Drive(left=10, right=10))
    robot.release_stop(latch)
    robot.submit(c.Drive(left=10, right=10, duration=0.02)).result(PATIENCE)


@KINDS
def test_motions_follow_and_replace_one_another(workshop: Workshop, kind: str) -> None:
    emulator = workshop.emulator(kind, world=EMPTY)
    robot, _ = workshop.robot(emulator)
    first = drive(robot, 50, 50, 10)
    second = drive(robot, -50, -50, 0.2)
    eventually(lambda: first.ended == "replaced", "the end of the first")
    eventually(lambda: second.ended == "time", "the end of the second")
    eventually(emulator.vehicle.standing.is_set, "standing")
    third = drive(robot, 50, 50, 0)
    eventually(lambda: third.ended == "time", "the end of one without a time")


@KINDS
@pytest.mark.parametrize(
    "command", [c.StartDrawing(shape="star"), c.SortPieces(), c.SyncInventory(), c.StopDrawing()]
)
def test_what_it_cannot_do_it_refuses_with_a_reason(
    workshop: Workshop, kind: str, command: c.Command
) -> None:
    robot, _ = workshop.robot(workshop.emulator(kind))
    with pytest.raises(CommandRejectedError, match="UNSUPPORTED") as caught:
        robot.execute(command)
    assert len(caught.value.message) > 20


@KINDS
def test_every_command_is_either_done_or_refused_with_a_name(workshop: Workshop, kind: str) -> None:
    robot, _ = workshop.robot(workshop.emulator(kind))
    examples: dict[str, dict[str, Any]] = {
        "update_personality": {"curiosity_drive": 0.9},
        "start_game": {"game": "memory"},
        "game_move": {"card": 0},
        "start_drawing": {"shape": "circle"},
        "drive": {"left": 1, "right": 1, "duration": 0},
        "move": {"direction": "left", "duration": 0},
        "set_led": {"r": 1, "g": 2, "b": 3},
        "play_tone": {"frequency": 440, "duration": 0.01},
        "display_text": {"text": "hi"},
    }
    done, refused = set(), {}
    others = c.ALL.keys() - c.URGENT - {"sync_state", *examples}
    for name in (*examples, *others):
        try:
            robot.submit(c.parse(name, examples.get(name, {}))).result(PATIENCE)
            done.add(name)
        except CommandRejectedError as error:
            refused[name] = error.code
    assert set(refused.values()) == {"UNSUPPORTED"}
    assert done >= {
        "update_personality",
        "drive",
        "move",
        "set_led",
        "play_tone",
        "void",
        "start_game",
        "game_move",
        "stop_game",
    }
    assert ("display_text" in done) == (kind == "cyberpi")


@KINDS
def test_buttons_and_obstacles_are_events(workshop: Workshop, kind: str) -> None:
    emulator = workshop.emulator(
        kind, world={"width": 100, "height": 60, "starts": [{"x": 60, "y": 30}]}
    )
    robot, ears = workshop.robot(emulator)
    eventually(lambda: "distance" in robot.telemetry(), "the first values")
    emulator.press("a")
    name = "a" if kind == "cyberpi" else "board"
    eventually(lambda: ears.of("button") == [{"button": name, "pressed": True}], "the button")
    emulator.press("a", False)
    eventually(lambda: ears.of("button")[1:] == [{"button": name, "pressed": False}], "its release")
    drive(robot, 80, 80, 2)
    eventually(
        lambda: [data["type"] for data in ears.of("stimulus_detected")] == ["obstacle", "bump"],
        "the wall",
    )
    assert robot.telemetry()["tension"] > 0.2


def test_a_bang_is_an_event_and_its_own_tone_is_none(workshop: Workshop) -> None:
    emulator = workshop.emulator(world=EMPTY)
    robot, ears = workshop.robot(emulator)
    eventually(lambda: "sound" in robot.telemetry(), "the first values")
    robot.submit(c.PlayTone(frequency=440, duration=0.2)).result(PATIENCE)
    assert ears.of("stimulus_detected") == []
    eventually(lambda: robot.telemetry()["sound"] <= 10, "quiet")
    eventually(lambda: not robot._tones.echoing, "the echo's end")
    emulator.vehicle.simulation.make_sound(60, 200, 90, 0.5)
    eventually(
        lambda: [data["type"] for data in ears.of("stimulus_detected")] == ["sound"], "the bang"
    )


@KINDS
def test_a_pulled_cable_is_one_clear_event_and_heals(
    workshop: Workshop, kind: str, tmp_path: Any
) -> None:
    emulator = workshop.emulator(kind, world=EMPTY, link=tmp_path / "robot")
    robot, ears = workshop.robot(emulator)
    motion = drive(robot, 30, 30, 10)
    eventually(lambda: not emulator.vehicle.standing.is_set(), "the motion")
    ears.clear()
    emulator.unplug()
    eventually(lambda: motion.ended == "stopped", "its end")
    eventually(lambda: ears.of("robot_connection"), "the event")
    (lost,) = ears
    assert not lost[1]["connected"]
    assert "nothing can stop it now" in lost[1]["reason"]
    with pytest.raises(CommandRejectedError, match="STATE_CONFLICT"):
        drive(robot, 10, 10, 1)
    state = robot.state()
    assert not state["connection"]["ready"]
    assert state["motors"]["moving"], "as far as is known"
    with pytest.raises(
        CommandRejectedError,
        match=r"cannot be reached.*it may be driving: lift it, or switch it off",
    ):
        robot.stop()
    with pytest.raises(CommandRejectedError):
        robot.emergency_stop()
    robot.release_stop(robot.latch)
    emulator.plug()
    robot.wait_ready(PATIENCE)
    eventually(lambda: not robot.state()["motors"]["moving"], "the stop that was confirmed")
    eventually(emulator.vehicle.standing.is_set, "standing: nobody knows what it did meanwhile")
    eventually(
        lambda: [data["connected"] for data in ears.of("robot_connection")] == [False, True],
        "the event",
    )
    robot.submit(c.SetLed(r=9, g=9, b=9)).result(PATIENCE)
    robot.senses.clear()
    eventually(lambda: "line" in robot.telemetry() or kind == "cyberpi", "its sensors")


@KINDS
def test_a_robot_that_hears_and_does_not_answer_is_told_to_stop(
    workshop: Workshop, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = workshop.emulator(kind, world=EMPTY)
    robot, ears = workshop.robot(emulator)
    drive(robot, 30, 30, 60)
    eventually(lambda: not emulator.vehicle.standing.is_set(), "the motion")
    monkeypatch.setattr(
        emulator, "_transmit", lambda *frame: None
    )  # its answers are lost, and it hears everything
    robot.submit(c.SetLed(r=1, g=1, b=1))
    lost = eventually(
        lambda: [data for data in ears.of("robot_connection") if not data["connected"]],
        "the silence",
    )
    assert "it is told to stop again and again" in lost[0]["reason"]
    eventually(emulator.vehicle.standing.is_set, "standing, without anybody's stop")


@KINDS
def test_a_stop_reaches_a_robot_that_does_not_answer(
    workshop: Workshop, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = workshop.emulator(kind, world=EMPTY)
    robot, _ = workshop.robot(emulator)
    monkeypatch.setattr(emulator, "_transmit", lambda *frame: None)
    robot.link.post(lambda: robot.link._start_probing("it does not answer"))
    eventually(lambda: robot.link.state == "probing", "the silence")
    emulator.vehicle.drive(30, 30)
    assert not emulator.vehicle.standing.is_set()
    with pytest.raises(CommandRejectedError, match="cannot be reached"):
        robot.stop()
    eventually(emulator.vehicle.standing.is_set, "standing")


@KINDS
def test_neither_who_waits_nor_who_listens_can_end_the_link(
    workshop: Workshop, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    emulator = workshop.emulator(kind, world=EMPTY)
    robot, _ = workshop.robot(emulator)

    def fail(event: str, data: Any) -> None:
        raise RuntimeError("no ears")

    moving = robot.submit(c.Drive(left=30, right=30, duration=60))
    eventually(lambda: not emulator.vehicle.standing.is_set(), "the motion")
    moving.cancel()
    robot.detach()
    robot.attach(fail)
    robot.submit(c.UpdatePersonality(curiosity_drive=0.5))
    eventually(lambda: "no ears" in caplog.text, "the complaint")
    robot.detach()
    robot.stop()
    eventually(emulator.vehicle.standing.is_set, "standing")
    assert robot.link.state == "ready"


@KINDS
def test_what_the_robot_does_not_confirm_is_told(workshop: Workshop, kind: str) -> None:
    emulator = workshop.emulator(kind, world=EMPTY)
    robot, ears = workshop.robot(emulator)
    ears.clear()
    emulator.faults.silence = 1.0
    motion = drive(robot, 30, 30, 10)
    eventually(lambda: motion.ended == "stopped", "the end of a motion that nobody confirmed")
    events = eventually(lambda: ears.of("error") + ears.of("robot_connection"), "the trouble")
    assert events[0].get("command") == "drive" or not events[0]["connected"]


def test_a_thousand_commands_over_a_bad_cable_all_end(workshop: Workshop) -> None:
    emulator = workshop.emulator(world=EMPTY, faults=Faults(corrupt=0.01, seed=3))
    robot, _ = workshop.robot(emulator)
    outcomes: list[str] = []
    for batch in range(100):
        asked = [robot.submit(c.SetLed(r=batch, g=n, b=0, index=n % 5 + 1)) for n in range(5)]
        asked += [robot.submit(c.DisplayText(text=f"{batch} {n}")) for n in range(5)]
        for each in asked:
            error = each.exception(PATIENCE)
            assert error is None or isinstance(error, MbotError)
            outcomes.append(type(error).__name__)
    assert len(outcomes) == 1000
    assert emulator.faults.done > 5


async def test_behind_a_server_it_is_any_robot(workshop: Workshop) -> None:
    """All calls from an event loop return at once: what waits for a port would raise here."""
    emulator = await asyncio.to_thread(workshop.emulator, world=EMPTY)
    robot, _ = await asyncio.to_thread(workshop.robot, emulator)
    robot.detach()
    async with mb.serve(robot, port=0) as server, mb.connect(server.url) as bot:
        await bot.drive(left=40, right=40, duration=0.2)
        await bot.set_led(r=1, g=2, b=3)
        assert bot.state["capabilities"]["kind"] == "mbot2"
        await bot.stop()
    await asyncio.to_thread(eventually, emulator.vehicle.standing.is_set, "standing")
    assert 0.1 < emulator.vehicle.turned < 0.5
