"""A cell that blocks the loop: the robot keeps its own time, the connections live, and the answers
are right."""

from __future__ import annotations

import asyncio
import time

import pytest

import mbot_nb as mb
from mbot_nb.lab import Network, network
from tests.helpers.connections import Connect, Serve
from tests.helpers.peer import peer
from tests.helpers.tiny_robot import TinyRobot
from tests.helpers.waiting import until


@pytest.mark.parametrize("block", [2.0])
async def test_a_motion_of_one_second_is_one_second_whatever_the_cell_does(
    serve: Serve, connect: Connect, block: float
) -> None:
    robot = mb.SimulatedRobot(seed=3, noise=0)
    server = await serve(robot)
    bot = await connect(server)
    async with peer(server.url) as other:
        await other.snapshot()
        before = robot.state()["pose"]
        driving = asyncio.create_task(bot.drive(30, 30, duration=1.0))
        await until(lambda: robot.state()["motors"]["moving"])
        time.sleep(block)  # noqa: ASYNC251 - the cell that blocks
        after_block = robot.state()["pose"]
        result = await asyncio.wait_for(driving, 5)
        assert result.ended == "time"
        assert robot.state()["pose"] == after_block, (
            "it stood still when the time was over, not when the loop went on"
        )
        moved = after_block["x"] - before["x"]
        reference = mb.SimulatedRobot(seed=3, noise=0)
        start = reference.state()["pose"]["x"]
        motion = reference.execute(mb.commands.Drive(left=30, right=30, duration=1.0))
        assert isinstance(motion, mb.Motion)
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()

        def tell(how: str) -> None:
            loop.call_soon_threadsafe(ended.set)

        motion.on_end(tell)
        await asyncio.wait_for(ended.wait(), 5)
        await until(lambda: not reference.state()["motors"]["moving"])
        assert moved == pytest.approx(reference.state()["pose"]["x"] - start, abs=0.5)
        assert bot.stats.connections == 1
        assert (await other.ping())["server_clock"] > 0
        assert len(server.clients) == 2


async def test_a_block_longer_than_every_limit_kills_nobody(serve: Serve, connect: Connect) -> None:
    """What arrived during the block is read before anybody is judged by his silence."""
    quick = {"ping_interval": 0.1, "pong_timeout": 0.2, "idle_timeout": 0.5, "stall": 0.05}
    server = await serve(settings=quick)
    bot = await connect(server, settings=quick)
    async with network(Network()).relay(server) as relay:
        far = await connect(relay.url, settings=quick)
        for _ in range(3):
            time.sleep(0.8)  # noqa: ASYNC251 - the cell that blocks
            await asyncio.sleep(0.1)
        await bot.ping()
        await far.ping()
        assert bot.stats.connections == 1
        assert far.stats.connections == 1
        await far.close()


async def test_a_stop_is_obeyed_during_the_block(serve: Serve, connect: Connect) -> None:
    """From another thread, while the loop of robot, server and client stands still."""
    import threading

    robot = mb.SimulatedRobot(seed=3)
    bot = await connect(await serve(robot))
    driving = asyncio.create_task(bot.drive(30, 30, duration=10))
    await until(lambda: robot.state()["motors"]["moving"])
    told: list[float] = []

    def click() -> None:
        told.append(robot.state()["motors"]["left"])
        bot.stop()

    stopper = threading.Timer(0.2, click)
    stopper.start()
    time.sleep(0.6)  # noqa: ASYNC251 - the cell that blocks
    stopper.join()
    assert told[0] > 0
    assert robot.state()["motors"]["left"] == 0
    assert (await asyncio.wait_for(driving, 5)).ended == "stopped"


async def test_commands_sent_before_a_block_are_not_late_motion(
    robot: TinyRobot, bot: mb.Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The block is not the network's: a motion that waited for its turn so long is not begun any
    more, and says so."""
    with mb.Recorder(bot) as rec:
        bot.send("drive", left=10, right=10, duration=0.2)
        bot.send("display_text", text="after")
        time.sleep(0.8)  # noqa: ASYNC251 - the cell that blocks
        await bot.flush()
        await until(lambda: robot.done)
        await bot.ping()
        assert rec.commands["outcome"].tolist() == ["expired", "delivered"]
    assert robot.done == [mb.commands.DisplayText(text="after")], "the motion has never begun"
    assert robot.motion is None
    assert "a motion is not performed late" in caplog.text
