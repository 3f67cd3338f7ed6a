"""The vocabulary: what each command takes, and what is said of wrong parameters."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb import commands as c
from mbot_nb.errors import CommandRejectedError

GOOD: dict[str, dict[str, Any]] = {
    "update_personality": {"curiosity_drive": 0.9},
    "start_game": {"game": "simon"},
    "stop_game": {},
    "game_move": {"cell": 4},
    "start_drawing": {"shape": "square"},
    "stop_drawing": {},
    "sort_pieces": {},
    "sync_inventory": {},
    "custom": {"action": "wave", "times": 3},
    "drive": {"left": 40, "right": -40.5, "duration": 2},
    "move": {"direction": "left"},
    "stop": {},
    "emergency_stop": {},
    "release_stop": {"latch": "abc"},
    "set_led": {"r": 0, "g": 255, "b": 7, "index": 5},
    "play_tone": {"frequency": 440},
    "display_text": {"text": "hello"},
    "sync_state": {},
    "void": {},
}


def test_every_command_is_known_by_its_word() -> None:
    assert GOOD.keys() == c.ALL.keys()
    assert {"drive", "move", "start_drawing"} == c.MOTIONS
    assert {"stop", "emergency_stop", "release_stop"} == c.URGENT


@pytest.mark.parametrize("name", GOOD)
def test_good_parameters_go_there_and_back(name: str) -> None:
    command = c.parse(name, GOOD[name])
    assert type(command) is c.ALL[name]
    assert c.parse(name, command.params()) == command
    over_the_wire = msgspec.json.decode(msgspec.json.encode(command.params()))
    assert c.parse(name, over_the_wire) == command


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("drive", {}, "left: missing|missing.*left"),
        (
            "drive",
            {"left": 101, "right": 0},
            (
                "left: expected .*100.*left \\(-100 to 100\\), right \\(-100 to 100\\), duration "
                "\\(0 "
                "to 10"
            ),
        ),
        ("drive", {"left": 1, "right": 0, "duration": 11}, "duration: expected"),
        ("drive", {"left": "fast", "right": 0}, "left: expected"),
        ("drive", {"left": None, "right": 0}, "left: expected"),
        ("drive", {"left": True, "right": 0}, "left: expected"),
        ("move", {"direction": "up"}, "direction"),
        ("set_led", {"r": 256, "g": 0, "b": 0}, "r: expected"),
        ("set_led", {"r": 1.5, "g": 0, "b": 0}, "r: expected"),
        ("set_led", {"r": 1, "g": 0, "b": 0, "index": 0}, "index: expected"),
        ("play_tone", {"frequency": 5}, "frequency: expected"),
        ("start_game", {"game": "chess"}, "game"),
        ("start_drawing", {}, "either a shape or points"),
        ("start_drawing", {"shape": "x", "points": [[0, 0], [1, 1]]}, "either a shape or points"),
        ("start_drawing", {"points": [[0, 0]]}, "points: expected"),
        ("update_personality", {}, "none was given; it takes any of tension_baseline"),
        ("update_personality", {"mood": 1}, "'mood' is not one of them"),
        ("update_personality", {"curiosity_drive": 2}, "each number is 0 to 1"),
        ("update_personality", {"personality": [1]}, "none was given"),
        ("release_stop", {"latch": "x" * 65}, "latch: expected"),
        ("display_text", {"text": 5}, "text: expected"),
    ],
)
def test_wrong_parameters_are_told_with_what_is_right(
    name: str, params: dict[str, Any], words: str
) -> None:
    with pytest.raises(CommandRejectedError, match=words) as caught:
        c.parse(name, params)
    assert caught.value.code == "INVALID_PARAMS"
    assert caught.value.command == name


def test_an_unknown_command_is_told_with_those_there_are() -> None:
    with pytest.raises(
        CommandRejectedError,
        match="there is no command 'fly'; this robot knows custom, display_text, drive",
    ) as caught:
        c.parse("fly", {})
    assert caught.value.code == "INVALID_COMMAND"
    with pytest.raises(CommandRejectedError) as caught:
        c.parse("x" * 10_000, {})
    assert len(str(caught.value)) < 600


def test_a_personality_comes_flat_or_nested() -> None:
    assert c.parse("update_personality", {"personality": {"curiosity_drive": 1}}) == c.parse(
        "update_personality", {"curiosity_drive": 1}
    )


def test_parameters_of_a_later_version_are_ignored() -> None:
    assert c.parse("drive", {"left": 1, "right": 1, "style": "gentle"}) == c.Drive(left=1, right=1)


def test_numbers_of_numpy_are_numbers_but_still_have_their_limits() -> None:
    assert c.parse("drive", {"left": np.float32(1.5), "right": np.int8(3)}) == c.Drive(
        left=1.5, right=3
    )
    assert c.parse("start_drawing", {"points": np.zeros((2, 2))}) == c.StartDrawing(
        points=[(0, 0), (0, 0)]
    )
    with pytest.raises(CommandRejectedError):
        c.parse("drive", {"left": np.float64(200), "right": 0})
    assert c.plain({"a": (np.arange(2), {"b": np.bool_(True)}), "c": "x"}) == {
        "a": [[0, 1], {"b": True}],
        "c": "x",
    }


@given(
    st.sampled_from(sorted(c.ALL)),
    st.dictionaries(
        st.text(max_size=10),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=10), st.lists, max_leaves=8
        ),
        max_size=6,
    ),
)
def test_whatever_comes_is_a_command_or_refused(name: str, params: dict[str, Any]) -> None:
    try:
        outcome: object = c.parse(name, params)
    except CommandRejectedError as error:
        outcome = error.code
    assert outcome == "INVALID_PARAMS" or type(outcome) is c.ALL[name]
