"""Handlers and hooks of the user's, on both sides: in order, reported when they fail, and never in anybody's way."""

from __future__ import annotations

import asyncio
import gc
import logging
from functools import partial

import pytest

import mbot_nb as mb

from .conftest import Connect, Serve
from .peers import TinyRobot, command, peer, until

# On the client.


async def test_plain_and_async_handlers_get_every_event_in_order(server: mb.Server, bot: mb.Client) -> None:
    plain: list[int] = []
    slow: list[int] = []
    everything: list[str] = []

    async def slowly(event: mb.Event) -> None:
        await asyncio.sleep(0.001 * (event.data % 3))
        slow.append(event.data)

    bot.subscribe("news", lambda event: plain.append(event.data))
    bot.subscribe("news", slowly)
    bot.subscribe("*", lambda event: everything.append(event.name))
    for n in range(50):
        server.emit("news", n)
    server.emit("other")
    await until(lambda: len(slow) == 50)
    assert plain == slow == list(range(50))
    assert everything == ["news"] * 50 + ["other"]


async def test_handlers_that_fail_are_reported_and_stop_nothing(
    server: mb.Server, bot: mb.Client, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[int] = []

    def plain(event: mb.Event) -> None:
        raise ValueError("plain trouble")

    async def later(event: mb.Event) -> None:
        await asyncio.sleep(0)
        raise ValueError("async trouble")

    async def cancelled(event: mb.Event) -> None:
        task = asyncio.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)
        task.cancel()
        await task

    for handler in (plain, later, cancelled):
        bot.subscribe("news", handler)
    bot.subscribe("news", lambda event: heard.append(event.data))
    for n in range(3):
        server.emit("news", n)
    await until(lambda: len(bot.handler_errors) == 9)
    assert heard == [0, 1, 2]
    assert "plain trouble" in caplog.text
    assert "async trouble" in caplog.text
    assert "mend it and run its cell again" in caplog.text
    subscription, event, error = bot.handler_errors[0]
    assert (subscription.handler, event.data, str(error)) == (plain, 0, "plain trouble")
    await bot.ping()
    assert bot.stats.connections == 1


async def test_the_same_cell_run_again_replaces_its_handler(server: mb.Server, bot: mb.Client) -> None:
    """Each source is executed twice, as a cell that is run again."""
    heard: list[str] = []
    names = {"bot": bot, "heard": heard}
    cells = {
        "function": "def on(event): heard.append('function')\nbot.subscribe('news', on)",
        "async function": "async def on2(event): heard.append('async function')\nbot.subscribe('news', on2)",
        "lambda": "bot.subscribe('news', lambda event: heard.append('lambda'))",
        "two lambdas in one line": (
            "bot.subscribe('news', lambda e: heard.append('one')); bot.subscribe('news', lambda e: heard.append('two'))"
        ),
        "closures in a loop": (
            "def make(n):\n    def inner(event): heard.append(f'closure {n}')\n    return inner\n"
            "for n in range(3): bot.subscribe('news', make(n))"
        ),
        "defaults in a loop": (
            "for n in range(3):\n    def on3(event, n=n): heard.append(f'default {n}')\n    bot.subscribe('news', on3)"
        ),
        "a bound method": (
            "class Listener:\n    def on(self, event): heard.append('method')\n"
            "listener = globals().get('listener') or Listener()\nbot.subscribe('news', listener.on)"
        ),
    }
    for _ in range(2):
        for name, source in cells.items():
            exec(compile(source, f"<{name}>", "exec"), names)
    server.emit("news")
    await until(lambda: len(heard) >= 12)
    await bot.ping()
    assert sorted(heard) == sorted(
        ["function", "async function", "lambda", "one", "two", "method"]
        + [f"{kind} {n}" for kind in ("closure", "default") for n in range(3)]
    )


async def test_handlers_that_hold_what_cannot_be_compared_stay_apart(server: mb.Server, bot: mb.Client) -> None:
    import numpy as np

    heard: list[float] = []

    def make(values: object) -> object:
        return lambda event: heard.append(float(np.sum(values)))  # type: ignore[call-overload]

    for values in (np.arange(3), np.arange(4)):
        bot.subscribe("news", make(values))  # type: ignore[arg-type]
    bot.subscribe("news", partial(lambda event, more: heard.append(more), more=100.0))
    server.emit("news")
    await until(lambda: len(heard) == 3)
    assert heard == [3.0, 6.0, 100.0]


async def test_a_subscription_ends_when_it_is_called_and_within_a_delivery(server: mb.Server, bot: mb.Client) -> None:
    heard: list[str] = []

    def first(event: mb.Event) -> None:
        heard.append("first")
        second_subscription()
        first_subscription.cancel()

    first_subscription = bot.subscribe("news", first)
    second_subscription = bot.subscribe("news", lambda event: heard.append("second"))
    assert "listens to 'news'" in repr(first_subscription)
    server.emit("news")
    server.emit("news")
    server.emit("end")
    bot.subscribe("end", lambda event: heard.append("end"))
    await until(lambda: "end" in heard)
    assert heard == ["first", "end"]
    assert "does not listen any more" in repr(first_subscription)
    first_subscription()


