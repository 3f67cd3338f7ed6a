"""The route of a client's messages in this process: relays, the server, and their loops."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import msgspec

from ..client import Client
from ..loops.home import Home
from ..server import Server
from ..transport.relay import Relay
from .registry import local_servers

__all__ = ["Route"]


class Route(NamedTuple):
    """The route from a client to its server, as far as it is in this process. Whatever blocks a
    loop on it delays the messages."""

    home: Home
    """The client's."""
    relays: tuple[Relay, ...]
    """One after the other, as a message to the server meets them."""
    server: Server | None
    """None if it runs elsewhere."""

    @classmethod
    def of(cls, bot: Client) -> Route:
        """The current route of this client."""
        url = bot.url
        relays: list[Relay] = []
        while (relay := Relay.at(url)) is not None and relay not in relays:
            relays.append(relay)
            url = relay.target
        return cls(bot.home, tuple(relays), local_servers().at(url))

    @property
    def loops(self) -> list[asyncio.AbstractEventLoop]:
        """Each once, the client's first."""
        homes = [
            self.home,
            *(relay.home for relay in self.relays),
            *([] if self.server is None else [self.server.home]),
        ]
        return list(dict.fromkeys(home.loop for home in homes))

    @property
    def networks(self) -> list[dict[str, Any]]:
        """What the relays play, as plain data: `name`, `seed`, `up`, `down`."""
        return [
            {
                "name": relay.name,
                "seed": relay.seed,
                "up": msgspec.to_builtins(relay.up),
                "down": msgspec.to_builtins(relay.down),
            }
            for relay in self.relays
        ]
