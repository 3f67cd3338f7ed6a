"""Whether a handler is an earlier one again, and whether it was cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from mbot_nb.client.subscriptions import Event
from mbot_nb.jupyter.cells import Cell
from mbot_nb.jupyter.handlers import is_cancelled, is_replacement


def handler_of(source: str, **names: Any) -> Callable[[Event], Any]:
    """The function `h` that a piece of source makes, as if a cell was run."""
    space = {"__name__": "__main__", **names}
    exec(compile(source, f"<cell {hash(source)}>", "exec"), space)
    handler: Callable[[Event], Any] = space["h"]
    return handler


def again(old: Any, new: Any, old_cell: Cell | None = None, new_cell: Cell | None = None) -> bool:
    return is_replacement(old, old_cell, new, new_cell)


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
