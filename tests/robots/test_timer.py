"""A timer gives its callback away once, and not after it was cancelled."""

from __future__ import annotations

from mbot_nb.robots.timer import Timer


def test_its_callback_is_taken_once() -> None:
    timer = Timer(lambda: "called")
    assert timer.pending
    callback = timer.take()
    assert callback is not None
    assert callback() == "called"
    assert not timer.pending
    assert timer.take() is None


def test_a_cancelled_one_has_no_callback_and_says_so() -> None:
    cancelled: list[str] = []
    timer = Timer(lambda: "called", lambda: cancelled.append("cancelled"))
    timer.cancel()
    assert cancelled == ["cancelled"]
    assert not timer.pending
    assert timer.take() is None
    timer.cancel()
    assert timer.take() is None
