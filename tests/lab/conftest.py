"""A server, a client, and a network between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import pytest

import mbot_nb as mb
from mbot_nb.lab import Network, Relay, network

Through = Callable[..., Awaitable[mb.Client]]
Measured = TypeVar("Measured")


async def undisturbed(
    measure: Callable[[], Awaitable[Measured]], disturbed: Callable[[Measured], bool]
) -> Measured:
    """The first of five measurements that a busy machine has not ``disturbed``, else the last: what
    is so each time is ours."""
    for _ in range(4):
        measured = await measure()
        if not disturbed(measured):
            return measured
    return await measure()


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
