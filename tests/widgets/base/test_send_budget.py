"""All widgets together never send more than a page can take."""

from __future__ import annotations

import pytest

from mbot_nb.widgets.base.send_budget import SendBudget


class Clock:
    """Seconds that pass only when somebody says so."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def test_no_second_has_more_than_200_messages() -> None:
    clock = Clock()
    budget = SendBudget(clock=clock)
    sent: list[float] = []
    clock.now += 100  # a long rest saves nothing up
    while clock.now < 155:
        if budget.wait() == 0.0:
            sent.append(clock.now)
        else:
            clock.now += 0.001
    most = max(sum(1 for t in sent if begin <= t < begin + 1.0) for begin in sent)
    assert 150 <= most <= 200


def test_who_must_wait_is_told_how_long() -> None:
    clock = Clock()
    budget = SendBudget(rate=10, burst=1, clock=clock)
    assert budget.wait() == 0.0
    wait = budget.wait()
    assert wait == pytest.approx(0.1)
    clock.now += wait
    assert budget.wait() == 0.0


def test_an_answer_is_not_held_back_and_the_others_wait_for_it() -> None:
    clock = Clock()
    budget = SendBudget(rate=10, burst=1, clock=clock)
    for _ in range(3):
        budget.take()
    assert budget.wait() == pytest.approx(0.3)
