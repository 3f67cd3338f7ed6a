"""A server, a client, and a network between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb.lab import Network, Relay, network
from tests.helpers.connections import Through


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def server(stack: AsyncExitStack) -> mb.Server:
    return await stack.enter_async_context(mb.serve(port=0))


@pytest.fixture
async def bot(server: mb.Server, stack: AsyncExitStack) -> mb.Client:
    return await stack.enter_async_context(mb.connect(server.url))


@pytest.fixture
def through(server: mb.Server, stack: AsyncExitStack) -> Through:
    """A client that is connected through this network; its relay is found by its address."""

    async def connect(
        up: str | Network, *, down: str | Network | None = None, seed: int = 1, **options: Any
    ) -> mb.Client:
        relay = await stack.enter_async_context(network(up, down=down, seed=seed).relay(server))
        return await stack.enter_async_context(mb.connect(relay.url, **options))

    return connect


@pytest.fixture
def relay_of() -> Callable[[mb.Client], Relay]:
    def find(bot: mb.Client) -> Relay:
        relay = Relay.at(bot.url)
        assert relay is not None
        return relay

    return find
