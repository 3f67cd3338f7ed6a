"""The server's handlers and hooks: in order, reported when they fail, and never in anybody's
way."""

from __future__ import annotations

import asyncio
import logging

import pytest

import mbot_nb as mb
from tests.helpers.connections import Connect, Serve
from tests.helpers.cutting_relay import CuttingRelay
from tests.helpers.peer import command, peer
from tests.helpers.tiny_robot import TinyRobot
from tests.helpers.waiting import until


async def test_handlers_of_a_client_run_one_after_another_and_clients_beside_each_other(
    server: mb.Server, connect: Connect
) -> None:
    running: dict[int, int] = {}
    order: dict[int, list[int]] = {}
    most: list[int] = []

    @server.command("work")
    async def work(client: mb.server.RemoteClient, n: int) -> int:
        running[client.id] = running.get(client.id, 0) + 1
        assert running[client.id] == 1
        most.append(sum(running.values()))
        await asyncio.sleep(0.002)
        order.setdefault(client.id, []).append(n)
        running[client.id] -= 1
        return n

    @server.command("quick")
    def quick(client: mb.server.RemoteClient, n: int) -> int:
        assert not running.get(client.id)
        order[client.id].append(n)
        return n

    bots = [await connect(server) for _ in range(3)]
    calls = [
        bot.send_command("quick" if n % 5 == 4 else "work", n=n) for bot in bots for n in range(20)
    ]
    results = await asyncio.gather(*calls)
    assert [result.value for result in results] == list(range(20)) * 3
    assert list(order.values()) == [list(range(20))] * 3
    assert max(most) > 1


async def test_who_sends_much_faster_than_handlers_go_is_slowed_down_and_loses_nothing(
    serve: Serve, connect: Connect
) -> None:
    server = await serve(settings={"backlog": 20})
    go = asyncio.Event()
    done: list[int] = []

    @server.command("slow")
    async def slow(client: object, n: int) -> None:
        await go.wait()
        done.append(n)

    bot = await connect(server, settings={"busy_delay": 0.02, "retry_delays": (0.0, 0.02)})
    reasons: list[str] = []
    bot.subscribe("connection", lambda event: reasons.append(str(event["reason"])))
    for n in range(100):
        bot.send("slow", n=n)
    await until(
        lambda: any("4429" in reason and "send more slowly" in reason for reason in reasons)
    )
    go.set()
    await until(lambda: len(done) == 100)
    assert done == list(range(100))


async def test_a_handler_survives_the_cut_of_its_client(
    server: mb.Server, connect: Connect
) -> None:
    go = asyncio.Event()
    begun = asyncio.Event()
    clients: list[object] = []

    @server.command("slow")
    async def slow(client: object) -> str:
        clients.append(client)
        begun.set()
        await go.wait()
        return "done"

    async with CuttingRelay(server.port) as relay:
        bot = await connect(relay.url, settings={"retry_delays": (0.0, 0.02)})
        call = asyncio.create_task(bot.send_command("slow"))
        await asyncio.wait_for(begun.wait(), 5)
        await relay.refuse()
        relay.cut()
        await until(lambda: not server.clients)
        go.set()
        await asyncio.sleep(0)
        await relay.listen()
        assert (await asyncio.wait_for(call, 5)).value == "done"
        await bot.send_command("slow")
    assert len(set(map(id, clients))) == 1
    assert len(clients) == 2, "it was not run again after the cut"


async def test_handlers_that_meet_a_cancelled_task_do_not_lose_the_order(
    server: mb.Server, bot: mb.Client
) -> None:
    order: list[int] = []

    @server.command("odd")
    async def odd(client: object, n: int) -> None:
        task = asyncio.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)
        order.append(n)
        task.cancel()
        await task

    outcomes = await asyncio.gather(
        *[bot.send_command("odd", n=n) for n in range(5)], return_exceptions=True
    )
    assert order == list(range(5))
    assert all(
        isinstance(outcome, mb.CommandRejectedError) and outcome.code == "INTERNAL_ERROR"
        for outcome in outcomes
    )