async def test_a_handler_may_command_subscribe_and_close(server: mb.Server, robot: TinyRobot, bot: mb.Client) -> None:
    done: list[str] = []

    async def react(event: mb.Event) -> None:
        await bot.display_text(event.data)
        bot.subscribe("late", lambda event: done.append("late"))
        server.emit("late")
        await until(lambda: "late" in done)
        await bot.close()
        done.append("closed")

    bot.subscribe("news", react)
    server.emit("news", "hello")
    await until(lambda: "closed" in done)
    assert robot.values["tiny"]["text"] == "hello"
    assert bot.connection_state == "disconnected"


async def test_what_is_no_function_is_refused(bot: mb.Client) -> None:
    with pytest.raises(mb.UsageError, match=r"needs a function to call, not NoneType: pass its name without \(\)"):
        bot.subscribe("news", print())  # type: ignore[arg-type]


async def test_events_to_loop_over(server: mb.Server, bot: mb.Client) -> None:
    stream = bot.events("news")
    for n in range(5):
        server.emit("news", n)
    seen = []
    async for event in stream:
        seen.append(event.data)
        if event.data == 4:
            break
    assert seen == [0, 1, 2, 3, 4]
    await stream.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_loop_that_is_left_leaves_nothing_behind(
    server: mb.Server, bot: mb.Client, caplog: pytest.LogCaptureFixture
) -> None:
    server.emit("news", 0)
    for _ in range(3):
        server.emit("news", 0)
        async for _event in bot.events("news", maxlen=2):
            break
    gc.collect()
    for n in range(10):
        server.emit("news", n)
    await bot.ping()
    assert list(bot._subscriptions) == []
    assert list(bot._streams) == []
    assert caplog.text == ""


async def test_events_that_nobody_takes_drop_the_oldest_and_say_so(
    server: mb.Server, bot: mb.Client, caplog: pytest.LogCaptureFixture
) -> None:
    stream = bot.events("news", maxlen=3)
    for n in range(10):
        server.emit("news", n)
    await bot.ping()
    assert stream.missed == 7
    assert repr(stream) == "<events 'news': 3 waiting, 7 missed>"
    assert caplog.text.count("the oldest are dropped") == 1
    await bot.close()
    assert [event.data async for event in stream] == [7, 8, 9]
    assert [event async for event in bot.events("news")] == [], "of a closed client nothing comes"
    with pytest.raises(mb.UsageError, match="at least one"):
        bot.events("news", maxlen=0)


