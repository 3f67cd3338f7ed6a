"""A program that records a run into a file, says so, and goes on until it is killed: ``python
killed_recorder.py FILE``."""

from __future__ import annotations

import asyncio
import sys
import time

import mbot_nb as mb

PAUSE = 1.0
"""Seconds during which nothing is sent or recorded, near the beginning."""


async def main(path: str) -> None:
    async with mb.serve(mb.SimulatedRobot(seed=1), port=0) as server, mb.connect(server) as bot:
        rec = mb.Recorder(bot, ping_rate=20, path=path)
        await bot.drive(30, 30, duration=0.3)
        bot.send("nonsense")
        n = 0
        while True:
            bot.send("set_led", r=n % 256, g=0, b=0)
            n += 1
            await asyncio.sleep(0.005)
            if n == 60:
                await bot.flush()
                rec.pause()
                await asyncio.sleep(PAUSE)
                rec.start()
            if n % 20 == 0:
                # What the parent holds us to: when it was, how long it was recorded, and how many
                # rows there were.
                counts = " ".join(
                    str(rec.total(name)) for name in ("events", "commands", "latency", "frames")
                )
                print(time.monotonic(), rec.seconds, counts, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
