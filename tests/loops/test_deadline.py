"""One timer for many deadlines, on the loop's own clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from mbot_nb.loops.deadline import DeadlineTimer


class Loop(asyncio.SelectorEventLoop):
    """Notes the timers that are set; they fire when told."""

    def __init__(self) -> None:
        super().__init__()
        self.timers: list[asyncio.TimerHandle] = []

    def call_at(
        self, when: float, callback: Callable[..., object], *rest: object, **more: object
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, rest, self)
        self.timers.append(handle)
        return handle

    @property
    def pending(self) -> list[float]:
        return [timer.when() for timer in self.timers if not timer.cancelled()]


@pytest.fixture
def loop() -> Loop:
    loop = Loop()
    loop.close()  # nothing runs in it: it only hands out timers
    return loop


def test_an_earlier_deadline_takes_the_timer_s_place_and_a_later_one_leaves_it(loop: Loop) -> None:
    timer = DeadlineTimer(loop, lambda: None)
    timer.set(5.0)
    timer.set(7.0)
    assert loop.pending == [5.0]
    timer.set(3.0)
    assert loop.pending == [3.0]


def test_without_a_deadline_nothing_fires(loop: Loop) -> None:
    timer = DeadlineTimer(loop, lambda: None)
    timer.set(None)
    timer.set(5.0)
    timer.set(None)
    assert loop.pending == []
    timer.cancel()
    timer.set(9.0)
    assert loop.pending == [9.0], "what was before is forgotten"


async def test_it_fires_once_and_can_be_set_again_from_within() -> None:
    loop = asyncio.get_running_loop()
    fired: list[float] = []
    done = asyncio.Event()

    def due() -> None:
        fired.append(loop.time())
        if len(fired) < 3:
            timer.set(loop.time())
        else:
            done.set()

    timer = DeadlineTimer(loop, due)
    began = loop.time()
    timer.set(began + 0.01)
    await asyncio.wait_for(done.wait(), 5)
    assert len(fired) == 3
    assert fired[0] >= began + 0.01 - 1e-3
