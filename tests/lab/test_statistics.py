"""The intervals are what they say they are: held against SciPy's resampling, and against truths
that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mbot_nb.errors import UsageError
from mbot_nb.lab.statistics import autocorrelation_time, gaps, percentile, summarise, table, warm_up


@pytest.mark.parametrize("q", [10, 50, 90, 95])
def test_the_interval_is_that_of_a_bootstrap_without_its_noise(q: float) -> None:
    values = np.random.default_rng(1).exponential(size=300)
    ours = percentile(values, q)

    def statistic(sample: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.asarray(np.quantile(sample, q / 100, axis=axis, method="inverted_cdf"))

    theirs = stats.bootstrap(
        (values,),
        statistic,
        method="percentile",
        n_resamples=20_000,
        batch=2000,
        rng=np.random.default_rng(2),
    ).confidence_interval
    ordered = np.sort(values)
    assert ours.value == pytest.approx(
        np.quantile(values, q / 100, method="inverted_cdf"), rel=1e-12
    )
    # They are values of the sample: at most one rank apart for SciPy's noise, one more for
    # dependence seen where none is.
    for mine, other in ((ours.low, theirs.low), (ours.high, theirs.high)):
        assert abs(np.searchsorted(ordered, mine) - np.searchsorted(ordered, other)) <= 3


@pytest.mark.parametrize(("q", "n"), [(50, 100), (90, 300), (99, 1000)])
def test_the_interval_holds_the_truth_as_often_as_it_says(q: float, n: int) -> None:
    generator = np.random.default_rng(3)
    truth = -math.log(1 - q / 100)
    hits = 0
    for _ in range(400):
        estimate = percentile(generator.exponential(size=n), q)
        hits += estimate.low <= truth <= estimate.high
    assert 0.92 <= hits / 400 <= 0.99


def test_the_interval_holds_the_truth_where_values_depend_on_one_another() -> None:
    """A plain bootstrap of this series holds it in a third of all cases only."""
    generator = np.random.default_rng(4)
    phi, n = 0.9, 2000
    hits = 0
    for _ in range(200):
        noise = generator.normal(size=n) * math.sqrt(1 - phi**2)
        series = np.empty(n)
        series[0] = generator.normal()
        for t in range(1, n):
            series[t] = phi * series[t - 1] + noise[t]
        estimate = percentile(series, 50)
        hits += estimate.low <= 0 <= estimate.high
    assert hits / 200 >= 0.88


def test_the_autocorrelation_time_of_a_known_process() -> None:
    generator = np.random.default_rng(5)
    assert autocorrelation_time(generator.normal(size=20_000)) == pytest.approx(1.0, abs=0.1)
    held = np.repeat(
        generator.normal(size=4000), 5
    )  # every value five times: autocorrelation time 5
    assert autocorrelation_time(held) == pytest.approx(5.0, rel=0.2)
    assert autocorrelation_time(np.ones(100)) == 1.0
    assert autocorrelation_time([]) == 1.0


def test_what_too_few_values_cannot_tell_is_open() -> None:
    values = np.random.default_rng(6).exponential(size=300)
    assert percentile(values, 99).high == math.inf
    assert percentile(values, 99).low > 0
    assert percentile(values, 1).low == -math.inf
    assert math.isfinite(percentile(values, 90).high)
    assert percentile([1.0], 50) == (1.0, -math.inf, math.inf)
    assert "?" in str(percentile(values, 99.9))


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=60), st.floats(1, 99))
def test_a_percentile_is_a_value_within_its_interval(values: list[float], q: float) -> None:
    estimate = percentile(values, q)
    assert estimate.value in values
    assert sum(value <= estimate.value for value in values) >= q / 100 * len(values) - 1e-6
    assert estimate.low <= estimate.value <= estimate.high


def test_missing_values_are_left_out() -> None:
    assert summarise([1.0, math.nan, 3.0]).n == 2
    assert math.isnan(percentile([math.nan], 50).value)
    assert summarise([]).n == 0


def test_jitter_is_the_mean_step() -> None:
    summary = summarise([1.0, 2.0, 1.0, 4.0])
    assert summary.jitter.value == pytest.approx((1 + 1 + 3) / 3)
    assert summary.jitter.low <= summary.jitter.value <= summary.jitter.high
    assert (summary.smallest, summary.largest, summary.mean) == (1, 4, 2)


def test_gaps_are_pauses_longer_than_three_times_what_is_usual() -> None:
    times = [0.0, 0.1, 0.2, 0.9, 1.0, 1.31]
    found = gaps(times, 0.1)
    assert found.number == 2
    assert found.longest == pytest.approx(0.7)
    assert gaps([1.0], 0.1).number == 0


def test_a_table_has_a_line_for_each_series() -> None:
    made = table({"one": [1.0, 2.0, 3.0], "two": [4.0, 5.0, 6.0]})
    assert list(made.index) == ["one", "two"]
    assert made.loc["two", "p50"] == 5
    assert {"n", "p99_9", "p99_9_low", "p99_9_high", "jitter", "mean", "min", "max"} <= set(
        made.columns
    )


def test_the_warm_up_is_a_tenth_but_a_second_at_most() -> None:
    assert warm_up(5) == 0.5
    assert warm_up(100) == 1


@pytest.mark.parametrize("q", [0, 100, -1])
def test_impossible_percentiles_are_refused(q: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 100"):
        percentile([1.0], q)


def test_a_table_is_no_series() -> None:
    with pytest.raises(UsageError, match="one column"):
        percentile([[1.0, 2.0]], 50)
