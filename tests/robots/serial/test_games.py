"""The games on emulated robots: what a person plays is answered, and shown on the robot's own LEDs
and loudspeaker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mbot_nb import commands as c
from mbot_nb.errors import CommandRejectedError
from mbot_nb.robots.behaviour.games.simon import PADS
from mbot_nb.robots.emulators.cyberpi import CyberPiFirmware
from mbot_nb.robots.emulators.emulator import Emulator
from mbot_nb.robots.serial.driver import SerialRobot
from mbot_nb.robots.serial.wire import ff55
from tests.helpers.serial_robots import EMPTY, KINDS, PATIENCE, Workshop
from tests.helpers.waiting import eventually

OTHERS = {"red": "green", "green": "blue", "blue": "yellow", "yellow": "red"}


def play(robot: SerialRobot, command: c.Command) -> Any:
    return robot.submit(command).result(PATIENCE)


def shown(emulator: Emulator) -> list[tuple[int, ...]]:
    """The colours that all LEDs were set to, in order."""
    firmware = emulator.firmware
    if isinstance(firmware, CyberPiFirmware):
        scripts = [
            script
            for script in list(firmware.ran)
            if script.startswith("cyberpi.led.on") and "all" in script
        ]
        return [
            tuple(int(part) for part in script.partition("(")[2].split(",")[:3])
            for script in scripts
        ]
    return [tuple(request.data[3:6]) for request in list(firmware.ran) if is_light(request)]  # type: ignore[attr-defined]


def is_light(request: ff55.Request) -> bool:
    return request.device == 8 and request.data[2] == 0


@KINDS
def test_simon_is_shown_and_a_wrong_colour_loses(workshop: Workshop, kind: str) -> None:
    emulator = workshop.emulator(kind, world=EMPTY)
    robot, ears = workshop.robot(emulator)
    play(robot, c.SetLed(r=9, g=8, b=7))
    started = play(robot, c.StartGame(game="simon"))
    assert robot.state()["game_state"] == started
    (color,) = started["state"]["sequence"]
    light, frequency = PADS[color]
    assert robot.state()["leds"] == [list(light)] * robot.led_count
    eventually(
        lambda: shown(emulator) == [(9, 8, 7), light, (0, 0, 0), (9, 8, 7)],
        "the row, and the light as it was set",
    )
    assert {pitch for pitch, _ in emulator.vehicle.tones} == {round(frequency)}
    assert robot.state()["leds"] == [[9, 8, 7]] * robot.led_count

    went_on = play(robot, c.GameMove(move={"color": color}))
    assert went_on["state"]["round"] == 2
    wanted = went_on["state"]["sequence"]
    eventually(lambda: shown(emulator)[4::2] == [PADS[name][0] for name in wanted], "both colours")
    lost = play(robot, c.GameMove(move={"color": OTHERS[wanted[0]]}))
    assert lost["state"]["status"] == "lost"
    (data,) = eventually(lambda: ears.of("game_lost"), "the event")
    assert data["game_type"] == "simon"
    with pytest.raises(CommandRejectedError, match="no game is being played"):
        robot.execute(c.GameMove(move={"color": "red"}))
    assert ears.of("error") == []


@KINDS
def test_the_games_of_the_table_are_played_and_given_up(workshop: Workshop, kind: str) -> None:
    robot, ears = workshop.robot(workshop.emulator(kind, world=EMPTY))
    assert robot.state()["capabilities"]["has_games"]
    assert "game_state" not in robot.state()
    play(robot, c.StartGame(game="memory"))
    one = play(robot, c.GameMove(move={"card": 3}))
    assert one["state"]["open"] == 3
    with pytest.raises(CommandRejectedError, match="does not lie face down"):
        robot.execute(c.GameMove(move={"card": 3}))
    play(robot, c.StartGame(game="tictactoe"))
    eventually(
        lambda: [data["game_type"] for data in ears.of("game_lost")] == ["memory"],
        "that the first was given up",
    )
    play(robot, c.StopGame(game="tictactoe"))
    eventually(
        lambda: [data["game_type"] for data in ears.of("game_lost")] == ["memory", "tictactoe"],
        "both",
    )


@KINDS
def test_a_stop_ends_the_show_and_not_the_game(workshop: Workshop, kind: str) -> None:
    emulator = workshop.emulator(kind, world=EMPTY)
    robot, ears = workshop.robot(emulator)
    (color,) = play(robot, c.StartGame(game="simon"))["state"]["sequence"]
    eventually(lambda: shown(emulator) == [PADS[color][0]], "the first colour")
    robot.stop()
    eventually(lambda: shown(emulator) == [PADS[color][0], (0, 0, 0)], "dark, as it was before")
    assert play(robot, c.GameMove(move={"color": color}))["state"]["round"] == 2
    eventually(lambda: len(shown(emulator)) > 2, "the next round")
    assert ears.of("error") == []


@KINDS
def test_a_cable_that_is_pulled_in_a_show_ends_it(
    workshop: Workshop, kind: str, tmp_path: Path
) -> None:
    emulator = workshop.emulator(kind, world=EMPTY, link=tmp_path / "robot")
    robot, ears = workshop.robot(emulator)
    play(robot, c.StartGame(game="simon"))
    eventually(lambda: shown(emulator), "its begin")
    emulator.unplug(0.3)
    eventually(
        lambda: [data["connected"] for data in ears.of("robot_connection")][-2:] == [False, True],
        "both events",
    )
    assert robot.state()["leds"] == [[0, 0, 0]] * robot.led_count
    assert robot.state()["game_state"]["state"]["status"] == "playing"
    assert ears.of("error") == []
