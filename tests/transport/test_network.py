"""What a network does is drawn as its numbers say, and the same again from the same seed."""

from __future__ import annotations

import math
from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.errors import UsageError
from mbot_nb.transport.network import RETRANSMISSION, Network, NetworkModel, RelayedMessage


def model(network: Network, seed: int = 1) -> NetworkModel:
    return NetworkModel(
        network, Random(seed), connection=1, direction="up", round_trip=2 * network.delay
    )


def draw(
    network: Network, times: list[float], *, seed: int = 1, nbytes: int = 100
) -> list[RelayedMessage]:
    drawing = model(network, seed)
    return [drawing.take("text", nbytes, now) for now in times]


WORST = Network(delay=0.01, jitter=0.02, loss=0.2, reorder=0.2, duplicate=0.2, rate=50_000)
TIMES = st.lists(st.floats(0, 0.1), min_size=1, max_size=50).map(
    lambda gaps: [sum(gaps[:n]) for n in range(len(gaps))]
)


@given(TIMES, st.integers(0, 1000))
def test_what_is_drawn_depends_on_the_seed_and_the_number_alone(
    times: list[float], seed: int
) -> None:
    first = draw(WORST, times, seed=seed)
    again = draw(WORST, [7 * now + 3 for now in times], seed=seed)
    assert [(d.delay, d.resent, d.held, d.copies) for d in first] == [
        (d.delay, d.resent, d.held, d.copies) for d in again
    ]


def test_another_seed_draws_differently() -> None:
    times = [float(n) for n in range(20)]
    assert [d.delay for d in draw(WORST, times)] != [d.delay for d in draw(WORST, times, seed=2)]


@given(TIMES, st.integers(0, 1000))
def test_without_reordering_the_order_is_kept(times: list[float], seed: int) -> None:
    network = Network(delay=0.01, jitter=0.5, distribution="pareto", loss=0.3, rate=10_000)
    due = [drawn.due for drawn in draw(network, times, seed=seed)]
    assert due == sorted(due)
    assert all(then >= now + network.delay for now, then in zip(times, due, strict=True))


def test_a_reordered_message_is_passed_by_those_behind_it() -> None:
    drawn = draw(Network(delay=0.01, reorder=0.3), [n * 0.001 for n in range(300)])
    held = [number for number, one in enumerate(drawn) if one.held]
    assert 60 < len(held) < 120
    passed = [
        number for number in held if number + 1 < 300 and drawn[number + 1].due < drawn[number].due
    ]
    assert passed, "nothing was overtaken"
    order = [one.due for one in drawn if not one.held]
    assert order == sorted(order)


def test_nothing_comes_after_the_end() -> None:
    drawing = model(Network(delay=0.01, reorder=1.0))
    last = max(drawing.take("text", 10, n * 0.001).due for n in range(5))
    assert drawing.take("close", 4, 0.005).due >= last
    assert drawing.take("end", 0, 0.005).due >= last


@pytest.mark.parametrize("kind", ["handshake", "control", "close", "bytes", "end"])
def test_only_messages_are_reordered_or_doubled(kind: str) -> None:
    drawn = model(Network(reorder=1.0, duplicate=1.0)).take(kind, 10, 0.0)  # type: ignore[arg-type]
    assert (drawn.held, drawn.copies) == (0.0, 1)


def test_a_loss_costs_the_time_until_tcp_sends_again() -> None:
    network = Network(delay=0.05, loss=0.1)
    resent = [drawn.resent for drawn in draw(network, [10.0 * n for n in range(20_000)])]
    timeout = RETRANSMISSION + 0.1
    assert {round(cost / timeout, 6) for cost in resent} <= {0, 1, 3, 7, 15, 31, 63}
    shares = [sum(cost >= n * timeout * 0.999 for cost in resent) / len(resent) for n in (1, 3)]
    assert shares == pytest.approx([0.1, 0.01], rel=0.15)


def test_a_long_message_is_lost_more_easily() -> None:
    times = [10.0 * n for n in range(5000)]
    share = fmean(drawn.resent > 0 for drawn in draw(Network(loss=0.02), times, nbytes=14_600))
    assert share == pytest.approx(1 - 0.98**10, abs=0.02)


def test_what_is_behind_a_loss_waits_too() -> None:
    drawn = draw(Network(loss=0.2), [n * 0.001 for n in range(50)])
    first = next(number for number, one in enumerate(drawn) if one.resent)
    assert drawn[first + 1].due >= drawn[first].due > drawn[first].came + RETRANSMISSION * 0.999


def test_the_rate_is_kept() -> None:
    drawn = draw(Network(rate=10_000), [0.0] * 100)
    assert [one.due for one in drawn] == pytest.approx([0.01 * (n + 1) for n in range(100)])
    assert draw(Network(rate=10_000), [0.0, 5.0])[1].queued == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("distribution", "quantile"),
    [
        ("uniform", lambda u: u),
        ("exponential", lambda u: -math.log(1 - u)),
        ("pareto", lambda u: 2 * ((1 - u) ** (-1 / 3) - 1)),
    ],
)
def test_the_jitter_has_the_distribution_it_says(distribution: str, quantile: object) -> None:
    network = Network(delay=0.1, jitter=0.01, distribution=distribution)  # type: ignore[arg-type]
    drawn = sorted(one.delay - 0.1 for one in draw(network, [10.0 * n for n in range(20_000)]))
    for share in (0.1, 0.5, 0.9, 0.99):
        expected = 0.01 * quantile(share)  # type: ignore[operator]
        assert drawn[int(share * 20_000)] == pytest.approx(expected, rel=0.1)
    if distribution != "uniform":
        assert fmean(drawn) == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize(
    "numbers",
    [
        {"delay": -0.1},
        {"delay": float("nan")},
        {"jitter": 100},
        {"loss": 1.0},
        {"reorder": 1.1},
        {"duplicate": -1},
        {"rate": 0},
        {"cut_every": -1},
        {"distribution": "normal"},
    ],
)
def test_impossible_numbers_are_refused(numbers: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(numbers))):
        Network(**numbers)  # type: ignore[arg-type]


def test_it_shows_what_differs_from_a_perfect_one() -> None:
    assert repr(Network(0.02, loss=0.1)) == "Network(delay=0.02, loss=0.1)"
    assert repr(Network()) == "Network()"
