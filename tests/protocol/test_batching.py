"""When queued messages leave."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mbot_nb.protocol.batching import Batcher, mean_wait


def waits(batcher: Batcher[float], rate: float, count: int) -> list[float]:
    """What each of evenly spaced messages waits, with the timer served on time."""
    times: list[float] = []
    sent: list[float] = []

    def go(now: float) -> None:
        sent.extend(now - queued for queued in batcher.take(now))

    for number in range(count):
        now = number / rate
        while (deadline := batcher.next_deadline()) is not None and deadline < now:
            go(deadline)
        if batcher.add(now, 1, now) is not None:
            go(now)
        times.append(now)
    return sent


@given(
    rate=st.floats(0.5, 5000),
    window=st.floats(0.001, 1),
    size=st.integers(1, 100),
)
@example(rate=50.0, window=0.1, size=10)
@example(rate=500.0, window=0.1, size=10)
def test_the_closed_form_of_the_mean_wait_is_what_happens(
    rate: float, window: float, size: int
) -> None:
    # Where a message falls on the very end of a window, rounding decides.
    edge = window * rate
    if abs(edge - round(edge)) < 1e-6:
        rate *= 1.001
    together = min(size, int(window * rate) + 1)
    measured = waits(Batcher(window, size), rate, together * 20 + size)[: together * 20]
    assert len(measured) == together * 20
    assert sum(measured) / len(measured) == pytest.approx(
        mean_wait(rate, window, size), abs=1e-9, rel=1e-6
    )


def test_an_unbatched_message_waits_for_nothing() -> None:
    assert mean_wait(1000, 0, 10) == 0
    assert mean_wait(1000, 0.1, 1) == 0
    batcher: Batcher[int] = Batcher(0, 10)
    assert batcher.add(1, 10, now=5.0) == "unbatched"
    assert batcher.take(5.0) == [1]
    assert batcher.next_deadline() is None


def test_the_first_message_arms_the_timer_and_the_window_ends_it() -> None:
    batcher: Batcher[str] = Batcher(0.1, 10)
    assert batcher.next_deadline() is None
    assert not batcher.due(100.0)
    assert batcher.add("a", 5, now=1.0) is None
    assert batcher.add("b", 5, now=1.05) is None
    assert batcher.next_deadline() == pytest.approx(1.1)
    assert not batcher.due(1.09)
    assert batcher.due(1.1)
    assert (len(batcher), batcher.bytes) == (2, 10)
    assert batcher.take(1.1) == ["a", "b"]
    assert (len(batcher), batcher.bytes) == (0, 0)
    assert batcher.add("c", 5, now=1.2) is None
    assert batcher.next_deadline() == pytest.approx(1.3)


def test_a_full_batch_is_due_at_once() -> None:
    batcher: Batcher[int] = Batcher(0.1, 3)
    assert [batcher.add(n, 1, now=0.0) for n in range(3)] == [None, None, "size"]


def test_what_would_outgrow_a_frame_is_told_before_it_is_queued() -> None:
    batcher: Batcher[int] = Batcher(0.1, 10, max_bytes=100)
    assert not batcher.overflows(1000)  # alone it must go anyway
    batcher.add(1, 60, now=0.0)
    assert not batcher.overflows(40)
    assert batcher.overflows(41)


class TestAdaptive:
    def batcher(self) -> Batcher[int]:
        return Batcher(0.1, 3, "adaptive")

    def test_an_idle_link_sends_at_once_and_the_next_waits_until_the_window_since_then_is_over(
        self,
    ) -> None:
        batcher = self.batcher()
        assert batcher.add(1, 1, now=10.0) == "idle"
        batcher.take(10.0)
        assert batcher.add(2, 1, now=10.03) is None
        assert batcher.next_deadline() == pytest.approx(10.1)
        assert batcher.add(3, 1, now=10.04) is None
        assert batcher.due(10.1)
        batcher.take(10.1)
        assert batcher.add(4, 1, now=10.25) == "idle"

    def test_what_is_queued_while_a_frame_is_in_flight_waits_for_it(self) -> None:
        batcher = self.batcher()
        batcher.in_flight = True
        assert batcher.add(1, 1, now=10.0) is None
        assert batcher.next_deadline() is None
        assert not batcher.due(11.0)
        batcher.in_flight = False
        assert batcher.next_deadline() == 10.0
        assert batcher.due(11.0)

    def test_a_full_batch_goes_all_the_same(self) -> None:
        batcher = self.batcher()
        batcher.in_flight = True
        assert [batcher.add(n, 1, now=0.0) for n in range(3)] == [None, None, "size"]

    @given(st.lists(st.floats(0, 0.3), min_size=1, max_size=50))
    def test_nothing_waits_longer_than_the_window(self, gaps: list[float]) -> None:
        batcher: Batcher[float] = Batcher(0.1, 10, "adaptive")
        now, sent = 0.0, []
        for gap in gaps:
            now += gap
            while (deadline := batcher.next_deadline()) is not None and deadline < now:
                sent += [deadline - queued for queued in batcher.take(deadline)]
            if batcher.add(now, 1, now) is not None:
                sent += [now - queued for queued in batcher.take(now)]
        deadline = batcher.next_deadline()
        if deadline is not None:
            sent += [deadline - queued for queued in batcher.take(deadline)]
        assert len(sent) == len(gaps)
        assert max(sent) <= 0.1 + 1e-9
