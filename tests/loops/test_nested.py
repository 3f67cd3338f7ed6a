"""Loops that no call can be nested in."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

import mbot_nb as mb


class ForeignLoop:
    """A loop of another make, as uvloop's is."""


def test_run_refuses_a_loop_that_cannot_be_nested_and_changes_nothing() -> None:
    before = asyncio.run, asyncio.Task, asyncio.Future
    asyncio._set_running_loop(ForeignLoop())  # type: ignore[arg-type]
    try:
        with pytest.raises(
            mb.UsageError, match=r"cannot nest this event loop .*ForeignLoop.*mb\.sync\.connect"
        ):
            mb.run(asyncio.sleep(0))
    finally:
        asyncio._set_running_loop(None)
    assert (asyncio.run, asyncio.Task, asyncio.Future) == before


def test_run_refuses_to_nest_after_the_older_nest_asyncio() -> None:
    """In a process of its own, which it leaves marked as that one does."""
    code = """
import asyncio
import mbot_nb as mb

async def main():
    before = asyncio.run, asyncio.Task, asyncio.Future
    asyncio._nest_patched = True
    try:
        mb.run(asyncio.sleep(0))
    except mb.UsageError as error:
        print(error)
    assert (asyncio.run, asyncio.Task, asyncio.Future) == before
    del asyncio._nest_patched
    print(mb.run(asyncio.sleep(0, "nested")), mb.run(asyncio.sleep(0, "again")))

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    refused, nested = done.stdout.splitlines()
    assert "Take `nest_asyncio.apply()` out and restart the kernel" in refused
    assert nested == "nested again"
    assert done.stderr == ""
