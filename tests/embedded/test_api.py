"""`connect` without an address: which server is meant, and what is started."""

from __future__ import annotations

import asyncio

import pytest

from mbot_nb.embedded.registry import local_servers
from tests.helpers.connections import Connect


async def test_without_an_address_and_a_server_it_starts_one_and_says_so(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    bot = await connect(None)
    said = capsys.readouterr().out
    assert said == f"Started a server at {bot.url} with a simulated robot, and connected to it.\n"
    server = local_servers().at(bot.url)
    assert server is not None
    await bot.close()
    await server.close()


async def test_who_connects_at_the_same_time_shares_the_server_that_is_started(
    connect: Connect,
) -> None:
    bots = await asyncio.gather(connect(None), connect(None), connect(None))
    (server,) = local_servers().running()
    assert len({bot.url for bot in bots}) == 1
    assert len(server.clients) == 3
    for bot in bots:
        await bot.close()
    await server.close()
