"""What a process has running is held by one object, which a test can make and throw away."""

from __future__ import annotations

import ast
import asyncio
import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

import mbot_nb as mb
from mbot_nb.embedded.registry import local_servers
from mbot_nb.local.runtime import Runtime, Slot
from mbot_nb.loops.home import Home
from mbot_nb.loops.monitor import LoopMonitor

PACKAGE = Path(mb.__file__).parent
REGISTRIES = (
    "dict",
    "list",
    "set",
    "deque",
    "count",
    "defaultdict",
    "Context",
    "Event",
    "Lock",
    "RLock",
    "WeakKeyDictionary",
    "WeakSet",
    "WeakValueDictionary",
)


def test_a_slot_has_one_value_in_each_runtime() -> None:
    slot: Slot[list[int]] = Slot(list)
    slot().append(1)
    with Runtime.fresh() as runtime:
        assert Runtime.current() is runtime
        assert slot() == []
        slot.set([2])
        assert slot() == [2]
    assert slot() == [1]


def test_a_runtime_ends_what_it_holds_the_latest_first() -> None:
    ended: list[str] = []
    slots = [Slot(partial(str, name), close=ended.append) for name in ("a", "b", "c")]
    with Runtime.fresh() as runtime:
        assert [slot() for slot in slots] == ["a", "b", "c"]
    assert ended == ["c", "b", "a"]
    runtime.close()
    assert len(ended) == 3


def test_threads_that_come_at_once_get_the_same_value() -> None:
    slot: Slot[object] = Slot(object)
    with Runtime.fresh():
        barrier = threading.Barrier(8)
        found: list[object] = []

        def ask() -> None:
            barrier.wait()
            found.append(slot())

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({id(one) for one in found}) == 1


async def test_servers_of_one_runtime_are_unknown_to_another() -> None:
    async with mb.serve(port=0) as server:
        assert server in local_servers().running()
        with Runtime.fresh():
            assert local_servers().running() == []
            assert local_servers().at(server.url) is None
        assert local_servers().at(server.url) is server


def test_the_io_thread_ends_with_its_runtime() -> None:
    usual = Home.on_io_thread()
    with Runtime.fresh():
        home = Home.on_io_thread()
        assert home is not usual
        assert Home.is_io_loop(home.loop)
        assert not Home.is_io_loop(usual.loop)
        running = home.submit(asyncio.sleep(60))
        monitor = LoopMonitor.of(home.loop)
        assert LoopMonitor.of(home.loop) is monitor
        quick = home.submit(asyncio.sleep(0.01, "done"))
    assert home.loop.is_closed()
    assert quick.result(0) == "done"
    assert running.cancelled()
    assert Home.on_io_thread() is usual


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process")
def test_a_forked_child_starts_an_io_thread_of_its_own() -> None:
    with Runtime.fresh():
        home = Home.on_io_thread()
        child = os.fork()
        if child == 0:
            answer = Home.on_io_thread().submit(asyncio.sleep(0, 7)).result(5)
            os._exit(answer if Home.on_io_thread() is not home else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_no_module_and_no_class_holds_a_registry() -> None:
    """What changes while a process runs is in a `Slot`, and not in a variable of a module."""
    found = [
        f"{path}:{node.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in _registries(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found, "use Slots"


def _registries(tree: ast.Module) -> Iterator[ast.stmt]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield node
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    for statement in (statement for body in bodies for statement in body):
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)):
            continue
        value = statement.value
        is_empty = (isinstance(value, ast.Dict) and not value.keys) or (
            isinstance(value, ast.List) and not value.elts
        )
        is_made = isinstance(value, ast.Call) and (
            ast.unparse(value.func).rpartition(".")[2] in REGISTRIES
        )
        # msgspec copies an empty dict that is the default of a field.
        if is_made or (is_empty and statement.col_offset == 0):
            yield statement
