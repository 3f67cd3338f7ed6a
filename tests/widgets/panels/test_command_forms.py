"""Every command has its form, and a form fits the method of its name."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from mbot_nb import commands as c
from mbot_nb.client import Client
from mbot_nb.widgets.panels.command_forms import forms

FORMS = {form["name"]: form for form in forms()}


def field(command: str, name: str) -> dict[str, Any]:
    return next(field for field in FORMS[command]["fields"] if field["name"] == name)


def test_every_command_has_one_but_the_one_that_is_nothing() -> None:
    assert set(FORMS) == set(c.ALL) - {"void"}
    assert len(forms()) == len(FORMS)


def test_ranges_units_and_defaults_are_those_of_the_types() -> None:
    left, duration = field("drive", "left"), field("drive", "duration")
    assert (left["kind"], left["low"], left["high"], left["required"]) == (
        "number",
        -100,
        100,
        True,
    )
    assert "%" in left["help"]
    assert (duration["low"], duration["high"], duration["default"], duration["help"]) == (
        0,
        c.MAX_MOTION_SECONDS,
        1.0,
        "s",
    )
    assert field("move", "direction")["choices"] == ["forward", "backward", "left", "right"]
    assert field("set_led", "index") | {"default": None} == field("set_led", "index")
    assert field("set_led", "r")["kind"] == "whole"
    assert field("display_text", "text")["max_length"] == 1000
    traits = FORMS["update_personality"]["fields"]
    assert [trait["name"] for trait in traits] == list(c.TRAITS)
    assert {(trait["kind"], trait["low"], trait["high"], trait["default"]) for trait in traits} == {
        ("number", 0, 1, None)
    }


def test_what_overtakes_is_not_queued() -> None:
    assert {name for name, form in FORMS.items() if not form["queued"]} == c.URGENT


@pytest.mark.parametrize("name", FORMS)
def test_what_stands_in_a_form_at_first_fits_its_method(name: str) -> None:
    """A click on Send, with nothing filled in, sends something that is right; but for those that
    ask for a choice first."""
    fields = FORMS[name]["fields"]
    given = {field["name"]: field["default"] for field in fields if field["default"] is not None}
    if (
        not any(field["required"] and field["default"] is None for field in fields)
        and name != "update_personality"
    ):
        c.parse(name, given if name != "release_stop" else {"latch": "x"})
    method = inspect.signature(getattr(Client, name))
    takes_any = any(
        parameter.kind is parameter.VAR_KEYWORD for parameter in method.parameters.values()
    )
    named = {field["name"] for field in fields if not field.get("spread")}
    assert takes_any or named <= set(method.parameters)
    assert takes_any == (
        any(field.get("spread") for field in fields) or name == "update_personality"
    )
