"""What to do next, below errors that are Python's own; in a notebook see
kernels/test_newcomers.py."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb.jupyter.hints import hint


def raised(code: str, **names: Any) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any error a newcomer may meet
        exec(code, names)
    return caught.value


async def test_a_loop_that_runs_already_is_answered_with_await() -> None:
    async def nothing() -> None: ...

    work = nothing()
    error = raised("asyncio.run(work)", asyncio=asyncio, work=work)
    work.close()
    advice = hint(error)
    assert advice is not None
    assert "Write `await ...` in the cell instead of `asyncio.run(...)`" in advice


def test_await_in_a_plain_function() -> None:
    advice = hint(raised("def f():\n    await g()"))
    assert advice is not None
    assert "`async def`" in advice


async def test_a_misspelt_command_is_guessed() -> None:
    async with mb.serve(port=0) as server, mb.connect(server) as bot:
        advice = hint(raised("bot.drvie(1, 1)", bot=bot))
    assert advice is not None
    assert advice.startswith("did you mean `drive`")
    assert "Press Tab" in advice


@pytest.mark.parametrize("code", ["1 / 0", "{}['a']", "[].drive", "int('x')"])
def test_other_errors_get_no_advice(code: str) -> None:
    assert hint(raised(code)) is None


def test_an_interrupted_wait_of_ours_alone_is_explained() -> None:
    assert hint(asyncio.CancelledError()) is None
    assert hint(None) is None
