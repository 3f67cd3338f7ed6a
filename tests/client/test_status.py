"""What can be read of a client: the batch that is being filled, and why there is no connection."""

from __future__ import annotations

import asyncio

import pytest

import mbot_nb as mb


async def test_the_batch_fills_runs_and_leaves() -> None:
    async with (
        mb.serve(port=0) as server,
        mb.connect(server, batch_window=0.4, max_batch_size=4) as bot,
    ):
        assert (bot.batch.queued, bot.batch.size, bot.batch.window, bot.batch.leaves_in) == (
            0,
            4,
            0.4,
            None,
        )
        bot.send("set_led", r=1, g=1, b=1)
        bot.send("set_led", r=2, g=2, b=2)
        filling = bot.batch
        assert filling.queued == 2
        assert filling.leaves_in == pytest.approx(0.4, abs=0.1)
        assert repr(filling).startswith("<batch: 2 of 4 queued, leaves in 0.")
        frames = filling.frames
        bot.send("set_led", r=3, g=3, b=3)
        bot.send("set_led", r=4, g=4, b=4)
        full = bot.batch
        assert (full.queued, full.frames, full.last_messages, full.last_reason) == (
            0,
            frames + 1,
            4,
            "size",
        )
        assert full.last_bytes > 100
        bot.send("set_led", r=5, g=5, b=5)
        async with asyncio.timeout(5):
            while bot.batch.queued:  # noqa: ASYNC110 - nobody tells when a window is over
                await asyncio.sleep(0.01)
        assert (bot.batch.last_messages, bot.batch.last_reason) == (1, "window")


async def test_why_there_is_no_connection_is_told_until_there_is_one() -> None:
    server = await mb.serve(port=0)
    bot = await mb.connect(server)
    assert bot.connection_error is None
    port = server.port
    await server.close()
    async with asyncio.timeout(5):
        while "refused" not in str(bot.connection_error):  # noqa: ASYNC110 - the second attempt's reason, and no event stands for it alone
            await asyncio.sleep(0.01)
    assert bot.url in str(bot.connection_error)
    assert "Start a server there first" in str(bot.connection_error)
    async with mb.serve(port=port):
        await bot.reconnect()
        assert bot.connection_error is None
        await bot.close()


async def test_an_event_tells_the_message_that_brought_it() -> None:
    async with mb.serve(port=0) as server, mb.connect(server) as bot:
        events = bot.events("hello")
        server.emit("hello", {"to": "you"})
        event = await anext(events)
        message = event.message()
        assert message == {
            "version": 2,
            "type": "event",
            "payload": {"event": "hello", "data": {"to": "you"}},
            "timestamp": message["timestamp"],
            "sequence": event.sequence,
        }
        assert message["timestamp"] == pytest.approx(event.time * 1000, abs=1)
