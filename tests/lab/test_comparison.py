"""Comparisons find the difference that was put in, and none where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mbot_nb.errors import UsageError
from mbot_nb.lab.comparison import cliffs_delta, compare


def test_a_shift_is_found_with_its_size() -> None:
    generator = np.random.default_rng(1)
    a, b = generator.gamma(2, 0.01, 2000), generator.gamma(2, 0.01, 2000) + 0.005
    found = compare(a, b)
    assert found.differs
    assert found.p50.low <= 0.005 <= found.p50.high
    assert found.p50.high - found.p50.low < 0.003
    assert found.ratio.value == pytest.approx(np.median(b) / np.median(a), rel=0.01)
    assert found.effect.low > 0
    assert "slower" in repr(found)
    assert "n=2000 and 2000" in found._repr_html_()


def test_it_reads_the_same_from_the_other_side() -> None:
    generator = np.random.default_rng(2)
    a, b = generator.exponential(size=500), generator.exponential(size=400) * 1.3
    there, back = compare(a, b), compare(b, a)
    assert back.effect.value == pytest.approx(-there.effect.value)
    assert back.effect.low == pytest.approx(-there.effect.high)
    assert back.p50.value == pytest.approx(-there.p50.value)
    assert back.p50.low == pytest.approx(-there.p50.high, abs=0.02)


def test_no_difference_is_found_as_often_as_it_says() -> None:
    generator = np.random.default_rng(3)
    false = median = 0
    for _ in range(300):
        a, b = generator.exponential(size=150), generator.exponential(size=150)
        found = compare(a, b)
        false += found.differs
        median += not found.p50.low <= 0 <= found.p50.high
    assert false / 300 <= 0.09
    assert median / 300 <= 0.09


def test_the_effect_is_the_mann_whitney_statistic() -> None:
    generator = np.random.default_rng(4)
    a, b = generator.integers(0, 20, 80), generator.integers(3, 23, 60)  # with ties
    u = stats.mannwhitneyu(b, a).statistic
    assert cliffs_delta(a, b).value == pytest.approx(2 * u / (80 * 60) - 1)


def test_the_interval_of_the_effect_holds_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(5)
    truth = 2 * stats.norm.cdf(1 / math.sqrt(2)) - 1
    hits = 0
    for _ in range(300):
        effect = cliffs_delta(generator.normal(size=40), generator.normal(1, size=40))
        hits += effect.low <= truth <= effect.high
    assert hits / 300 >= 0.92


def test_values_that_do_not_overlap_have_an_interval_too() -> None:
    effect = cliffs_delta([3, 1, 5, 2, 4], [8, 6, 10, 7, 9])
    assert effect.value == effect.high == 1
    assert 0 < effect.low < 0.9
    assert cliffs_delta([7, 6, 8], [2, 1, 3]).value == -1
    assert cliffs_delta([1, 1, 1], [1, 1, 1]).value == 0


def test_the_same_seed_gives_the_same_answer() -> None:
    generator = np.random.default_rng(6)
    a, b = generator.exponential(size=100), generator.exponential(size=100)
    assert compare(a, b) == compare(a, b)
    assert (
        compare(a, b).p50 != compare(a, b, seed=1).p50
        or compare(a, b).ratio != compare(a, b, seed=1).ratio
    )


def test_a_tail_that_too_few_values_show_is_open() -> None:
    generator = np.random.default_rng(7)
    found = compare(generator.exponential(size=100), generator.exponential(size=100))
    assert found.p99.low == -math.inf
    assert found.p99.high == math.inf


def test_too_little_to_compare() -> None:
    with pytest.raises(UsageError, match="two are the least"):
        compare([1.0], [1.0, 2.0])
