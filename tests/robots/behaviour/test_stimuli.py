"""Stimuli in sensor values: each is told once, and again only after it was gone."""

from __future__ import annotations

from typing import Any

import pytest

from mbot_nb.robots.behaviour.stimuli import APART, BANG, OBSTACLE, Stimuli


@pytest.fixture
def events() -> list[tuple[str, dict[str, Any]]]:
    return []


@pytest.fixture
def stimuli(events: list[tuple[str, dict[str, Any]]]) -> Stimuli:
    return Stimuli(lambda event, data: events.append((event, data)))


def kinds(events: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [data.get("type", name) for name, data in events]


def test_an_obstacle_is_told_again_after_it_was_clearly_away(
    stimuli: Stimuli, events: list[tuple[str, dict[str, Any]]]
) -> None:
    for distance in (100.0, OBSTACLE - 1, 8.0, OBSTACLE + APART, OBSTACLE - 1):
        stimuli.update({"distance": distance}, moving=False, forward=False)
    assert kinds(events) == ["obstacle"]
    stimuli.update({"distance": OBSTACLE + APART + 0.1}, moving=False, forward=False)
    stimuli.update({"distance": OBSTACLE - 1}, moving=False, forward=False)
    assert kinds(events) == ["obstacle", "obstacle"]
    assert events[0][1]["distance"] == OBSTACLE - 1


def test_a_bump_needs_a_drive_forward(
    stimuli: Stimuli, events: list[tuple[str, dict[str, Any]]]
) -> None:
    stimuli.update({"distance": 4.0}, moving=True, forward=False)
    assert kinds(events) == ["obstacle"]
    for _ in range(3):
        stimuli.update({"distance": 4.0}, moving=True, forward=True)
    assert kinds(events) == ["obstacle", "bump"]
    assert events[1][1]["side"] == "front"


def test_a_bang_is_a_sudden_rise_that_is_not_its_own_tone(
    stimuli: Stimuli, events: list[tuple[str, dict[str, Any]]]
) -> None:
    for sound in (0.0, 10.0, 10.0 + BANG - 0.1):
        stimuli.update({"sound": sound}, moving=False, forward=False)
    stimuli.update({"sound": 90.0}, moving=False, forward=False, sounding=True)
    assert events == []
    stimuli.update({"sound": 0.0}, moving=False, forward=False)
    stimuli.update({"sound": BANG}, moving=False, forward=False)
    ((_, data),) = events
    assert data == {"type": "sound", "strength": BANG / 100, "loudness": BANG}


def test_a_line_is_lost_by_moving_off_it(
    stimuli: Stimuli, events: list[tuple[str, dict[str, Any]]]
) -> None:
    for line, moving in ((0, True), (15, True), (0, False), (6, True), (0, True)):
        stimuli.update({"line": line}, moving=moving, forward=True)
    assert kinds(events) == ["line_lost"]


def test_buttons_are_told_as_they_change(
    stimuli: Stimuli, events: list[tuple[str, dict[str, Any]]]
) -> None:
    for a, b in ((0, 0), (1, 0), (1, 1), (0, 1)):
        stimuli.update({"button_a": a, "button_b": b}, moving=False, forward=False)
    assert events == [
        ("button", {"button": "a", "pressed": True}),
        ("button", {"button": "b", "pressed": True}),
        ("button", {"button": "a", "pressed": False}),
    ]
