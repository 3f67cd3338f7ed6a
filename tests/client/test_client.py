"""Calls from everywhere: other threads, other loops, without `await`, cut short."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb import commands as c
from tests.helpers.connections import Connect, Serve
from tests.helpers.tiny_robot import TinyRobot
from tests.helpers.waiting import until


async def elsewhere(work: Callable[[], Any]) -> Any:
    """Run a coroutine function on a loop of its own, in another thread, and wait for it here."""
    return await asyncio.to_thread(lambda: asyncio.run(work()))


async def test_awaited_on_another_loop_a_call_runs_at_home(
    server: mb.Server, robot: TinyRobot, bot: mb.Client
) -> None:
    home = threading.get_ident()
    threads: list[int] = []
    server.command("where")(lambda client: threads.append(threading.get_ident()))

    async def work() -> tuple[Any, ...]:
        assert threading.get_ident() != home
        return (
            await bot.send_command("where"),
            await asyncio.wait_for(bot.ping(), 5),
            await asyncio.gather(bot.display_text("a"), bot.set_led(1, 2, 3)),
            await asyncio.create_task(bot.flush()),
            await bot.stop(),
        )

    result = await elsewhere(work)
    assert threads == [home]
    assert 0 < result[1] < 5
    assert result[4].command == "stop"
    assert robot.values["leds"] == [[1, 2, 3]]


async def test_errors_reach_whoever_awaits_on_another_loop(bot: mb.Client) -> None:
    async def work() -> None:
        with pytest.raises(mb.CommandRejectedError, match="INVALID_COMMAND"):
            await bot.send_command("nonsense")

    await elsewhere(work)


async def test_events_can_be_taken_on_another_loop(server: mb.Server, bot: mb.Client) -> None:
    stream = bot.events("news")
    heard: list[mb.Event] = []
    bot.subscribe("news", heard.append)

    async def work() -> list[Any]:
        return [event.data async for event in stream]

    taking = asyncio.create_task(elsewhere(work))
    for n in range(100):
        server.emit("news", n)
    await until(lambda: len(heard) == 100)
    await asyncio.sleep(0.01)
    await bot.close()
    assert await asyncio.wait_for(taking, 5) == list(range(100))


async def test_threads_send_each_in_its_own_order(server: mb.Server, bot: mb.Client) -> None:
    got: list[tuple[int, int]] = []
    server.command("note")(lambda client, thread, n: got.append((thread, n)))

    def talk(thread: int) -> None:
        for n in range(200):
            bot.send("note", thread=thread, n=n)

    await asyncio.gather(*[asyncio.to_thread(talk, thread) for thread in range(4)])
    await until(lambda: len(got) == 800)
    for thread in range(4):
        assert [n for who, n in got if who == thread] == list(range(200))


async def test_what_a_thread_sends_is_what_it_was_then(server: mb.Server, bot: mb.Client) -> None:
    got: list[object] = []
    heard: list[object] = []
    server.command("note")(lambda client, value: got.append(value))
    bot.subscribe("news", lambda event: heard.append(event.data))

    def talk() -> None:
        value = [0]
        for n in range(3):
            value[0] = n
            bot.send("note", value=value)
            server.emit("news", value)
        value[0] = 99

    thread = threading.Thread(target=talk)
    thread.start()
    thread.join()  # this loop stands still meanwhile, as it does under a cell
    await until(lambda: len(got) == 3 and len(heard) == 3)
    assert got == [[0], [1], [2]]
    assert heard == [[0], [1], [2]]


async def test_an_emit_that_cannot_be_said_is_told_to_the_thread_that_made_it(
    server: mb.Server, bot: mb.Client
) -> None:
    heard: list[object] = []
    bot.subscribe("news", lambda event: heard.append(event.data))
    around: list[object] = []
    around.append(around)
    for bad in (object(), around, "x" * 2**21, "\ud800", {"a": lambda: 0}):
        with pytest.raises(mb.UsageError, match="An event's data is plain"):
            server.emit("news", bad)
        with pytest.raises(mb.UsageError, match="An event's data is plain"):
            await asyncio.to_thread(server.emit, "news", bad)
    for name in ("", "x" * 129, None, 5):
        with pytest.raises(mb.UsageError, match="1 to 128"):
            server.emit(name)  # type: ignore[arg-type]
    server.emit("news", "good")
    await until(lambda: heard == ["good"])
    assert bot.stats.connections == 1
    assert bot.stats.gaps == 0


@pytest.mark.may_block("the caller's loop is not the home")
async def test_on_the_io_thread_everything_works_the_same(connect: Connect) -> None:
    server = await mb.serve(TinyRobot(), port=0, thread=True)
    bot = await mb.connect(server, thread=True)
    try:
        assert server.home.is_io_thread
        assert bot.home.is_io_thread
        threads: list[str] = []
        bot.subscribe("news", lambda event: threads.append(threading.current_thread().name))
        await bot.display_text("x")
        assert bot.state.tiny.text == "x"
        server.emit("news")
        await until(lambda: threads)
        assert threads == ["mbot_nb-io"]
        assert await bot.ping() > 0
        time.sleep(0.1)  # noqa: ASYNC251 - a cell that blocks
        assert (await asyncio.wait_for(bot.ping(), 1)) < 0.1
    finally:
        await bot.close()
        await server.close()


async def test_stop_acts_without_await(server: mb.Server, robot: TinyRobot, bot: mb.Client) -> None:
    await bot.drive(1, 1, wait=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bot.stop()
        gc.collect()
    assert robot.motion is None, "a robot of this process is stopped before anything is sent"
    await bot.ping()
    assert robot.halts == 2, "and over the wire"
    call = bot.emergency_stop()
    assert repr(call) == "<bot.emergency_stop(): given; `await` it for the answer>"
    result = await call
    assert result.value == {"latch": robot.latch}


async def test_stop_from_another_thread_stops_while_the_loop_is_blocked(
    server: mb.Server, robot: TinyRobot, bot: mb.Client
) -> None:
    await bot.drive(1, 1, wait=False)
    stopped: list[bool] = []

    def click() -> None:
        bot.stop()
        stopped.append(robot.motion is None)

    thread = threading.Thread(target=click)
    thread.start()
    thread.join()
    assert stopped == [True]
    await bot.ping()


async def test_a_stop_that_cannot_reach_the_robot_directly_still_goes_over_the_wire(
    serve: Serve, connect: Connect
) -> None:
    class Unplugged(TinyRobot):
        broken = True

        def halt(self) -> None:
            if self.broken:
                self.broken = False
                raise OSError("the cable is out")
            super().halt()

    robot = Unplugged()
    bot = await connect(await serve(robot))
    await bot.stop()
    assert robot.halts == 1


async def test_a_stop_that_nobody_awaits_and_that_cannot_be_sent_is_told(
    server: mb.Server,
    bot: mb.Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(bot._calls, "in_process_stop", None)  # as for a server of another process
    await bot.close()
    with pytest.raises(mb.NotConnectedError):
        await bot.stop()
    bot.stop()
    await until(lambda: caplog.messages)
    assert caplog.messages == [
        "stop was not sent: this client was closed. Make a new one with `bot = await mb.connect()`."
    ], "once: whoever awaits it is told by the error"


async def test_an_urgent_command_that_is_refused_is_told_though_nobody_waits(
    server: mb.Server, bot: mb.Client, caplog: pytest.LogCaptureFixture
) -> None:
    await bot.emergency_stop()
    bot.send("release_stop", latch="an old one")
    await until(lambda: caplog.messages)
    assert "another emergency stop has come since" in caplog.text
    with pytest.raises(mb.CommandRejectedError, match=r"was not said: its name is in state\.latch"):
        await bot.release_stop("")


async def test_the_latch_is_known_when_the_stop_is_answered(
    server: mb.Server, robot: TinyRobot, bot: mb.Client
) -> None:
    for _ in range(20):
        stop = await bot.emergency_stop()
        assert bot.state.latch == stop.value["latch"]
        await bot.release_stop()


async def test_emergency_stop_latches_until_it_is_released(
    server: mb.Server, robot: TinyRobot, bot: mb.Client, connect: Connect
) -> None:
    other = await connect(server)
    driving = asyncio.create_task(bot.drive(1, 1))
    await until(lambda: robot.motion)
    stop = await other.emergency_stop()
    assert (await driving).ended == "stopped"
    await until(lambda: bot.state.latch == stop.value["latch"])
    for one in (bot, other):
        with pytest.raises(mb.CommandRejectedError, match="STOPPED"):
            await one.drive(1, 1)
        with pytest.raises(mb.CommandRejectedError, match="STOPPED"):
            await one.move("forward", wait=False)
    await bot.display_text("lights and text still work")
    with pytest.raises(mb.CommandRejectedError, match="STATE_CONFLICT"):
        await bot.release_stop("an old latch")
    await bot.release_stop()
    await until(lambda: bot.state.latch is None and other.state.latch is None)
    with pytest.raises(mb.CommandRejectedError, match="nothing to release"):
        await bot.release_stop("again")
    await bot.drive(1, 1, wait=False)


async def test_a_handler_of_motion_is_stopped_like_the_robot(
    server: mb.Server, robot: TinyRobot, bot: mb.Client
) -> None:
    """A handler registered for `drive` must not move a robot whose emergency stop stands; and it
    may give back the motion."""
    calls: list[float] = []

    @server.command("drive")
    def drive(client: object, left: float, right: float, duration: float = 1.0) -> mb.Motion:
        calls.append(left)
        motion = robot.execute(c.Drive(left=left / 2, right=right / 2, duration=duration))
        assert isinstance(motion, mb.Motion)
        return motion

    driving = asyncio.create_task(bot.drive(10, 10))
    await until(lambda: robot.motion)
    await bot.stop()
    assert (await driving).ended == "stopped"
    await bot.emergency_stop()
    with pytest.raises(mb.CommandRejectedError, match="STOPPED"):
        await bot.drive(20, 20)
    assert calls == [10]


async def test_motion_waiting_in_the_batch_is_not_sent_after_a_stop(
    server: mb.Server, robot: TinyRobot, bot: mb.Client
) -> None:
    bot.send("drive", left=1, right=1)
    bot.send("display_text", text="still sent")
    await bot.stop()
    await bot.flush()
    assert [type(command).__name__ for command in robot.done] == ["DisplayText"]


async def test_a_cancelled_drive_stops_the_robot(
    server: mb.Server, robot: TinyRobot, bot: mb.Client
) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bot.drive(1, 1, duration=10), 0.05)
    await until(lambda: robot.motion is None and robot.halts)

    async def work() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bot.drive(1, 1, duration=10), 0.05)

    halts = robot.halts
    await elsewhere(work)
    await until(lambda: robot.motion is None and robot.halts > halts)
    halts = robot.halts
    server.command("slow")(lambda client: asyncio.sleep(0.2))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bot.send_command("slow"), 0.01)
    await bot.ping()
    assert robot.halts == halts, "what is no motion does not stop it"


async def test_a_loop_that_is_gone_is_told(server: mb.Server) -> None:
    """A client made by `asyncio.run` in a thread outlives its loop; nothing it is told then
    vanishes."""

    async def make() -> mb.Client:
        bot = await mb.connect(server.url)
        await bot.close()
        return bot

    def lost() -> mb.Client:
        with asyncio.Runner() as runner:
            return runner.run(make())

    bot = await asyncio.to_thread(lost)
    with pytest.raises(mb.MbotError):
        bot.send("display_text", text="x")
    with pytest.raises(
        mb.UsageError, match="the event loop this object lived on is gone; make a new one"
    ):
        await bot.ping()


def test_without_a_loop_it_says_what_to_write(free_port: int) -> None:
    call = mb.connect(f":{free_port}")
    with pytest.raises(mb.ConnectError, match="nothing listens there"):
        asyncio.run(call)
