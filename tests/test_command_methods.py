"""The commands as methods: each makes the command it is named after, with its parameters
checked."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from mbot_nb import commands as c
from mbot_nb.command_methods import CommandMethods, CommandResult
from mbot_nb.commands import Command
from mbot_nb.errors import CommandRejectedError


class Noted(CommandMethods[tuple[Command, bool]]):
    def _command(self, command: Command, *, wait: bool = True) -> tuple[Command, bool]:
        return command, wait

    @property
    def _active_latch(self) -> str:
        return "standing"


@pytest.mark.parametrize(
    ("method", "args", "kwargs", "command"),
    [
        ("drive", (40, -40), {}, c.Drive(left=40, right=-40, duration=1.0)),
        ("drive", (), {"left": 1, "right": 2, "duration": 3}, c.Drive(left=1, right=2, duration=3)),
        ("move", ("left",), {"speed": 10}, c.Move(direction="left", speed=10)),
        ("stop", (), {}, c.Stop()),
        ("emergency_stop", (), {}, c.EmergencyStop()),
        ("release_stop", (), {}, c.ReleaseStop(latch="standing")),
        ("release_stop", ("named",), {}, c.ReleaseStop(latch="named")),
        ("set_led", (1, 2, 3), {}, c.SetLed(r=1, g=2, b=3)),
        ("set_led", (1, 2, 3, 5), {}, c.SetLed(r=1, g=2, b=3, index=5)),
        ("play_tone", (440,), {}, c.PlayTone(frequency=440)),
        ("display_text", ("hi",), {}, c.DisplayText(text="hi")),
        ("update_personality", (), {"curiosity_drive": 1}, c.UpdatePersonality(curiosity_drive=1)),
        ("start_game", ("simon",), {}, c.StartGame(game="simon")),
        ("stop_game", (), {}, c.StopGame()),
        ("game_move", (), {"cell": 1}, c.GameMove(move={"cell": 1})),
        ("start_drawing", ("star",), {}, c.StartDrawing(shape="star")),
        (
            "start_drawing",
            (),
            {"points": [(0, 0), (1, 2)]},
            c.StartDrawing(points=[(0, 0), (1, 2)]),
        ),
        ("stop_drawing", (), {}, c.StopDrawing()),
        ("sort_pieces", (), {}, c.SortPieces()),
        ("sync_inventory", (), {}, c.SyncInventory()),
        ("custom", ("wave",), {"times": 2}, c.CustomCommand(values={"action": "wave", "times": 2})),
        ("sync_state", (), {}, c.SyncState()),
    ],
)
def test_each_method_makes_its_command(
    method: str, args: tuple[Any, ...], kwargs: dict[str, Any], command: Command
) -> None:
    made, wait = getattr(Noted(), method)(*args, **kwargs)
    assert made == command
    assert wait is True


def test_every_command_has_a_method_but_the_one_that_is_nothing() -> None:
    methods = {
        name
        for name, _ in inspect.getmembers(CommandMethods, inspect.isfunction)
        if not name.startswith("_")
    }
    assert methods == c.ALL.keys() - {"void"}
    for name in methods:
        assert inspect.getdoc(getattr(CommandMethods, name))


def test_a_motion_may_go_on_unwatched() -> None:
    assert Noted().drive(1, 1, wait=False) == (c.Drive(left=1, right=1), False)
    assert Noted().move("forward", wait=False)[1] is False


def test_wrong_parameters_are_refused_where_they_are_written() -> None:
    with pytest.raises(CommandRejectedError, match="drive: left"):
        Noted().drive(1000, 0)


def test_a_result_says_how_it_went() -> None:
    assert (
        repr(CommandResult(command="drive", ended="time", value={"ended": "time"}, seconds=1.5))
        == "<drive: done in 1.500 s, ended: time>"
    )
    assert (
        repr(CommandResult(command="add", value=5, seconds=0.01))
        == "<add: done in 0.010 s, value: 5>"
    )
    assert repr(CommandResult(command="stop", answered=False)) == "<stop: sent (no answer)>"
