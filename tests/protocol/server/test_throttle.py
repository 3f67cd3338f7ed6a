"""How fast a peer may talk."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.protocol.server.throttle import TokenBucket


def test_a_burst_then_the_rate() -> None:
    bucket = TokenBucket(rate=100, burst=100, now=0.0)
    assert [bucket.take(0.0) for _ in range(101)] == [True] * 100 + [False]
    assert bucket.next_token() == pytest.approx(0.01)
    assert bucket.take(0.01)
    assert not bucket.take(0.011)


def test_no_more_than_the_burst_is_saved() -> None:
    bucket = TokenBucket(rate=100, burst=3, now=0.0)
    assert [bucket.take(1000.0) for _ in range(4)] == [True, True, True, False]


def test_a_clock_that_goes_back_brings_nothing() -> None:
    bucket = TokenBucket(rate=1, burst=1, now=10.0)
    assert bucket.take(10.0)
    assert not bucket.take(5.0)
    assert not bucket.take(5.5)


@given(
    start=st.floats(0, 1e7),
    rate=st.floats(0.1, 1000),
    gaps=st.lists(st.floats(0, 0.1), min_size=1, max_size=50),
)
def test_the_next_token_is_there_when_it_was_promised(
    start: float, rate: float, gaps: list[float]
) -> None:
    """Or a timer set for it would fire again and again."""
    bucket = TokenBucket(rate=rate, burst=2, now=start)
    now = start
    for gap in gaps:
        now += gap
        if not bucket.take(now):
            now = bucket.next_token()
            assert bucket.take(now)


@given(st.lists(st.floats(0, 0.05), max_size=200))
def test_never_faster_than_rate_and_burst_allow(gaps: list[float]) -> None:
    bucket = TokenBucket(rate=100, burst=10, now=0.0)
    now, taken = 0.0, 0
    for gap in gaps:
        now += gap
        taken += bucket.take(now)
        assert taken <= 10 + 100 * now + 1e-3