async def test_a_handler_that_is_too_slow_is_told_and_the_rest_goes_on(
    server: mb.Server, bot: mb.Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mbot_nb.subscriptions.Subscription.MAX_WAITING", 5)
    go = asyncio.Event()
    heard: list[int] = []

    async def slow(event: mb.Event) -> None:
        await go.wait()
        heard.append(event.data)

    subscription = bot.subscribe("news", slow)
    for n in range(10):
        server.emit("news", n)
    await bot.ping()
    go.set()
    await until(lambda: len(heard) == 6)
    assert heard == [0, 1, 2, 3, 4, 5]
    assert subscription.missed == 4
    assert caplog.text.count("is too slow: events are dropped") == 1


async def test_the_client_s_own_events(server: mb.Server, serve: Serve, connect: Connect) -> None:
    bot = await connect(server)
    events: list[mb.Event] = []
    bot.subscribe("connection", events.append)
    await bot.reconnect()
    await bot.close()
    assert [(event.data["previous"], event.data["state"]) for event in events] == [
        ("connected", "reconnecting"),
        ("reconnecting", "connected"),
        ("connected", "disconnected"),
    ]
    assert events[1].data["resumed"] is True
    assert all(event.sequence is None and event.time > 1.6e9 for event in events)


async def test_lost_events_are_told_as_a_gap(serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    from .peers import Relay

    server = await serve(settings={"replay_messages": 5})
    async with Relay(server.port) as relay:
        bot = await connect(relay.url, settings={"retry_delays": (0.0, 0.02)})
        gaps: list[object] = []
        news: list[int] = []
        bot.subscribe("gap", lambda event: gaps.append(event.data))
        bot.subscribe("news", lambda event: news.append(event.data))
        await relay.refuse()
        relay.cut()
        await until(lambda: not server.clients)
        for n in range(1, 21):
            server.emit("news", n)
        await relay.listen()
        await until(lambda: len(news) == 5)
        assert gaps == [{"expected": 1, "got": 16}]
        assert news == [16, 17, 18, 19, 20]
        assert "events 1 to 15 were lost" in caplog.text


# On the server.


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
    calls = [bot.send_command("quick" if n % 5 == 4 else "work", n=n) for bot in bots for n in range(20)]
    results = await asyncio.gather(*calls)
    assert [result.value for result in results] == list(range(20)) * 3
    assert list(order.values()) == [list(range(20))] * 3
    assert max(most) > 1


async def test_a_handler_survives_the_cut_of_its_client(server: mb.Server, connect: Connect) -> None:
    from .peers import Relay

    go = asyncio.Event()
    begun = asyncio.Event()
    clients: list[object] = []

    @server.command("slow")
    async def slow(client: object) -> str:
        clients.append(client)
        begun.set()
        await go.wait()
        return "done"

    async with Relay(server.port) as relay:
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


async def test_handlers_that_meet_a_cancelled_task_do_not_lose_the_order(server: mb.Server, bot: mb.Client) -> None:
    order: list[int] = []

    @server.command("odd")
    async def odd(client: object, n: int) -> None:
        task = asyncio.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)
        order.append(n)
        task.cancel()
        await task

    outcomes = await asyncio.gather(*[bot.send_command("odd", n=n) for n in range(5)], return_exceptions=True)
    assert order == list(range(5))
    assert all(isinstance(outcome, mb.CommandRejectedError) and outcome.code == "INTERNAL_ERROR" for outcome in outcomes)


async def test_hooks_see_who_comes_says_and_goes(server: mb.Server, connect: Connect) -> None:
    seen: list[tuple[object, ...]] = []

    @server.on_connect
    async def hello(client: mb.server.RemoteClient) -> None:
        await asyncio.sleep(0)
        seen.append(("connect", client.id, client.profile, client.connected))

    @server.on_message
    def said(client: mb.server.RemoteClient, name: str, params: dict[str, object]) -> None:
        seen.append(("message", client.id, name, params))

    @server.on_disconnect
    def bye(client: mb.server.RemoteClient, reason: str) -> None:
        seen.append(("disconnect", client.id, client.connected))

    bot = await connect(server)
    await until(lambda: seen)
    await bot.display_text("x")
    await bot.stop()
    await bot.close()
    await until(lambda: len(seen) == 4)
    assert seen == [
        ("connect", 1, "extended", True),
        ("message", 1, "display_text", {"text": "x"}),
        ("message", 1, "stop", {}),
        ("disconnect", 1, False),
    ]
    async with peer(server.url) as one:
        await one.snapshot()
        await until(lambda: len(seen) == 5)
    assert seen[4] == ("connect", 2, "baseline", True)


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


async def test_a_hook_of_a_cell_run_again_takes_its_own_place(server: mb.Server, connect: Connect) -> None:
    called: list[str] = []
    source = (
        "@server.on_connect\ndef hello(client): called.append('hello')\nserver.on_connect(lambda client: called.append('lambda'))"
    )
    for _ in range(3):
        exec(compile(source, "<cell>", "exec"), {"server": server, "called": called, "__name__": "__main__"})
    await connect(server)
    assert called == ["hello", "lambda"]


async def test_a_command_of_ones_own_and_what_cannot_be_one(server: mb.Server, bot: mb.Client) -> None:
    @server.command("dance")
    async def dance(client: mb.server.RemoteClient, steps: int = 4, *, style: str = "waltz") -> dict[str, object]:
        client.emit("danced", steps)
        return {"steps": steps, "style": style}

    danced: list[int] = []
    bot.subscribe("danced", lambda event: danced.append(event.data))
    assert (await bot.send_command("dance")).value == {"steps": 4, "style": "waltz"}
    assert (await bot.send_command("dance", steps=2, style="tango")).value == {"steps": 2, "style": "tango"}
    assert danced == [4, 2]
    for params in ({"step": 1}, {"client": 1}, {"steps": 1, "style": "x", "more": 1}):
        with pytest.raises(mb.CommandRejectedError, match=r"INVALID_PARAMS: dance: it takes \(steps"):
            await bot.send_command("dance", **params)
    for name in ("stop", "emergency_stop", "release_stop", "void", "sync_state"):
        with pytest.raises(mb.UsageError, match="cannot be handled by a function"):
            server.command(name)
    with pytest.raises(mb.UsageError, match="name the command"):
        server.command(dance)  # type: ignore[arg-type]


async def test_an_event_for_one_and_for_all(server: mb.Server, connect: Connect) -> None:
    one, two = await connect(server), await connect(server)
    heard: list[tuple[str, object]] = []
    one.subscribe("*", lambda event: heard.append(("one", event.data)))
    two.subscribe("*", lambda event: heard.append(("two", event.data)))
    server.clients[0].emit("secret", 1)
    await asyncio.to_thread(server.clients[1].emit, "secret", 2)
    await one.ping()
    server.emit("news", 3)
    await until(lambda: len(heard) == 4)
    assert heard[:2] == [("one", 1), ("two", 2)]
    assert sorted(heard[2:]) == [("one", 3), ("two", 3)]


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
