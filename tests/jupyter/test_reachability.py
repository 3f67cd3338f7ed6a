"""What is reachable from a user's names, at most so many steps away."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import Any

import pytest

from mbot_nb.jupyter.reachability import is_reachable, named_objects, objects_in_running_code


class Thing:
    def method(self) -> None: ...


class Slotted:
    __slots__ = ("thing",)

    def __init__(self, thing: Thing) -> None:
        self.thing = thing


class Holder:
    def __init__(self, thing: Thing) -> None:
        self.thing = thing


def closure(thing: Thing) -> Any:
    return lambda: thing


def default(thing: Thing) -> Any:
    def function(thing: Thing = thing, *, other: Thing = thing) -> None: ...

    return function


def generator(thing: Thing) -> Any:
    yield thing


@pytest.mark.parametrize(
    "hold",
    [
        lambda thing: [thing],
        lambda thing: {"a": thing},
        lambda thing: deque([thing]),
        lambda thing: thing.method,
        lambda thing: partial(print, thing),
        closure,
        default,
        generator,
        Holder,
        Slotted,
    ],
)
def test_whatever_holds_a_thing_leads_to_it(hold: Any) -> None:
    thing = Thing()
    held = hold(thing)
    assert is_reachable(thing, [held], 2)
    assert not is_reachable(Thing(), [held], 2)


def test_the_depth_is_a_limit() -> None:
    thing = Thing()
    held = [[[thing]]]
    assert not is_reachable(thing, held, 1)
    assert is_reachable(thing, held, 2)
    assert is_reachable(thing, [thing], 0)


def test_a_circle_is_walked_once() -> None:
    circle: list[Any] = []
    circle.append(circle)
    assert not is_reachable(Thing(), circle, 1000)


def test_ipythons_own_names_hold_nothing() -> None:
    names = {"bot": 1, "_": 2, "__": 3, "_12": 4, "Out": 5, "In": 6, "_private": 7}
    assert named_objects(names) == [1, 7]


async def test_variables_of_running_functions_of_the_user_are_found() -> None:
    thing = Thing()
    names: dict[str, Any] = {"asyncio": asyncio, "thing": thing}
    exec("async def work(own):\n    await asyncio.sleep(30)", names)
    task = asyncio.create_task(names["work"](thing))
    await asyncio.sleep(0)
    assert thing in objects_in_running_code(names)
    assert thing not in objects_in_running_code({})
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert thing not in objects_in_running_code(names)
