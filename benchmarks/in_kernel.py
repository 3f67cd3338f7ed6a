"""What runs inside a kernel: round trips at an even pace, and a robot that is driven and
stopped."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable
from typing import Any

import mbot_nb as mb

__all__ = ["PACE", "SPEED", "Stops", "round_trips"]

PACE = 0.005
"""Seconds from one ping to the next."""
SPEED = 50.0
"""Percent of full speed at which the robot turns on the spot when it is stopped."""
_DRIVE = 8.0  # s, much longer than anything here waits
_UNTIL_FAST = 0.12  # s; speeding up takes 0.07
_PATIENCE = 5.0  # s


async def round_trips(count: int, warm_up: int) -> list[float]:
    """What ``await bot.ping()`` takes, in seconds: one every 5 ms, client and server in this
    loop."""
    times = []
    async with mb.serve(port=0) as server, mb.connect(server) as bot:
        for _ in range(warm_up + count):
            began = time.perf_counter()
            await bot.ping()
            times.append(time.perf_counter() - began)
            await asyncio.sleep(PACE)
    return times[warm_up:]


class Stops:
    """A robot that turns on the spot, and is stopped. One row a stop: when ``stop`` was called and
    when the wheels stood."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float]] = []
        """`time.monotonic()` seconds."""
        self._called: float | None = None
        self._stopped: Awaitable[Any] | None = None

    async def open(self) -> None:
        """Make the robot, its server and its client, at home in this loop."""
        self.robot = mb.SimulatedRobot(seed=1)
        self.server = await mb.serve(self.robot, port=0)
        self.bot = await mb.connect(self.server)

    async def up_to_speed(self) -> None:
        """Drive, and wait until it turns at full speed."""
        self._called = self._stopped = None
        await self.bot.drive(SPEED, -SPEED, duration=_DRIVE, wait=False)
        await asyncio.sleep(_UNTIL_FAST)

    def stop(self, _: Any = None) -> None:
        """Stop it, in whatever thread."""
        self._called = time.monotonic()
        self._stopped = self.bot.stop()

    async def note(self) -> None:
        """Wait until it stands and the stop is answered, and note the row."""
        async with asyncio.timeout(_PATIENCE):
            while (rested := self.robot.at_rest_since) is None:  # noqa: ASYNC110 - a robot has no event for wheels that stand
                await asyncio.sleep(0.002)
            # A stop goes over the wire as well, and a later motion must not meet it.
            if self._stopped is not None:
                await self._stopped
        if self._called is None or rested < self._called:
            raise RuntimeError("the robot stands although no stop was called")
        self.rows.append((self._called, rested))

    async def by_cell(self, count: int) -> None:
        """The cell stops it, and the loop is free."""
        for _ in range(count):
            await self.up_to_speed()
            self.stop()
            await self.note()

    async def by_blocking_cell(self, count: int) -> None:
        """The cell stops it, between sleeps that block the loop."""
        for _ in range(count):
            await self.up_to_speed()
            time.sleep(0.02)  # noqa: ASYNC251 - what a cell does that knows no better
            self.stop()
            time.sleep(0.1)  # noqa: ASYNC251
            await self.note()

    async def by_thread(self, count: int) -> None:
        """Another thread stops it while the cell sleeps and blocks the loop."""
        for _ in range(count):
            await self.up_to_speed()
            thread = threading.Timer(0.03, self.stop)
            thread.start()
            time.sleep(0.15)  # noqa: ASYNC251
            await self.note()
            thread.join()
