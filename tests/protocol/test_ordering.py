"""Numbered messages, each once and in order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.protocol.ordering import Gap, Orderer


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[int, list[int]]:
    """1 to n in any order, some of them more than once."""
    count = draw(st.integers(1, 40))
    numbers = list(range(1, count + 1))
    again = draw(st.lists(st.sampled_from(numbers), max_size=20))
    return count, draw(st.permutations(numbers + again))


@given(arrivals())
def test_any_order_with_duplicates_is_delivered_once_and_in_order(
    case: tuple[int, list[int]],
) -> None:
    count, numbers = case
    orderer: Orderer[int] = Orderer()
    delivered: list[Any] = []
    for number in numbers:
        delivered += orderer.receive(number, number, 10, now=0.0)
        # The cursor moves before anybody hears of the message.
        assert delivered == list(range(1, orderer.cursor + 1))
    assert delivered == list(range(1, count + 1))
    assert orderer.duplicates == len(numbers) - count
    assert len(orderer) == 0
    assert orderer.next_deadline() is None


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 50), st.floats(0, 3)), max_size=80),
    st.integers(1, 8),
    st.integers(1, 200),
)
def test_holes_are_told_and_nothing_is_doubled_silent_or_late(
    steps: list[tuple[int, int, float]], messages: int, nbytes: int
) -> None:
    """Whatever comes: what is delivered rises, each number below the cursor is delivered or in one
    gap, limits hold."""
    orderer: Orderer[int] = Orderer(messages=messages, nbytes=nbytes, wait=5.0)
    delivered: list[Any] = []
    arrived: dict[int, float] = {}
    sizes: dict[int, int] = {}
    now = 0.0
    for number, size, passed in steps:
        now += passed
        while (deadline := orderer.next_deadline()) is not None and deadline <= now:
            due = orderer.expire(deadline)
            assert isinstance(due[0], Gap)
            delivered += due
        if number > orderer.cursor and number not in arrived:
            arrived[number], sizes[number] = now, size
        delivered += orderer.receive(number, number, size, now)
        waiting = [n for n in arrived if n > orderer.cursor]
        assert len(orderer) == len(waiting) <= messages
        assert sum(sizes[n] for n in waiting) <= nbytes
        assert all(now - arrived[n] < 5.0 for n in waiting)
    covered: list[int] = []
    for item in delivered:
        if isinstance(item, Gap):
            assert item.expected < item.got
            covered += range(item.expected, item.got)
        else:
            covered.append(item)
    assert covered == list(range(1, orderer.cursor + 1))


def test_a_message_waits_five_seconds_from_its_own_arrival() -> None:
    orderer: Orderer[str] = Orderer()
    assert orderer.receive(5, "five", 1, now=0.0) == []
    assert orderer.receive(3, "three", 1, now=2.0) == []
    assert orderer.next_deadline() == 5.0
    assert orderer.expire(4.99) == []
    # Five is due; three cannot be delivered after it, so it goes now.
    assert orderer.expire(5.0) == [Gap(1, 3), "three", Gap(4, 5), "five"]
    assert orderer.receive(4, "four", 1, now=6.0) == []
    assert orderer.duplicates == 1


def test_the_hole_in_front_of_a_younger_message_stays_open() -> None:
    orderer: Orderer[str] = Orderer()
    orderer.receive(2, "two", 1, now=0.0)
    orderer.receive(4, "four", 1, now=3.0)
    assert orderer.expire(5.0) == [Gap(1, 2), "two"]
    assert orderer.next_deadline() == 8.0
    assert orderer.receive(3, "three", 1, now=7.0) == ["three", "four"]


def test_the_default_buffer_holds_1024_messages() -> None:
    orderer: Orderer[int] = Orderer()
    for number in range(2, 1026):
        assert orderer.receive(number, number, 1, now=0.0) == []
    assert len(orderer) == 1024
    assert orderer.receive(1026, 1026, 1, now=0.0) == [Gap(1, 2), *range(2, 1027)]


def test_the_default_buffer_holds_one_mebibyte() -> None:
    orderer: Orderer[int] = Orderer()
    assert orderer.receive(2, 2, 2**20 - 1, now=0.0) == []
    assert orderer.receive(3, 3, 1, now=0.0) == []
    assert orderer.receive(5, 5, 1, now=0.0) == [Gap(1, 2), 2, 3]
    assert len(orderer) == 1


def test_a_waiting_message_that_comes_again_is_a_duplicate() -> None:
    orderer: Orderer[str] = Orderer()
    orderer.receive(2, "first", 1, now=0.0)
    assert orderer.receive(2, "second", 1, now=1.0) == []
    assert orderer.duplicates == 1
    assert orderer.receive(1, "one", 1, now=1.0) == ["one", "first"]


def test_a_cut_empties_the_buffer_and_keeps_the_cursor() -> None:
    orderer: Orderer[str] = Orderer(nbytes=10)
    orderer.receive(1, "one", 1, now=0.0)
    orderer.receive(3, "three", 9, now=0.0)
    orderer.forget()
    assert (len(orderer), orderer.next_deadline(), orderer.cursor) == (0, None, 1)
    assert orderer.receive(4, "four", 9, now=0.0) == []  # its bytes are free again
    assert orderer.receive(2, "two", 1, now=0.0) == ["two"]


class TestBaseline:
    def test_one_that_starts_at_123_starts_there(self) -> None:
        orderer: Orderer[int] = Orderer(start=None)
        assert orderer.cursor == -1
        assert orderer.receive(123, 123, 1, now=0.0) == [123]
        assert orderer.receive(124, 124, 1, now=0.0) == [124]
        assert orderer.receive(126, 126, 1, now=0.0) == []
        assert orderer.receive(125, 125, 1, now=0.0) == [125, 126]

    def test_one_may_start_at_zero(self) -> None:
        orderer: Orderer[int] = Orderer(start=None)
        assert orderer.receive(0, 0, 1, now=0.0) == [0]
        assert orderer.receive(1, 1, 1, now=0.0) == [1]
        assert orderer.receive(0, 0, 1, now=0.0) == []

    def test_below_its_start_each_number_is_delivered_once_on_arrival(self) -> None:
        orderer: Orderer[int] = Orderer(start=None)
        orderer.receive(123, 123, 1, now=0.0)
        assert orderer.receive(7, 7, 1, now=0.0) == [7]
        assert orderer.receive(5, 5, 1, now=0.0) == [5]
        assert orderer.receive(7, 7, 1, now=0.0) == []
        assert orderer.receive(123, 123, 1, now=0.0) == []
        assert orderer.duplicates == 2
        assert orderer.cursor == 123

    def test_a_number_given_up_is_not_below_the_start(self) -> None:
        orderer: Orderer[int] = Orderer(start=None)
        orderer.receive(10, 10, 1, now=0.0)
        orderer.receive(12, 12, 1, now=0.0)
        assert orderer.expire(5.0) == [Gap(11, 12), 12]
        assert orderer.receive(11, 11, 1, now=6.0) == []

    def test_what_is_remembered_of_numbers_below_the_start_is_bounded(self) -> None:
        orderer: Orderer[int] = Orderer(start=None)
        orderer.receive(10**6, 0, 1, now=0.0)
        delivered = sum(bool(orderer.receive(number, 0, 1, now=0.0)) for number in range(5000))
        assert delivered == Orderer.BELOW
        assert orderer.duplicates == 5000 - delivered


@pytest.mark.parametrize("start", [0, 41])
def test_an_extended_peer_counts_on_from_where_it_was(start: int) -> None:
    orderer: Orderer[int] = Orderer(start=start)
    assert orderer.receive(start + 1, 1, 1, now=0.0) == [1]
    assert orderer.receive(start, 0, 1, now=0.0) == []
    assert orderer.duplicates == 1
