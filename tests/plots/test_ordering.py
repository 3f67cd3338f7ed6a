"""Messages out of order are drawn apart from those in order."""

from __future__ import annotations

import asyncio

import mbot_nb as mb
from mbot_nb import plots
from tests.helpers.pictures import line_of, texts, ys


async def test_out_of_order_is_told_from_in_order() -> None:
    """Through a relay that reorders and doubles; the picture counts what the session counted."""
    messy = mb.lab.Network(delay=0.002, reorder=0.3, duplicate=0.2)
    heard: list[int] = []
    async with (
        mb.serve(mb.SimulatedRobot(seed=1), port=0) as server,
        mb.lab.network("perfect", down=messy, seed=4).relay(server) as relay,
        mb.connect(relay.url) as bot,
    ):
        bot.subscribe("step", lambda event: heard.append(event["n"]))
        with mb.Recorder(bot, ping_rate=0) as rec:
            for n in range(20):
                server.emit("step", {"n": n})
                await asyncio.sleep(0.01)
            async with asyncio.timeout(10):
                while len(heard) < 20:  # noqa: ASYNC110 - what is waited for has no event
                    await asyncio.sleep(0.01)
        ax = plots.order(rec)
    assert heard == list(range(20))
    assert "n = 20 events" in texts(ax)
    assert "handed on all in order" in texts(ax)
    came = rec.frames[
        (rec.frames.direction == "in") & rec.frames.sequence.notna()
    ].sequence.tolist()
    doubled = len(came) - len(set(came))
    assert doubled > 0
    assert f"{doubled} twice" in texts(ax)
    first = {number: came.index(number) for number in set(came)}
    early = sum(
        any(first[below] > at for below in range(1, number)) for number, at in first.items()
    )
    assert early > 0
    assert f"{early} came too early" in texts(ax)
    assert ys(line_of(ax, "handed on")).tolist() == list(range(1, 21))