async def test_hooks_that_fail_are_reported_and_stop_nothing(
    server: mb.Server, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    called: list[str] = []

    @server.on_connect
    def broken(client: object) -> None:
        raise ValueError("broken hook")

    @server.on_connect
    async def broken_too(client: object) -> None:
        raise ValueError("broken async hook")

    @server.on_connect
    def good(client: object) -> None:
        called.append("good")

    bot = await connect(server)
    await bot.ping()
    assert called == ["good"]
    assert "your on_connect hook failed: ValueError: broken hook" in caplog.text
    await until(lambda: "broken async hook" in caplog.text)
    with pytest.raises(mb.UsageError, match="needs a function to call"):
        server.on_connect(None)  # type: ignore[arg-type]


async def test_a_hook_of_a_cell_run_again_takes_its_own_place(
    server: mb.Server, connect: Connect
) -> None:
    called: list[str] = []
    source = (
        "@server.on_connect\ndef hello(client): "
        "called.append('hello')\nserver.on_connect(lambda client: called.append('lambda'))"
    )
    for _ in range(3):
        exec(
            compile(source, "<cell>", "exec"),
            {"server": server, "called": called, "__name__": "__main__"},
        )
    await connect(server)
    assert called == ["hello", "lambda"]


async def test_a_command_of_ones_own_and_what_cannot_be_one(
    server: mb.Server, bot: mb.Client
) -> None:
    @server.command("dance")
    async def dance(
        client: mb.server.RemoteClient, steps: int = 4, *, style: str = "waltz"
    ) -> dict[str, object]:
        client.emit("danced", steps)
        return {"steps": steps, "style": style}

    danced: list[int] = []
    bot.subscribe("danced", lambda event: danced.append(event.data))
    assert (await bot.send_command("dance")).value == {"steps": 4, "style": "waltz"}
    assert (await bot.send_command("dance", steps=2, style="tango")).value == {
        "steps": 2,
        "style": "tango",
    }
    assert danced == [4, 2]
    for params in ({"step": 1}, {"client": 1}, {"steps": 1, "style": "x", "more": 1}):
        with pytest.raises(
            mb.CommandRejectedError, match=r"INVALID_PARAMS: dance: it takes \(steps"
        ):
            await bot.send_command("dance", **params)
    for name in ("stop", "emergency_stop", "release_stop", "void", "sync_state"):
        with pytest.raises(mb.UsageError, match="cannot be handled by a function"):
            server.command(name)
    with pytest.raises(mb.UsageError, match="name the command"):
        server.command(dance)  # type: ignore[arg-type]


async def test_a_closing_server_ends_its_handlers(server: mb.Server, bot: mb.Client) -> None:
    ended: list[str] = []

    @server.command("forever")
    async def forever(client: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("handler")

    @server.command("close")
    async def close(client: object) -> None:
        await server.close()
        ended.append("close")

    bot.send("forever")
    await bot.flush()
    async with peer(server.url) as other:
        await other.send(command("close"))
        await until(lambda: "close" in ended)
    assert ended == ["handler", "close"]


async def test_a_robot_that_fails_keeps_nobody_from_anything(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(TinyRobot):
        broken = False

        def state(self) -> dict[str, object]:
            if self.broken:
                raise OSError("no answer from the robot")
            return super().state()

        def halt(self) -> None:
            if self.broken:
                raise OSError("no answer from the robot")
            super().halt()

        def telemetry(self) -> dict[str, object]:
            raise OSError("no telemetry")

        def close(self) -> None:
            raise OSError("cannot close")

    caplog.set_level(logging.ERROR)
    robot = Failing()
    server = await serve(robot)
    bot = await connect(server)
    robot.values["tiny"]["n"] = 1
    await until(lambda: bot.state.tiny.n == 1)
    await bot.drive(1, 1, wait=False)
    robot.broken = True
    await bot.display_text("x")
    with pytest.raises(mb.CommandRejectedError, match="INTERNAL_ERROR"):
        await bot.stop()
    other = await connect(server)
    assert other.state.tiny.n == 1
    await bot.close()
    await other.ping()
    await until(lambda: [client.id for client in server.clients] == [2])
    await server.close()
    assert caplog.text.count("the robot cannot tell its state: OSError: no answer") == 1
    assert "the robot did not stop (its client disconnected)" in caplog.text
    assert "the robot did not close" in caplog.text
    assert caplog.text.count("the robot cannot tell its telemetry") == 1
