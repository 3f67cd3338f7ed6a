"""The clients as the server's user sees them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb.protocol.server.sessions import ServerSession
from tests.helpers.connections import Connect
from tests.helpers.peer import peer
from tests.helpers.waiting import until


async def test_hooks_see_who_comes_says_and_goes(server: mb.Server, connect: Connect) -> None:
    seen: list[tuple[object, ...]] = []

    @server.on_connect
    async def hello(client: mb.server.RemoteClient) -> None:
        await asyncio.sleep(0)
        seen.append(("connect", client.id, client.profile, client.connected))

    @server.on_message
    def said(client: mb.server.RemoteClient, name: str, params: dict[str, object]) -> None:
        seen.append(("message", client.id, name, params))

    @server.on_disconnect
    def bye(client: mb.server.RemoteClient, reason: str) -> None:
        seen.append(("disconnect", client.id, client.connected))

    bot = await connect(server)
    await until(lambda: seen)
    await bot.display_text("x")
    await bot.stop()
    await bot.close()
    await until(lambda: len(seen) == 4)
    assert seen == [
        ("connect", 1, "extended", True),
        ("message", 1, "display_text", {"text": "x"}),
        ("message", 1, "stop", {}),
        ("disconnect", 1, False),
    ]
    async with peer(server.url) as one:
        await one.snapshot()
        await until(lambda: len(seen) == 5)
    assert seen[4] == ("connect", 2, "baseline", True)


async def test_an_event_for_one_and_for_all(server: mb.Server, connect: Connect) -> None:
    one, two = await connect(server), await connect(server)
    heard: list[tuple[str, object]] = []
    one.subscribe("*", lambda event: heard.append(("one", event.data)))
    two.subscribe("*", lambda event: heard.append(("two", event.data)))
    server.clients[0].emit("secret", 1)
    await asyncio.to_thread(server.clients[1].emit, "secret", 2)
    await one.ping()
    server.emit("news", 3)
    await until(lambda: len(heard) == 4)
    assert heard[:2] == [("one", 1), ("two", 2)]
    assert sorted(heard[2:]) == [("one", 3), ("two", 3)]


async def test_the_clients_can_be_asked_for_in_any_thread(
    server: mb.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While they come and go: here one comes whenever somebody has looked at the first."""
    async with peer(server.url) as one, peer(server.url) as other:
        await one.ping()
        await other.ping()
        connections = server._hub.subscribers
        known = list(connections)
        late = ServerSession(None, "", server.settings, number=3, baseline=True, created=0.0)

        class Coming(dict[ServerSession, Any]):
            def get(self, session: ServerSession, default: Any = None) -> Any:
                connections[late] = connections[known[0]]
                return super().get(session, default)

        with monkeypatch.context() as patch:
            patch.setattr(server._clients, "_by_session", Coming(server._clients._by_session))
            try:
                found, again = server.clients, server.clients
            finally:
                del connections[late]
        assert [client.session for client in found] == known
        assert again == found, "who is only just coming is made a client at home"
