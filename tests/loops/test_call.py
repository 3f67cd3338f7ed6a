"""Calls run on their object's home loop, whichever loop or thread awaits them."""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest

from mbot_nb.errors import UsageError
from mbot_nb.loops.call import Call, await_if_needed, call
from mbot_nb.loops.home import Home
from tests.helpers.calls import a_call, elsewhere, work


async def test_a_call_runs_at_home_whoever_awaits_it() -> None:
    home = Home.here()
    loops: list[object] = []
    await a_call(home, loops)
    await elsewhere(lambda: asyncio.run(a_call(home, loops)))
    await asyncio.gather(a_call(home, loops), asyncio.wait_for(a_call(home, loops), 5))
    assert loops == [home.loop] * 4


async def test_cancelling_far_away_cancels_at_home() -> None:
    home = Home.here()
    ended = asyncio.Event()

    async def long() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    def far_away() -> None:
        async def main() -> None:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(Call(lambda: home, long, "long()"), 0.05)

        asyncio.run(main())

    await elsewhere(far_away)
    await asyncio.wait_for(ended.wait(), 5)


async def test_a_call_says_what_it_is() -> None:
    thing = Call(Home.here, work, "thing.work()")
    assert repr(thing) == "<thing.work(): nothing has happened yet. Write `await` in front of it.>"
    with pytest.raises(
        AttributeError, match=r"thing\.work\(\) was not awaited, so it has no 'value'"
    ):
        _ = thing.value
    assert not hasattr(thing, "_repr_html_")
    await thing
    assert repr(thing) == "<thing.work(): under way>"
    with pytest.raises(UsageError, match="was awaited already"):
        await thing


async def test_a_call_thrown_away_warns_at_the_line_that_made_it() -> None:
    home = Home.here()
    with pytest.warns(
        RuntimeWarning, match=r"thing\.work\(\) did nothing: write `await` in front of it"
    ) as caught:
        Call(Home.here, work, "thing.work()")
    assert caught[0].filename == __file__
    with pytest.warns(
        RuntimeWarning, match=r"thing\.work\(\) did nothing: this function is not `async`"
    ):
        a_call(home)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        eager = a_call(home)
        eager.acts_unawaited()
        assert repr(eager) == "<thing.work(): given; `await` it for the answer>"
        del eager
        never_begun = a_call(home)
        never_begun.close()
        del never_begun
        gc.collect()


async def test_throwing_into_a_call_that_has_not_begun_ends_it() -> None:
    task = asyncio.create_task(a_call(Home.here()))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_methods_become_calls_and_keep_their_names() -> None:
    class Thing:
        _call_name = "thing"

        def __init__(self) -> None:
            self.home = Home.here()

        @call
        async def double(self, n: int) -> int:
            """Twice."""
            return 2 * n

    thing = Thing()
    assert await thing.double(4) == 8
    assert Thing.double.__doc__ == "Twice."
    assert Thing.double.__name__ == "double"
    waiting = thing.double(1)
    assert "thing.double()" in repr(waiting)
    task = asyncio.create_task(waiting)
    assert "thing.double()" in repr(task)
    await task


async def test_settle_awaits_what_is_to_be_awaited() -> None:
    assert await await_if_needed(3) == 3
    assert await await_if_needed(asyncio.sleep(0, 4)) == 4
