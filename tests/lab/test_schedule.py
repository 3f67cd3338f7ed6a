"""The schedule is kept, whatever the loop does."""

from __future__ import annotations

import asyncio
import time

import pytest

from mbot_nb.lab.schedule import pace


async def test_each_comes_at_its_time() -> None:
    at: list[float] = []
    start = await pace(200, 60, lambda k: at.append(time.monotonic()))
    late = [then - (start + k / 200) for k, then in enumerate(at)]
    assert len(at) == 60
    assert min(late) >= 0
    assert sorted(late)[6] < 0.002  # the rest belongs to a busy machine


@pytest.mark.may_block("what is paced here blocks the loop on purpose")
async def test_what_falls_due_in_a_stall_is_done_behind_it_and_the_schedule_goes_on() -> None:
    at: list[float] = []

    def act(k: int) -> None:
        at.append(time.monotonic())
        if k == 20:
            time.sleep(0.15)

    start = await pace(200, 80, act)
    assert at == sorted(at)
    stall_end = at[20] + 0.15
    assert max(at[21:50]) - stall_end < 0.1, "what was due in the stall is done at once after it"
    assert at[79] - (start + 79 / 200) < 0.1, "and nothing of the stall remains"


async def test_a_failure_ends_it() -> None:
    done: list[int] = []

    def act(k: int) -> None:
        done.append(k)
        if k == 3:
            raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        await pace(1000, 100, act)
    await asyncio.sleep(0.02)
    assert done == [0, 1, 2, 3]


async def test_it_can_be_cancelled() -> None:
    done: list[int] = []
    task = asyncio.create_task(pace(100, 1000, done.append))
    async with asyncio.timeout(5):
        while not done:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    count = len(done)
    await asyncio.sleep(0.05)
    assert len(done) == count
