"""The mind: every number of the personality does its work, every mode is reached and left, rest is
rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb import commands as c
from mbot_nb.robots import SimulatedRobot, World
from mbot_nb.robots.behaviour.mind import Mind, Moment
from tests.helpers.robots import Ears, FakeClock

TICK = 0.1


def advance(mind: Mind, seconds: float, **moment: float) -> Mind:
    for _ in range(round(seconds / TICK)):
        mind.advance(TICK, Moment(**moment))
    return mind


def mind(**personality: float) -> Mind:
    made = Mind()
    made.personality.update(personality)
    return advance(made, 60)


def test_left_alone_it_comes_to_its_baselines_and_rests() -> None:
    resting = mind(
        tension_baseline=0.3, coherence_baseline=0.6, energy_baseline=0.4, curiosity_drive=0.8
    )
    assert (resting.tension, resting.coherence, resting.energy, resting.curiosity) == (
        0.3,
        0.6,
        0.4,
        0.4,
    )
    assert (resting.mode, resting.steady) == ("Calm", True)


def test_a_startle_raises_tension_and_curiosity_and_lowers_coherence() -> None:
    startled = mind()
    before = (startled.tension, startled.coherence, startled.curiosity)
    startled.startle(0.6)
    assert startled.tension == pytest.approx(0.2 + 0.5 * 0.6 * 0.8)
    assert startled.curiosity > before[2]
    assert advance(startled, TICK).mode == "Spike"
    assert startled.coherence < before[1]
    assert advance(startled, 30).mode == "Calm"
    assert (startled.tension, startled.coherence, startled.curiosity) == before


@pytest.mark.parametrize("more", [0.2, 0.9])
def test_startle_sensitivity_makes_a_startle_stronger(more: float) -> None:
    weak, strong = mind(startle_sensitivity=0.1), mind(startle_sensitivity=more)
    weak.startle(0.5)
    strong.startle(0.5)
    assert strong.tension > weak.tension


def test_recovery_speed_makes_tension_fall_faster() -> None:
    slow, fast = mind(recovery_speed=0.0), mind(recovery_speed=1.0)
    for one in (slow, fast):
        one.startle(1.0)
        advance(one, 1)
    assert fast.tension < slow.tension - 0.1


def test_movement_expressiveness_turns_motion_into_energy() -> None:
    still, lively = (
        advance(mind(movement_expressiveness=value), 5, speed=0.5) for value in (0.0, 1.0)
    )
    assert still.energy == 0.5
    assert lively.energy == pytest.approx(0.75, abs=0.01)
    assert still.mode == lively.mode == "Active"


def test_sound_expressiveness_turns_sound_into_energy() -> None:
    deaf, lively = (advance(mind(sound_expressiveness=value), 5, sound=60) for value in (0.0, 1.0))
    assert deaf.energy == 0.5
    assert lively.energy == pytest.approx(0.65, abs=0.01)


def test_light_expressiveness_turns_unusual_light_into_curiosity_until_it_is_used_to_it() -> None:
    blind, lively = (advance(mind(light_expressiveness=value), 1, light=50) for value in (0.0, 1.0))
    assert blind.curiosity == 0.25
    assert lively.curiosity > 0.4
    advance(lively, 30, light=50)
    assert lively.curiosity == 0.25


def test_something_close_ahead_raises_tension_for_as_long_as_it_stands_there() -> None:
    close = advance(mind(), 30, ahead=3)
    assert close.tension == pytest.approx(0.2 + 0.5 * 0.8 * 0.9)
    assert close.steady
    advance(close, 30)
    assert close.tension == 0.2


def test_protect_is_left_later_than_it_is_entered() -> None:
    hurt = mind(startle_sensitivity=1.0, recovery_speed=0.0)
    hurt.startle(0.9)
    modes = []
    tensions = []
    for _ in range(100):
        advance(hurt, TICK)
        modes.append(hurt.mode)
        tensions.append(hurt.tension)
    assert modes[0] == "Protect"
    last = max(at for at, mode in enumerate(modes) if mode == "Protect")
    assert 0.6 <= tensions[last] < 0.65
    assert "Protect" not in modes[last + 1 :]


@given(
    personality=st.lists(st.floats(0, 1), min_size=9, max_size=9),
    moments=st.lists(
        st.tuples(
            st.floats(0, 1),
            st.floats(3, 300),
            st.floats(0, 100),
            st.floats(0, 100),
            st.floats(0, 1),
        ),
        max_size=60,
    ),
)
def test_every_number_stays_in_its_range(
    personality: list[float], moments: list[tuple[float, float, float, float, float]]
) -> None:
    one = Mind()
    one.personality = dict(zip(c.TRAITS, personality, strict=True))
    for *moment, startle in moments:
        if startle > 0.5:
            one.startle(startle)
        one.advance(TICK, Moment(*moment))
        assert all(
            0 <= value <= 1 for value in (one.tension, one.coherence, one.energy, one.curiosity)
        )


def test_a_drive_through_the_modes(clock: FakeClock) -> None:
    bot = SimulatedRobot(world=World(), clock=clock, noise=0)
    ears = Ears()
    bot.attach(ears)
    bot.execute(c.UpdatePersonality(startle_sensitivity=1.0, recovery_speed=0.1))
    modes: list[str] = []

    def watch(seconds: float) -> None:
        for _ in range(round(seconds / TICK)):
            clock.sleep(TICK)
            mode = bot.state()["neural_state"]["mode"]
            if not modes or modes[-1] != mode:
                modes.append(mode)

    watch(1)
    bot.execute(c.Drive(left=100, right=100, duration=2))
    watch(2)
    bot.execute(c.Drive(left=-40, right=-40, duration=1))
    watch(30)
    assert modes[0] == "Calm"
    assert modes[-1] == "Calm"
    assert [mode for mode in ("Active", "Spike", "Protect") if mode not in modes] == []


def test_a_personality_update_shows_without_any_stimulus(clock: FakeClock) -> None:
    bot = SimulatedRobot(world=World(), clock=clock)
    clock.sleep(60)
    assert bot.state()["neural_state"]["tension"] == 0.2
    bot.execute(c.UpdatePersonality(tension_baseline=0.6))
    clock.sleep(60)
    assert bot.state()["neural_state"]["tension"] == 0.6
