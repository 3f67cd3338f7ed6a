"""The watchdog calls on time, in order, and leaves no thread behind."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from mbot_nb.robots.watchdog import Watchdog, shared

SOON = 0.02


@pytest.fixture
def watchdog() -> Watchdog:
    return Watchdog("test-watchdog")


def test_it_calls_on_time_and_then_ends(watchdog: Watchdog) -> None:
    called = threading.Event()
    at: list[float] = []

    def callback() -> None:
        at.append(time.monotonic())
        called.set()

    deadline = time.monotonic() + SOON
    watchdog.call_at(deadline, callback)
    assert called.wait(5)
    assert deadline <= at[0] < deadline + 1
    assert watchdog.join(5)
    assert "test-watchdog" not in {thread.name for thread in threading.enumerate()}


def test_the_earliest_comes_first_however_they_were_asked_for(watchdog: Watchdog) -> None:
    order: list[int] = []
    start = time.monotonic() + SOON
    for rank in (2, 0, 3, 1):
        watchdog.call_at(start + rank / 1000, lambda rank=rank: order.append(rank))  # type: ignore[misc]
    assert watchdog.join(5)
    assert order == [0, 1, 2, 3]


def test_a_cancelled_one_is_not_called_and_keeps_no_thread_waiting(watchdog: Watchdog) -> None:
    called: list[str] = []
    timer = watchdog.call_at(time.monotonic() + 3600, lambda: called.append("late"))
    timer.cancel()
    timer.cancel()
    assert watchdog.join(5)
    assert called == []


def test_cancelling_the_first_still_calls_the_second(watchdog: Watchdog) -> None:
    called: list[str] = []
    start = time.monotonic()
    first = watchdog.call_at(start + SOON / 2, lambda: called.append("first"))
    watchdog.call_at(start + SOON, lambda: called.append("second"))
    first.cancel()
    assert watchdog.join(5)
    assert called == ["second"]


def test_an_earlier_one_overtakes_the_one_that_is_waited_for(watchdog: Watchdog) -> None:
    overtaken = threading.Event()
    late = watchdog.call_at(time.monotonic() + 3600, lambda: None)
    watchdog.call_at(time.monotonic(), overtaken.set)
    assert overtaken.wait(5)
    late.cancel()
    assert watchdog.join(5)


def test_a_callback_that_fails_is_logged_and_the_next_one_is_called(
    watchdog: Watchdog, caplog: pytest.LogCaptureFixture
) -> None:
    called: list[str] = []

    def fail() -> None:
        raise ValueError("out of cheese")

    with caplog.at_level(logging.ERROR, "mbot_nb"):
        now = time.monotonic()
        watchdog.call_at(now, fail)
        watchdog.call_at(now, lambda: called.append("next"))
        assert watchdog.join(5)
    assert called == ["next"]
    assert "out of cheese" in caplog.text


def test_a_callback_may_make_the_next_appointment(watchdog: Watchdog) -> None:
    done = threading.Event()
    watchdog.call_at(time.monotonic(), lambda: watchdog.call_at(time.monotonic(), done.set))
    assert done.wait(5)
    assert watchdog.join(5)


def test_it_starts_again_after_it_has_ended(watchdog: Watchdog) -> None:
    for _ in range(3):
        done = threading.Event()
        watchdog.call_at(time.monotonic(), done.set)
        assert done.wait(5)
        assert watchdog.join(5)


def test_there_is_one_for_the_process() -> None:
    assert shared() is shared()
