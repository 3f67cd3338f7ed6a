"""What an experiment happens in, and which of its messages a blocked loop held up."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import mbot_nb as mb
from mbot_nb.lab.environment import client_of, held_up, lags, positive
from mbot_nb.loops.monitor import Stall

NAN = float("nan")


def stall(begin: float, seconds: float) -> Stall:
    return Stall(begin, begin + seconds)


def array(*values: float) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)


def test_the_lag_of_a_span_is_the_longest_block_within_it() -> None:
    spans = lags(array(0, 1, 2, 10), array(1.5, 3, 20, 11), [stall(1.2, 1), stall(5, 4)])
    assert list(spans) == pytest.approx([0.3, 1.0, 4.0, 0.0])


def test_only_long_stalls_hold_up_and_late_messages_were_held_up_before_they_left() -> None:
    due = array(0, 1, 2, 3)
    left = array(0, 1, 2.6, 3)
    back = array(0.1, 1.1, 2.7, NAN)
    lag, held = held_up(due, left, back, [stall(1.05, 0.02), stall(4, 1)], 0.5)
    assert list(held) == [False, False, True, True], "what never came back may wait for ever"
    assert lag[1] == pytest.approx(20)
    assert lag[0] == 0


async def test_an_experiment_needs_a_client_that_is_connected(bot: mb.Client) -> None:
    assert client_of(bot) is bot
    with pytest.raises(mb.UsageError, match=r"needs a client.*not str"):
        client_of("bot")  # type: ignore[arg-type]
    await bot.close()
    with pytest.raises(mb.NotConnectedError, match="nothing to measure"):
        client_of(bot)


@pytest.mark.parametrize("value", [0, -1, NAN, float("inf")])
def test_what_must_be_more_than_0_is_named(value: float) -> None:
    positive(rate=1, duration=0.1)
    with pytest.raises(mb.UsageError, match="duration must be more than 0"):
        positive(rate=1, duration=value)
