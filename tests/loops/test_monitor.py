"""The loop's monitor knows of a block what a probe inside the loop cannot."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from mbot_nb.loops.monitor import LoopMonitor, Stall
from tests.helpers.waiting import until


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "mbot_nb-monitor"]


@pytest.fixture
async def monitor() -> Iterator[LoopMonitor]:  # type: ignore[misc]
    monitor = LoopMonitor.of(asyncio.get_running_loop())
    monitor.hold()
    await asyncio.sleep(0)
    yield monitor
    monitor.release()


async def test_a_block_is_known_afterwards(monitor: LoopMonitor) -> None:
    await until(lambda: monitor.pending is None)
    begin = time.monotonic()
    time.sleep(0.2)  # noqa: ASYNC251 - the block
    end = time.monotonic()
    await until(lambda: monitor.stalls(begin))
    assert 0.2 - 2 * monitor.interval - 0.05 < monitor.lag(begin, end) <= end - begin
    assert monitor.lag(begin - 10, begin) == pytest.approx(0, abs=0.01)


async def test_a_block_is_known_before_its_question_is_answered(monitor: LoopMonitor) -> None:
    """What the loop does first after a block (say, read a pong) must see it already."""
    begin = time.monotonic()
    time.sleep(0.2)  # noqa: ASYNC251 - the block
    assert monitor.pending is not None
    assert monitor.lag(begin, time.monotonic()) > 0.1
    # And only the part that lies within what was asked for.
    assert monitor.lag(begin + 0.15, time.monotonic()) < 0.1


async def test_a_free_loop_has_no_lag(monitor: LoopMonitor) -> None:
    lags = []
    for _ in range(20):
        begin = time.monotonic()
        await asyncio.sleep(0.01)
        lags.append(monitor.lag(begin, time.monotonic()))
    assert sorted(lags)[10] < 0.005  # single ones belong to the noisy machine


async def test_the_longest_block_is_told_not_their_sum(monitor: LoopMonitor) -> None:
    begin = time.monotonic()
    for seconds in (0.05, 0.15, 0.05):
        await until(lambda: monitor.pending is None)
        time.sleep(seconds)  # noqa: ASYNC251 - the block
        await asyncio.sleep(0.05)
    lag = monitor.lag(begin, time.monotonic())
    assert 0.1 < lag < 0.22


async def test_listeners_hear_of_a_block_on_the_loop(monitor: LoopMonitor) -> None:
    heard: list[tuple[Stall, threading.Thread]] = []
    end = monitor.listen(lambda stall: heard.append((stall, threading.current_thread())))
    time.sleep(0.1)  # noqa: ASYNC251 - the block
    await until(lambda: any(stall.seconds > 0.05 for stall, _ in heard))
    assert {thread for _, thread in heard} == {threading.current_thread()}
    end()
    end()
    count = len(heard)
    time.sleep(0.1)  # noqa: ASYNC251 - the block
    await asyncio.sleep(0.05)
    assert len(heard) == count


async def test_it_watches_only_while_it_is_needed() -> None:
    monitor = LoopMonitor.of(asyncio.get_running_loop())
    assert not monitor.watching
    monitor.hold()
    monitor.hold()
    monitor.release()
    assert monitor.watching
    assert len(_threads()) == 1
    monitor.release()
    assert not monitor.watching
    await until(lambda: not _threads())
    unwatched = time.monotonic()
    time.sleep(0.05)  # noqa: ASYNC251 - the block
    await asyncio.sleep(0.01)
    assert monitor.stalls(unwatched) == []
    monitor.hold()
    assert monitor.watching
    monitor.release()


async def test_one_monitor_for_a_loop() -> None:
    loop = asyncio.get_running_loop()
    assert LoopMonitor.of(loop) is LoopMonitor.of(loop)


def test_the_thread_ends_when_its_loop_is_closed_with_a_question_open() -> None:
    loop = asyncio.new_event_loop()
    monitor = LoopMonitor(loop)
    monitor.hold()
    deadline = time.monotonic() + 5
    while monitor.pending is None and time.monotonic() < deadline:
        time.sleep(0.001)
    loop.close()  # the question was asked, and nobody will answer it
    for thread in _threads():
        thread.join(5)
    assert not _threads()


def test_a_loop_of_another_thread_is_watched_from_here() -> None:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    monitor = LoopMonitor.of(loop)
    monitor.hold()
    begin = time.monotonic()
    loop.call_soon_threadsafe(time.sleep, 0.2)
    time.sleep(0.15)
    assert monitor.lag(begin, time.monotonic()) > 0.05
    monitor.release()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def test_the_longest_stall_is_known_from_its_beginning(monitor: LoopMonitor) -> None:
    await until(lambda: monitor.pending is None)
    time.sleep(0.2)  # noqa: ASYNC251 - the block
    middle = time.monotonic() - 0.1
    assert monitor.longest(middle, time.monotonic()) > 0.12, "not answered yet"
    await until(lambda: monitor.stalls(middle))
    assert (
        monitor.longest(middle, time.monotonic())
        == max(stall.seconds for stall in monitor.stalls(middle))
        > 0.12
    )
    assert monitor.lag(middle, time.monotonic()) <= time.monotonic() - middle
    assert monitor.longest(time.monotonic() + 1, time.monotonic() + 2) < 0.12
