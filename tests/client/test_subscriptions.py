"""Who listens to what, and when a handler takes an earlier one's place."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest

from mbot_nb.client.subscriptions import Event, EventStream, Subscriptions
from mbot_nb.errors import UsageError
from mbot_nb.jupyter.cells import Cell
from mbot_nb.jupyter.handlers import is_again, is_cancelled
from mbot_nb.loops.home import Home


def handler_of(source: str, **names: Any) -> Callable[[Event], Any]:
    """The function `h` that a piece of source makes, as if a cell was run."""
    space = {"__name__": "__main__", **names}
    exec(compile(source, f"<cell {hash(source)}>", "exec"), space)
    handler: Callable[[Event], Any] = space["h"]
    return handler


def again(old: Any, new: Any, old_cell: Cell | None = None, new_cell: Cell | None = None) -> bool:
    return is_again(old, old_cell, new, new_cell)


def test_a_function_takes_the_place_of_its_namesake() -> None:
    one, edited = handler_of("def h(e): return 1"), handler_of("def h(e): return 2")
    assert again(one, one)
    assert again(one, edited)
    assert not again(one, handler_of("def g(e): return 1\nh = g"))


def test_lambdas_are_known_by_their_code() -> None:
    source = "h = lambda e: e.data"
    assert again(handler_of(source), handler_of(source))
    assert not again(handler_of(source), handler_of("h = lambda e: e.name"))
    two = "pair = (lambda e: print(e), lambda e: repr(e)); h = pair[{}]"
    assert not again(handler_of(two.format(0)), handler_of(two.format(1)))


def test_what_a_function_holds_keeps_it_apart() -> None:
    source = "def make(n):\n    return lambda e: n\nh = make(N)"
    assert again(handler_of(source, N=1), handler_of(source, N=1))
    assert not again(handler_of(source, N=1), handler_of(source, N=2))
    source = "def h(e, n=N): return n"
    assert again(handler_of(source, N=1), handler_of(source, N=1))
    assert not again(handler_of(source, N=1), handler_of(source, N=2))
    source = "def h(e, *, n=N): return n"
    assert not again(handler_of(source, N=1), handler_of(source, N=2))


def test_what_cannot_be_compared_stays_apart() -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise ValueError("no")

        __hash__ = object.__hash__

    source = "def make(n):\n    return lambda e: n\nh = make(N)"
    assert not again(handler_of(source, N=Odd()), handler_of(source, N=Odd()))
    unfinished = "def make():\n    f = lambda e: later\n    return f\n    later = 1\nh = make()"
    assert not again(handler_of(unfinished), handler_of(unfinished))


def test_methods_belong_to_their_object() -> None:
    class Listener:
        def on(self, event: Event) -> None: ...

    one, two = Listener(), Listener()
    assert again(one.on, one.on)
    assert not again(one.on, two.on)
    assert not again(one.on, print)


def test_a_cell_run_again_replaces_whatever_it_made_before() -> None:
    first, same_run, second, other = (
        Cell("a", "t", "1"),
        Cell("a", "t", "1"),
        Cell("a", "u", "2"),
        Cell("b", "t", "2"),
    )
    one, edited = handler_of("h = lambda e: 1"), handler_of("h = lambda e: 2")
    assert again(one, edited, first, second)
    assert not again(one, edited, first, same_run)
    assert not again(one, edited, first, other)
    assert again(handler_of("def h(e): return 1"), handler_of("def h(e): return 2"), first, other)


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


async def test_cancelled_is_only_whose_own_task_was_cancelled() -> None:
    assert not is_cancelled(ValueError())
    assert not is_cancelled(asyncio.CancelledError())
    seen: list[bool] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            seen.append(is_cancelled(error))

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await task
    assert seen == [True]


def test_an_event_shows_itself() -> None:
    event = Event(name="telemetry", data={"x": 1}, sequence=3)
    assert event["x"] == 1
    assert repr(event) == "<event telemetry: {'x': 1}>"
