"""The route of a client's messages, as far as it is in this process."""

from __future__ import annotations

import mbot_nb as mb
from mbot_nb.embedded.route import Route
from mbot_nb.lab import network


async def test_straight_to_a_server_here(server: mb.Server, bot: mb.Client) -> None:
    route = Route.of(bot)
    assert route.server is server
    assert route.relays == ()
    assert route.networks == []
    assert route.loops == [bot.home.loop], "one loop serves both"


async def test_relays_in_the_order_in_which_a_message_meets_them(server: mb.Server) -> None:
    async with (
        network("wifi", seed=3).relay(server) as near_server,
        network("lan", seed=4).relay(near_server.url) as near_client,
        mb.connect(near_client.url) as bot,
    ):
        route = Route.of(bot)
        assert route.relays == (near_client, near_server)
        assert route.server is server
        assert [(one["name"], one["seed"]) for one in route.networks] == [("lan", 4), ("wifi", 3)]
        assert {"delay", "loss"} <= set(route.networks[0]["up"])


async def test_each_loop_counts_once_and_the_clients_first() -> None:
    import asyncio

    def elsewhere() -> mb.sync.SyncServer:
        return mb.sync.serve(port=0)

    plain = await asyncio.to_thread(elsewhere)
    try:
        async with mb.connect(plain.url) as bot:
            route = Route.of(bot)
            assert route.server is plain.server
            assert route.loops == [bot.home.loop, plain.server.home.loop]
    finally:
        await asyncio.to_thread(plain.close)
