"""The mood of a real robot follows its sensors by the clock."""

from __future__ import annotations

import time

import pytest

from mbot_nb import commands as c
from mbot_nb.robots.serial.mood import MAX_CATCH_UP, Mood


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the monotonic clock reads."""
    reading = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: reading[0])
    return reading


def test_only_the_traits_that_are_given_change(now: list[float]) -> None:
    mind = Mood().mind
    after = mind.personality | {"curiosity_drive": 0.9}
    assert mind.change_personality(c.UpdatePersonality(curiosity_drive=0.9).params()) == {
        "personality": after,
        "changed": {"curiosity_drive": 0.9},
    }
    assert mind.personality == after


def test_the_numbers_handed_out_are_a_copy(now: list[float]) -> None:
    mind = Mood().mind
    before = dict(mind.personality)
    mind.change_personality({})["personality"]["curiosity_drive"] = 99.0
    assert mind.personality == before


def test_a_startle_fades_as_time_passes(now: list[float]) -> None:
    mood = Mood()
    calm = mood.mind.state()["tension"]
    mood.mind.startle(1.0)
    mood.update({}, (0, 0))
    startled = mood.mind.state()["tension"]
    assert startled > calm
    now[0] += 30
    mood.update({}, (0, 0))
    assert calm <= mood.mind.state()["tension"] < startled


def test_driving_raises_energy(now: list[float]) -> None:
    resting, driving = Mood(), Mood()
    now[0] += 5
    resting.update({"distance": 300.0}, (0, 0))
    driving.update({"distance": 300.0}, (80, 80))
    assert driving.mind.state()["energy"] > resting.mind.state()["energy"]


def test_after_a_long_pause_it_catches_up_with_a_part_only(now: list[float]) -> None:
    """A laptop that slept for a night must not hold its robot up."""
    night, minute = Mood(), Mood()
    for mood, pause in ((minute, MAX_CATCH_UP), (night, 1e6)):
        now[0] = 1000.0
        mood.update({}, (0, 0))
        now[0] += pause
        mood.update({"light": 90.0}, (100, 100))
    assert night.mind.state() == minute.mind.state()
