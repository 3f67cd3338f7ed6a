"""``ping_rtt_p50``: the round trip of our ping against the bare echo of a frame with the same
bytes."""

from __future__ import annotations

import json
import statistics
import time

from . import ours, plain
from .figures import Comparison, Goal
from .harness import Contender

__all__ = ["comparisons"]

_PINGS = 2000
_WARM_UP = 200


def comparisons() -> list[Comparison]:
    """What this module measures."""
    return [
        Comparison(
            name="ping_rtt_p50",
            ours=Contender("ours: ping", _ours),
            theirs=Contender("websockets: echo", _theirs),
            unit="µs",
            goal=Goal(ratio_at_most=1.5),
            how=(
                f"median of {_PINGS} round trips a round, one after another, as the caller waits "
                "for them: `await bot.ping()` "
                "against `send` and `recv` of a ping frame that a websockets.asyncio server sends "
                "back as it came; client and "
                "server in one loop, no compression on either side"
            ),
        )
    ]


async def _ours() -> float:
    return statistics.median(await ours.ping_round_trips(_PINGS, _WARM_UP)) * 1e6


async def _theirs() -> float:
    texts = [ping_frame(n) for n in range(_PINGS + _WARM_UP)]
    return statistics.median(await plain.echo_round_trips(texts, _WARM_UP)) * 1e6


def ping_frame(id: int) -> str:
    """A ping as it goes over the wire."""
    message = {
        "type": "ping",
        "payload": {"id": id},
        "timestamp": time.time_ns() // 1_000_000,
        "version": 2,
    }
    return json.dumps(message, separators=(",", ":"))
