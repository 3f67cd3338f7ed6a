"""The state as a user reads it."""

from __future__ import annotations

import copy

import pytest

from mbot_nb.state import StateView

VALUES = {
    "neural_state": {"mode": "Calm", "tension": 0.25},
    "leds": [[0, 0, 0]],
    "latch": None,
    "odd name": 1,
}


def view() -> StateView:
    return StateView(copy.deepcopy(VALUES))


def test_it_is_read_by_attribute_key_and_loop() -> None:
    state = view()
    assert state.neural_state.mode == state["neural_state"]["mode"] == "Calm"
    assert list(state) == list(VALUES)
    assert len(state) == 4
    assert "latch" in state
    assert state == VALUES
    assert state.neural_state == {"mode": "Calm", "tension": 0.25}
    assert state.get("nothing", 5) == 5
    assert {"neural_state", "leds"} <= set(dir(state))


def test_what_is_not_there_is_told_with_what_is() -> None:
    with pytest.raises(
        AttributeError, match=r"state\.neural_state has no 'mood'; it has: mode, tension"
    ):
        _ = view().neural_state.mood
    with pytest.raises(AttributeError, match="state has no 'x'; it has: nothing yet"):
        _ = StateView({}).x
    with pytest.raises(KeyError):
        _ = view()["mood"]


def test_it_cannot_be_changed_and_its_copy_is_its_own() -> None:
    state = view()
    with pytest.raises(AttributeError):
        state.latch = "x"  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        state["latch"] = "x"
    plain = state.to_dict()
    plain["leds"][0][0] = 9
    plain["neural_state"]["mode"] = "Spike"
    state.leds.clear()
    assert state == VALUES


def test_it_shows_itself() -> None:
    state = view()
    assert repr(state).splitlines()[:2] == ["<state: ", "  neural_state: mode Calm, tension 0.25"]
    html = StateView({"text": "<b>"})._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    assert copy.copy(state) == state
