"""Turns, medians, goals: what makes a figure of the samples."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks.figures import Comparison, Failure, Figure, Goal, compare
from benchmarks.harness import Contender, Samples, take_turns
from benchmarks.tally import Tally
from benchmarks.together import Together


def contender(name: str, values: list[float], log: list[str] | None = None) -> Contender:
    coming = iter(values)

    async def sample() -> float:
        if log is not None:
            log.append(name)
        return next(coming)

    return Contender(name, sample)


async def test_everyone_has_one_turn_a_round_and_the_first_place_rotates() -> None:
    log: list[str] = []
    sides = [contender(name, [1.0, 2.0, 3.0], log) for name in "abc"]
    samples = await take_turns(sides, 3)
    assert "".join(log) == "abcbcacab"
    assert {name: taken.values for name, taken in samples.items()} == {
        name: [1.0, 2.0, 3.0] for name in "abc"
    }


async def test_a_failing_contender_has_no_further_turn_and_the_others_go_on() -> None:
    log: list[str] = []

    async def sample() -> float:
        log.append("a")
        raise RuntimeError("nothing came")

    samples = await take_turns([Contender("a", sample), contender("b", [1.0, 2.0], log)], 2)
    assert "".join(log) == "abb"
    assert str(samples["a"].error) == "nothing came"
    assert (samples["b"].values, samples["b"].error) == ([1.0, 2.0], None)


async def test_no_rounds_and_equal_names_are_refused() -> None:
    with pytest.raises(ValueError, match="0 rounds"):
        await take_turns([contender("a", [1.0])], 0)
    with pytest.raises(ValueError, match="same name"):
        await take_turns([contender("a", [1.0]), contender("a", [1.0])], 1)


@pytest.fixture
def no_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
async def test_nothing_is_measured_without_garbage_collection() -> None:
    with pytest.raises(RuntimeError, match="garbage collection is off"):
        await take_turns([contender("a", [1.0])], 1)


def figure_of(ours: list[float], theirs: list[float], goal: Goal | None = None) -> Comparison:
    return Comparison(
        "rate", contender("ours", ours), contender("theirs", theirs), "1/s", "by hand", goal
    )


def test_a_figure_is_the_ratio_of_the_medians_with_the_spread_of_the_rounds() -> None:
    ours, theirs = [30.0, 10.0, 20.0], [4.0, 5.0, 10.0]
    figure = measured(figure_of(ours, theirs), {"ours": Samples(ours), "theirs": Samples(theirs)})
    assert (figure.ours, figure.theirs, figure.ratio) == (20.0, 5.0, 4.0)
    assert (figure.ours_spread, figure.theirs_spread, figure.ratio_spread) == (
        (10.0, 30.0),
        (4.0, 10.0),
        (2.0, 7.5),
    )
    assert (figure.rounds, figure.against, figure.goal, figure.met) == (3, "theirs", None, None)


@pytest.mark.parametrize(
    ("goal", "text", "met"),
    [
        (Goal(ratio_at_least=2), "≥ 2 x", True),
        (Goal(ratio_at_least=2.1), "≥ 2.1 x", False),
        (Goal(ratio_at_most=2), "≤ 2 x", True),
        (Goal(ratio_at_most=1.9), "≤ 1.9 x", False),
        (Goal(ratio_at_least=2, ours_at_least=100_000), "≥ 2 x, ≥ 100,000", True),
        (Goal(ratio_at_least=2, ours_at_least=100_001), "≥ 2 x, ≥ 100,001", False),
        (Goal(ours_at_most=100_000), "≤ 100,000", True),
        (Goal(ours_at_most=99_999.5), "≤ 99,999.5", False),
        (Goal(more_at_most=50_000), "≤ theirs + 50,000", True),
        (Goal(more_at_most=49_999.5), "≤ theirs + 49,999.5", False),
    ],
)
def test_a_goal_is_met_when_all_its_limits_are_kept(goal: Goal, text: str, met: bool) -> None:
    figure = measured(
        figure_of([1e5], [5e4], goal), {"ours": Samples([100_000.0]), "theirs": Samples([50_000.0])}
    )
    assert (figure.goal, figure.met) == (text, met)


def test_a_figure_alone_has_its_own_value_and_no_goal_that_compares() -> None:
    row = Comparison("share", contender("ours", []), None, "%", "by hand", Goal(ours_at_most=5))
    figure = measured(row, {"ours": Samples([6.0, 4.0, 5.0])})
    assert (figure.ours, figure.ours_spread, figure.met) == (5.0, (4.0, 6.0), True)
    assert (
        figure.theirs,
        figure.ratio,
        figure.theirs_spread,
        figure.ratio_spread,
        figure.against,
    ) == (None,) * 5
    with pytest.raises(ValueError, match="nothing was measured beside it"):
        compare(replace(row, goal=Goal(ratio_at_most=2)), {"ours": Samples([1.0])})
    with pytest.raises(ValueError, match="without a limit"):
        Goal()


def test_a_side_that_failed_makes_no_figure() -> None:
    broken = Samples([1.0], RuntimeError("nothing came"))
    for samples in (
        {"ours": broken, "theirs": Samples([1.0])},
        {"ours": Samples([1.0]), "theirs": broken},
    ):
        figure = compare(figure_of([1.0], [1.0]), samples)
        assert figure == Failure("rate", "RuntimeError: nothing came")
    figure = compare(figure_of([1.0], [0.0]), {"ours": Samples([1.0]), "theirs": Samples([0.0])})
    assert isinstance(figure, Failure)


def measured(comparison: Comparison, samples: dict[str, Samples]) -> Figure:
    figure = compare(comparison, samples)
    assert isinstance(figure, Figure)
    return figure


@pytest.mark.parametrize(
    ("unit", "goal", "better"),
    [
        ("messages/s", None, "more"),
        ("ms", None, "less"),
        ("1/s", Goal(ours_at_most=200), "less"),
        ("ms", Goal(more_at_most=0.3), "less"),
        ("p", Goal(ratio_at_least=1), "more"),
        ("ms", Goal(ratio_at_least=0.95, ratio_at_most=1.05), "nearer"),
    ],
)
def test_which_way_is_better_is_said_by_the_goal_or_the_unit(
    unit: str, goal: Goal | None, better: str
) -> None:
    assert replace(figure_of([], []), unit=unit, goal=goal).better == better


async def test_what_is_measured_together_fails_together_and_is_not_tried_again() -> None:
    tries = 0

    async def measure() -> dict[str, float]:
        nonlocal tries
        tries += 1
        raise RuntimeError("nothing came")

    both = Together("stop", measure)
    samples = await take_turns([both.part("p50"), both.part("p99")], 3)
    assert [str(taken.error) for taken in samples.values()] == ["nothing came"] * 2
    assert tries == 1


async def test_what_is_measured_together_is_measured_once_a_round() -> None:
    rounds = 0

    async def measure() -> dict[str, float]:
        nonlocal rounds
        rounds += 1
        return {"p50": rounds, "p99": 10.0 * rounds, "unasked": 0.0}

    both = Together("stop", measure)
    samples = await take_turns([both.part("p50"), both.part("p99")], 3)
    assert {name: taken.values for name, taken in samples.items()} == {
        "stop: p50": [1.0, 2.0, 3.0],
        "stop: p99": [10.0, 20.0, 30.0],
    }
    assert rounds == 3


def test_the_tally_takes_nothing_but_all_in_order() -> None:
    tally = Tally()
    for n in range(3):
        tally.add(n)
    tally.check(3)
    with pytest.raises(RuntimeError, match="4 messages were sent and 3 handled"):
        tally.check(4)
    for n in (4, 3):
        tally.add(n)
    with pytest.raises(RuntimeError, match="message 3 was due and 4 came"):
        tally.check(5)
