"""Home loops, and calls that work from everywhere."""

from __future__ import annotations

import asyncio
import gc
import logging
import multiprocessing
import os
import threading
import warnings

import pytest

from mbot_nb.errors import UsageError
from mbot_nb.loops.home import Home
from tests.helpers.calls import a_call, elsewhere
from tests.helpers.waiting import until


async def test_the_home_is_the_loop_that_runs_here() -> None:
    home = Home.here()
    assert home.loop is asyncio.get_running_loop()
    assert home.is_here
    assert not home.is_io_thread
    assert await elsewhere(lambda: home.is_here) is False
    assert repr(home) == "<Home on the caller's loop>"


def test_without_a_loop_there_is_no_home() -> None:
    with pytest.raises(
        UsageError,
        match=r"no event loop runs here\. In a notebook cell write `await mb\.connect\(\)`",
    ):
        Home.here()


async def test_the_io_thread_is_one_for_all() -> None:
    home = Home.on_io_thread()
    others = await asyncio.gather(*[asyncio.to_thread(Home.on_io_thread) for _ in range(8)])
    assert all(other is home for other in others)
    assert home.is_io_thread
    assert Home.is_io_loop(home.loop)
    assert not Home.is_io_loop(asyncio.get_running_loop())
    assert repr(home) == "<Home on the I/O thread>"
    loops: list[object] = []
    assert await a_call(home, loops) == "done"
    assert loops == [home.loop]
    assert threading.current_thread().name != "mbot_nb-io"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks on this system")
def test_a_forked_child_has_an_io_thread_of_its_own() -> None:
    assert a_result(Home.on_io_thread()) == 1
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # newer Pythons warn of threads in a process that forks: that is what this is about
        child = multiprocessing.get_context("fork").Process(target=_ask_the_io_thread)
        child.start()
    child.join(10)
    code = child.exitcode
    child.kill()
    child.join()
    child.close()
    assert code == 0


def a_result(home: Home) -> int:
    async def one() -> int:
        return 1

    return home.submit(one()).result(5)


def _ask_the_io_thread() -> None:
    assert a_result(Home.on_io_thread()) == 1


async def test_post_is_at_once_at_home_and_soon_from_elsewhere() -> None:
    home = Home.here()
    done: list[str] = []
    assert home.post(done.append, "here")
    assert done == ["here"]
    await elsewhere(lambda: home.post(done.append, "there"))
    await asyncio.sleep(0)
    assert done == ["here", "there"]


def test_a_home_that_is_gone_says_so() -> None:
    loop = asyncio.new_event_loop()
    home = Home(loop)
    loop.close()
    assert not home.post(print)
    with pytest.raises(
        UsageError, match="the event loop this object lived on is gone; make a new one"
    ):
        home.submit(asyncio.sleep(0))


async def test_a_background_task_is_held_and_its_failure_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    home = Home.here()

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("background trouble")

    home.spawn(fails(), "errand")
    gc.collect()
    await until(lambda: caplog.records)
    assert caplog.records[0].levelno == logging.ERROR
    assert "mbot_nb errand failed" in caplog.text
    assert "background trouble" in caplog.text


async def test_what_is_submitted_and_never_asked_for_tells_its_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    home = Home.here()

    async def fails() -> None:
        raise UsageError("submitted trouble")

    def click() -> None:
        home.submit(fails())

    await elsewhere(click)
    await until(lambda: gc.collect() >= 0 and "submitted trouble" in caplog.text)
