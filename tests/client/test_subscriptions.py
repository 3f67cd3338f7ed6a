"""Who listens to what, and when a handler takes an earlier one's place."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from mbot_nb.client.subscriptions import Event, EventStream, Subscriptions
from mbot_nb.errors import UsageError
from mbot_nb.loops.home import Home


async def test_handlers_come_before_those_of_everything_and_in_order() -> None:
    subscriptions = Subscriptions(Home.here())
    heard: list[str] = []
    subscriptions.add("*", lambda event: heard.append("all"))
    subscriptions.add("x", lambda event: heard.append("first"))
    subscriptions.add("x", lambda event: heard.append("second"))
    subscriptions.add("y", lambda event: heard.append("other"))
    subscriptions.deliver(Event(name="x"))
    assert heard == ["first", "second", "all"]
    assert len(list(subscriptions)) == 4


async def test_an_async_handler_gets_one_event_at_a_time() -> None:
    subscriptions = Subscriptions(Home.here())
    order: list[str] = []
    go, ended = asyncio.Event(), asyncio.Event()

    async def slow(event: Event) -> None:
        order.append(f"begin {event.data}")
        await go.wait()
        order.append(f"end {event.data}")
        if event.data == 2:
            ended.set()

    subscription = subscriptions.add("x", slow)
    for n in range(3):
        subscriptions.deliver(Event(name="x", data=n))
    await asyncio.sleep(0)
    assert order == ["begin 0"]
    go.set()
    async with asyncio.timeout(5):
        await ended.wait()
    assert order == ["begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"]
    subscription.cancel()


async def test_a_stream_is_let_go_of_with_its_last_holder() -> None:
    subscriptions = Subscriptions(Home.here())
    stream = EventStream(subscriptions, "x", 10)
    subscriptions.deliver(Event(name="x", data=1))
    assert (await anext(stream)).data == 1
    assert len(list(subscriptions)) == 1
    del stream
    gc.collect()
    assert list(subscriptions) == []
    with pytest.raises(UsageError, match="at least one"):
        EventStream(subscriptions, "x", 0)


async def test_several_may_wait_on_one_stream_and_an_end_wakes_all() -> None:
    subscriptions = Subscriptions(Home.here())
    stream = EventStream(subscriptions, "x", 10)

    async def take() -> list[Any]:
        return [event.data async for event in stream]

    takers = [asyncio.create_task(take()) for _ in range(2)]
    await asyncio.sleep(0)
    for n in range(5):
        subscriptions.deliver(Event(name="x", data=n))
    await asyncio.sleep(0)
    stream.end()
    taken = await asyncio.wait_for(asyncio.gather(*takers), 5)
    assert sorted(taken[0] + taken[1]) == [0, 1, 2, 3, 4]


def test_an_event_shows_itself() -> None:
    event = Event(name="telemetry", data={"x": 1}, sequence=3)
    assert event["x"] == 1
    assert repr(event) == "<event telemetry: {'x': 1}>"
