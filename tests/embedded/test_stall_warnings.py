"""What is told of a block, without a kernel; with one, see `kernels/test_stalls.py`."""

from __future__ import annotations

import asyncio
import logging
import re
import time

import pytest

import mbot_nb as mb
from mbot_nb.embedded.stall_warnings import CHECK_INTERVAL
from mbot_nb.loops.monitor import LoopMonitor
from tests.helpers.waiting import until


async def test_of_blocks_that_follow_closely_the_longest_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with await mb.serve(port=0):
        await asyncio.sleep(2 * CHECK_INTERVAL)
        with caplog.at_level(logging.WARNING, "mbot_nb"):
            time.sleep(1.8)  # noqa: ASYNC251 - the block
            await asyncio.sleep(2 * CHECK_INTERVAL)
            time.sleep(1.1)  # noqa: ASYNC251 - another, before the first was told
            await until(lambda: caplog.messages, "the warning")
    (seconds,) = re.findall(r"blocked the loop for ([\d.]+) s", caplog.text)
    assert 1.7 <= float(seconds) < 2.6


async def test_a_monitor_that_began_after_the_block_does_not_shorten_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever attaches a recorder at the end of a long cell has seen only the last moment of it."""
    async with await mb.serve(port=0):
        await asyncio.sleep(2 * CHECK_INTERVAL)
        time.sleep(1.2)  # noqa: ASYNC251 - the block
        monitor = LoopMonitor.of(asyncio.get_running_loop())
        monitor.hold()
        time.sleep(0.05)  # noqa: ASYNC251 - what it sees of it
        try:
            with caplog.at_level(logging.WARNING, "mbot_nb"):
                await until(lambda: caplog.messages, "the warning")
        finally:
            monitor.release()
    (seconds,) = re.findall(r"blocked the loop for ([\d.]+) s", caplog.text)
    assert 1.1 <= float(seconds) < 2
