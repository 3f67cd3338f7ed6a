"""Our own side: a client and a server of mbot_nb, everything as it comes."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import mbot_nb as mb

from .tally import Tally

__all__ = ["ping_round_trips", "send_rate"]

# messages between two pauses for the loop; a program that sends without a pause has to let it run
_BURST = 500


async def send_rate(size: int, messages: int, warm_up: int, *, recorded: bool = False) -> float:
    """Messages per second from the first ``send`` until all are acknowledged; ``size`` 1 turns
    batching off."""
    tally = Tally()
    window = 0.0 if size == 1 else 0.1
    server = await mb.serve(port=0)
    try:

        @server.command("count")
        def count(client: Any, n: int) -> None:
            tally.add(n)

        bot = await mb.connect(
            server.url, batch_window=window, max_batch_size=size, batch_policy="window"
        )
        try:
            rec = mb.Recorder(bot) if recorded else None

            async def send(start: int, stop: int) -> None:
                for n in range(start, stop):
                    if n % _BURST == 0:
                        await bot.drain()
                    bot.send("count", n=n)
                await bot.flush()

            await send(0, warm_up)
            started = perf_counter()
            await send(warm_up, warm_up + messages)
            rate = messages / (perf_counter() - started)
            if (
                rec is not None
                and not rec.total("commands")
                == rec.stop().batches.messages.sum()
                == warm_up + messages
            ):
                raise RuntimeError(f"not everything was recorded: {rec}")
        finally:
            await bot.close()
    finally:
        await server.close()
    tally.check(warm_up + messages)
    return rate


async def ping_round_trips(count: int, warm_up: int) -> list[float]:
    """What a caller of ``ping`` waits, in seconds, ``count`` times after ``warm_up`` times that do
    not count."""
    times = []
    server = await mb.serve(port=0)
    try:
        bot = await mb.connect(server.url)
        try:
            for _ in range(warm_up + count):
                started = perf_counter()
                reported = await bot.ping()
                took = perf_counter() - started
                times.append(took)
                if not 0 < reported <= took:
                    raise RuntimeError(
                        f"ping() reported {reported} s and took {took} s: it does not measure what "
                        "happened"
                    )
        finally:
            await bot.close()
    finally:
        await server.close()
    return times[warm_up:]
