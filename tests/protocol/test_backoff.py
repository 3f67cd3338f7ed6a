"""When to try again, and whether it can help."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.protocol.backoff import Backoff
from mbot_nb.protocol.loss import CloseCode, Loss, LossKind
from mbot_nb.protocol.settings import Settings


def ladder(settings: Settings, loss: Loss | None, count: int, luck: float = 0.0) -> list[float]:
    """The delays before attempts 1, 2, 3, ..."""
    backoff = Backoff(settings)
    delays = []
    for _ in range(count):
        delays.append(backoff.next_delay(loss, luck))
        backoff.start_attempt()
    return delays


def test_the_ladder() -> None:
    reset = Loss(LossKind.RESET, "reset")
    assert ladder(Settings(), reset, 10) == [0, 1, 2, 4, 8, 16, 30, 30, 30, 30]
    assert ladder(Settings(), None, 3) == [0, 1, 2]


@pytest.mark.parametrize("code", [CloseCode.TOO_SLOW, CloseCode.TOO_FAST])
def test_after_being_sent_away_the_first_delay_is_a_second(code: int) -> None:
    assert ladder(Settings(), Loss(LossKind.CLOSED, "sent away", code), 4) == [1, 1, 2, 4]


def test_a_success_begins_the_ladder_anew() -> None:
    backoff = Backoff(Settings())
    for _ in range(4):
        backoff.start_attempt()
    assert (backoff.attempts, backoff.next_delay(None, 0.0)) == (4, 8)
    backoff.reset()
    assert (backoff.attempts, backoff.next_delay(None, 0.0)) == (0, 0)


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1))
def test_jitter_lengthens_by_at_most_its_share(luck: float, jitter: float) -> None:
    plain = ladder(Settings(), None, 8)
    for delay, base in zip(
        ladder(Settings(retry_jitter=jitter), None, 8, luck), plain, strict=True
    ):
        assert base <= delay <= base * (1 + jitter)
