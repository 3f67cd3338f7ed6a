"""Every command has its form, and what a form says is what its line of code says."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from mbot_nb import commands as c
from mbot_nb.client import Client
from mbot_nb.errors import CommandRejectedError
from mbot_nb.widgets.forms import arguments, code, forms

FORMS = {form["name"]: form for form in forms()}


def field(command: str, name: str) -> dict[str, Any]:
    return next(field for field in FORMS[command]["fields"] if field["name"] == name)


def test_every_command_has_one_but_the_one_that_is_nothing() -> None:
    assert set(FORMS) == set(c.ALL) - {"void"}
    assert len(forms()) == len(FORMS)


def test_ranges_units_and_defaults_are_those_of_the_types() -> None:
    left, duration = field("drive", "left"), field("drive", "duration")
    assert (left["kind"], left["low"], left["high"], left["required"]) == ("number", -100, 100, True)
    assert "%" in left["help"]
    assert (duration["low"], duration["high"], duration["default"], duration["help"]) == (0, c.MAX_MOTION_SECONDS, 1.0, "s")
    assert field("move", "direction")["choices"] == ["forward", "backward", "left", "right"]
    assert field("set_led", "index") | {"default": None} == field("set_led", "index")
    assert field("set_led", "r")["kind"] == "whole"
    assert field("display_text", "text")["longest"] == 1000
    traits = FORMS["update_personality"]["fields"]
    assert [trait["name"] for trait in traits] == list(c.TRAITS)
    assert {(trait["kind"], trait["low"], trait["high"], trait["default"]) for trait in traits} == {("number", 0, 1, None)}


def test_what_overtakes_is_not_queued() -> None:
    assert {name for name, form in FORMS.items() if not form["queued"]} == c.URGENT


@pytest.mark.parametrize("name", FORMS)
def test_what_stands_in_a_form_at_first_is_sent_as_its_code_says(name: str) -> None:
    """The method takes exactly these, and the code calls it with them."""
    given = arguments(name, {field["name"]: field["default"] for field in FORMS[name]["fields"]})
    if name not in ("start_game", "update_personality", "release_stop", "game_move"):  # these ask for a choice first
        c.parse(name, given)
    call = ast.parse(code(name, given).removeprefix("await "), mode="eval").body
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Attribute)
    assert call.func.attr == name
    assert callable(getattr(Client, name))
    assert {word.arg: ast.literal_eval(word.value) for word in call.keywords} == given
    queued = ast.parse(code(name, given, queued=True), mode="eval").body
    assert isinstance(queued, ast.Call)
    assert ast.literal_eval(queued.args[0]) == name


def test_fields_left_empty_are_not_given() -> None:
    values = {"r": 1, "g": 2, "b": 3, "index": None}
    assert arguments("set_led", values) == {"r": 1, "g": 2, "b": 3}
    assert arguments("start_drawing", {"shape": "", "points": "[[0, 0], [10, 5]]"}) == {"points": [[0, 0], [10, 5]]}
    assert arguments("display_text", {"text": ""}) == {"text": ""}, "an empty text clears the display"


def test_the_entries_of_an_object_are_given_one_by_one() -> None:
    assert arguments("game_move", {"move": '{"cell": 4}'}) == {"cell": 4}
    given = arguments("custom", {"action": "dance", "values": '{"steps": 4, "odd name": true}'})
    assert given == {"action": "dance", "steps": 4, "odd name": True}
    assert code("custom", given) == "await bot.custom(action='dance', steps=4, **{'odd name': True})"


@pytest.mark.parametrize("text", ["{'cell': 4}", "[1]", "4", "cell"])
def test_what_is_no_json_is_told_in_words(text: str) -> None:
    with pytest.raises(CommandRejectedError, match="game_move: move is written as JSON") as refusal:
        arguments("game_move", {"move": text})
    assert refusal.value.code == "INVALID_PARAMS"
