"""Waiting until everything was sent."""

from __future__ import annotations

import asyncio
import time

import mbot_nb as mb
from tests.helpers.connections import Connect
from tests.helpers.cutting_relay import CuttingRelay
from tests.helpers.tiny_robot import TinyRobot
from tests.helpers.waiting import until

LADDER = {"retry_delays": (0.0, 0.02)}


async def test_flush_waits_for_what_is_queued_while_away(
    server: mb.Server, connect: Connect
) -> None:
    got: list[int] = []
    server.command("note")(lambda client, n: got.append(n))
    async with CuttingRelay(server.port) as relay:
        bot = await connect(relay.url, settings=LADDER)
        await relay.refuse()
        relay.cut()
        await until(lambda: bot.reconnecting)
        for n in range(25):
            bot.send("note", n=n)
        flushing = asyncio.create_task(bot.flush())
        await asyncio.sleep(0.05)
        assert not flushing.done()
        await relay.listen()
        await asyncio.wait_for(flushing, 5)
    assert got == list(range(25))


async def test_flush_does_not_wait_for_the_end_of_a_motion(
    server: mb.Server, robot: TinyRobot, bot: mb.Client
) -> None:
    driving = asyncio.create_task(bot.drive(1, 1))
    await until(lambda: robot.motion)
    begun = time.monotonic()
    await bot.flush()
    assert time.monotonic() - begun < 0.09
    assert not driving.done()
    await bot.stop()
    assert (await driving).ended == "stopped"
