"""Awaited round trips."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as plain_serve

import mbot_nb as mb
from mbot_nb.protocol.client.events import PingLost
from tests.helpers.connections import Connect
from tests.helpers.waiting import until


async def test_many_pings_at_once_are_all_answered(bot: mb.Client) -> None:
    assert (
        len(await asyncio.wait_for(asyncio.gather(*(bot.ping() for _ in range(1100))), 10)) == 1100
    )


async def test_a_ping_that_the_server_does_not_give_back_is_given_up(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    async def forgetful(websocket: ServerConnection) -> None:
        state = {"version": 2, "type": "state", "payload": {"neural_state": {}}, "timestamp": 0}
        await websocket.send(json.dumps(state))
        async for _ in websocket:
            await websocket.send(
                json.dumps({"version": 2, "type": "pong", "payload": {}, "timestamp": 0})
            )

    async with plain_serve(forgetful, "127.0.0.1", 0) as plain:
        bot = await connect(
            f"127.0.0.1:{plain.sockets[0].getsockname()[1]}", settings={"pong_timeout": 0.2}
        )
        with pytest.raises(
            mb.CommandTimeoutError,
            match=r"ping: no answer came within 0\.\d s, and the connection still stands",
        ):
            await asyncio.wait_for(bot.ping(), 5)
        assert bot.connected
        lost: list[int] = []
        bot.tap(lambda item: lost.append(item.id) if isinstance(item, PingLost) else None)
        with mb.Recorder(bot, ping_rate=50) as rec:
            await until(lambda: len(lost) >= 3)
            assert rec.latency.empty
        await bot.close()
        assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
