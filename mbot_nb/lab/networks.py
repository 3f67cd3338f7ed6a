"""Networks to experiment on, by name or by number, and the relay that puts one in front of a
server."""

from __future__ import annotations

import secrets
from html import escape
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..loops.call import OpeningCall
from ..loops.home import Home
from ..server import Server
from ..transport.network import Network
from ..transport.relay import Relay

if TYPE_CHECKING:
    import ssl as tls

__all__ = ["NETWORKS", "Conditions", "Network", "network"]

NETWORKS: dict[str, Network] = {
    "perfect": Network(),
    # A cable and a switch.
    "lan": Network(delay=0.0002, jitter=0.0001, distribution="exponential"),
    # A quiet access point in the same room.
    "wifi": Network(delay=0.0015, jitter=0.002, distribution="pareto", loss=0.002),
    # A server in the next country.
    "internet": Network(
        delay=0.02, jitter=0.003, distribution="exponential", loss=0.001, rate=5_000_000
    ),
    # Thirty notebooks on one access point, and a line that the school shares.
    "school wifi": Network(
        delay=0.004, jitter=0.015, distribution="pareto", loss=0.02, rate=250_000
    ),
    # Up to a geostationary orbit and down again is 239 ms at the speed of light; the ground adds
    # its part.
    "satellite": Network(
        delay=0.27, jitter=0.01, distribution="exponential", loss=0.005, rate=1_000_000
    ),
}
"""The named networks, each direction alike. Round numbers of the right size, not a measurement of
any one network: `lab.ping` through yours tells its own, and ``Network(...)`` takes them."""


class Conditions:
    """A network with its seed: what `lab.network` returns, and what :meth:`relay` puts in front of
    a server."""

    def __init__(self, up: Network, down: Network, seed: int, name: str) -> None:
        self.up = up
        """From the client to the server."""
        self.down = down
        """From the server to the client."""
        self.seed = seed
        self.name = name

    def __repr__(self) -> str:
        numbers = repr(self.up) if self.up == self.down else f"up {self.up!r}, down {self.down!r}"
        return f"<{self.name or 'network'}: {numbers}, seed {self.seed}>"

    def _repr_html_(self) -> str:
        return f"<div>{escape(repr(self)[1:-1])}</div>"

    def relay(
        self, target: str | Server, *, thread: bool = True, ssl: tls.SSLContext | None = None
    ) -> OpeningCall[Relay]:
        """Put this network in front of a server; await it, or use it with ``async with``. Then
        connect to ``relay.url``.

        Args:
            target: the server, or its address.
            thread: live on the I/O thread, so that a cell that blocks does not stop the network as
                well; else on the caller's loop.
            ssl: a client context, for a ``wss`` server with a certificate that is not publicly
                known. Between the client and the relay nothing is encrypted, and nothing leaves
                this machine.
        """
        url = target.url if isinstance(target, Server) else target
        home = Home.lazily(thread)

        async def start() -> Relay:
            relay = Relay(
                url, home(), up=self.up, down=self.down, seed=self.seed, name=self.name, ssl=ssl
            )
            return await relay.open()

        return OpeningCall(home, start, "network.relay()")


def network(
    up: str | Network, *, down: str | Network | None = None, seed: int | None = None
) -> Conditions:
    """A network by name (see `NETWORKS`) or by number, made repeatable by a seed.

    Args:
        up: from the client to the server, and back as well unless ``down`` is given.
        down: from the server to the client.
        seed: the same seed draws the same for the same messages; each direction of each connection
            has its own generator. Without one it is chosen, and told.

    Raises:
        UsageError: there is no network of this name.

    Example::

        async with lab.network("wifi", seed=1).relay(server) as relay:
            bot = await mb.connect(relay.url)
    """
    there, name = _named(up)
    back, other = (there, name) if down is None else _named(down)
    label = name if name == other else f"{name or 'network'} up, {other or 'network'} down"
    return Conditions(there, back, secrets.randbits(32) if seed is None else seed, label)


def _named(choice: Any) -> tuple[Network, str]:
    if isinstance(choice, Network):
        names = [name for name, numbers in NETWORKS.items() if numbers == choice]
        return choice, names[0] if names else ""
    if isinstance(choice, str) and choice in NETWORKS:
        return NETWORKS[choice], choice
    names = [f'"{name}"' for name in NETWORKS]
    raise UsageError(
        f"there is no network {choice!r}: it is one of {', '.join(names)}, or "
        "lab.Network(delay=..., jitter=..., ...)"
    )
