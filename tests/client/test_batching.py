"""Batching by other numbers for a while, from every thread."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb import sync
from mbot_nb.protocol.client.events import BatchingChanged
from mbot_nb.protocol.client.outbox import SentBatch


async def test_the_numbers_hold_inside_and_what_was_queued_is_sent_at_both_ends(
    bot: mb.Client,
) -> None:
    before = bot.batch
    seen: list[Any] = []
    bot.tap(seen.append)
    bot.send("void")
    with bot.batching(window=5.0, size=3) as batching:
        assert (batching.window, batching.size, batching.policy) == (5.0, 3, "window")
        assert (bot.batch.window, bot.batch.size) == (5.0, 3)
        for _ in range(4):
            bot.send("void")
    assert (bot.batch.window, bot.batch.size) == (before.window, before.size)
    batches = [item for item in seen if isinstance(item, SentBatch)]
    assert [len(batch.commands) for batch in batches] == [1, 3, 1]
    changes = [item for item in seen if isinstance(item, BatchingChanged)]
    assert [(change.window, change.size) for change in changes] == [
        (5.0, 3),
        (before.window, before.size),
    ]


async def test_blocks_may_be_nested(bot: mb.Client) -> None:
    with bot.batching(size=4):
        with bot.batching(policy="adaptive"):
            assert (bot.batch.size, bot.batch.policy) == (4, "adaptive")
        assert (bot.batch.size, bot.batch.policy) == (4, "window")


@pytest.mark.parametrize(
    "wrong", [{"window": -1.0}, {"size": 0}, {"size": 10**6}, {"policy": "never"}]
)
async def test_numbers_that_make_no_sense_are_refused(
    bot: mb.Client, wrong: dict[str, Any]
) -> None:
    with pytest.raises(mb.UsageError, match="window is 0 s or more"):
        bot.batching(**wrong)


async def test_a_followed_command_and_ping(bot: mb.Client) -> None:
    command = bot.enqueue("void")
    assert command.outcome is None
    await bot.flush()
    assert command.outcome == "delivered"
    ping = bot.send_ping()
    assert ping is not None
    clock = bot.clock_estimate()
    assert clock is not None
    assert abs(clock.ahead) <= clock.bound + 1e-3, "both ends read the same clock"
    with pytest.raises(mb.UsageError, match=r"bot\.enqueue"):
        await asyncio.to_thread(bot.enqueue, "void")


def test_without_await_what_is_sent_inside_shares_its_batches() -> None:
    with sync.serve(port=0) as server, sync.connect(server) as bot:
        sizes: list[int] = []
        bot.tap(
            lambda item: sizes.append(len(item.commands)) if isinstance(item, SentBatch) else None
        )
        with bot.batching(window=5.0, size=3):
            for _ in range(4):
                bot.send("void")
        bot.flush()
        assert sizes == [3, 1]
