"""Calls to be awaited, and another loop to await them on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mbot_nb.loops.call import Call
from mbot_nb.loops.home import Home


async def elsewhere(work: Callable[[], object]) -> object:
    return await asyncio.to_thread(work)


async def work() -> str:
    return "done"


def a_call(home: Home, loops: list[object] | None = None) -> Call[str]:
    async def note() -> str:
        if loops is not None:
            loops.append(asyncio.get_running_loop())
        return await work()

    return Call(lambda: home, note, "thing.work()")
