"""The client's handlers and event loops: in order, reported when they fail, and never in anybody's
way."""

from __future__ import annotations

import asyncio
import gc
import json
from functools import partial

import pytest

import mbot_nb as mb
from tests.helpers.connections import Connect, Serve
from tests.helpers.cutting_relay import CuttingRelay
from tests.helpers.tiny_robot import TinyRobot
from tests.helpers.waiting import until


async def test_plain_and_async_handlers_get_every_event_in_order(
    server: mb.Server, bot: mb.Client
) -> None:
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


async def test_a_handler_subscribes_again_in_its_own_place_or_beside_itself(
    server: mb.Server, bot: mb.Client
) -> None:
    seen: list[int] = []

    def handler(event: mb.Event) -> None:
        seen.append(event.data)

    bot.subscribe("news", handler)
    bot.subscribe("news", handler)
    bot.subscribe("news", handler, replace=False)
    server.emit("news", 1)
    await bot.ping()
    assert seen == [1, 1]


async def test_what_a_handler_does_to_an_event_is_not_what_is_recorded(
    server: mb.Server, bot: mb.Client
) -> None:
    def spoil(event: mb.Event) -> None:
        event.data["n"] = "spoilt"

    bot.subscribe("count", spoil)
    recorder = mb.Recorder(bot, ping_rate=0)
    for n in range(3):
        server.emit("count", {"n": n})
    await until(lambda: len(recorder.events) == 3)
    assert [json.loads(data) for data in recorder.events["data"]] == [{"n": 0}, {"n": 1}, {"n": 2}]
    recorder.stop()


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


async def test_the_same_cell_run_again_replaces_its_handler(
    server: mb.Server, bot: mb.Client
) -> None:
    """Each source is executed twice, as a cell that is run again."""
    heard: list[str] = []
    names = {"bot": bot, "heard": heard}
    cells = {
        "function": "def on(event): heard.append('function')\nbot.subscribe('news', on)",
        "async function": (
            "async def on2(event): heard.append('async function')\nbot.subscribe('news', on2)"
        ),
        "lambda": "bot.subscribe('news', lambda event: heard.append('lambda'))",
        "two lambdas in one line": (
            "bot.subscribe('news', lambda e: heard.append('one')); bot.subscribe('news', lambda e: "
            "heard.append('two'))"
        ),
        "closures in a loop": (
            "def make(n):\n    def inner(event): heard.append(f'closure {n}')\n    return inner\n"
            "for n in range(3): bot.subscribe('news', make(n))"
        ),
        "defaults in a loop": (
            "for n in range(3):\n    def on3(event, n=n): heard.append(f'default {n}')\n    "
            "bot.subscribe('news', on3)"
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


async def test_handlers_that_hold_what_cannot_be_compared_stay_apart(
    server: mb.Server, bot: mb.Client
) -> None:
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


async def test_a_subscription_ends_when_it_is_called_and_within_a_delivery(
    server: mb.Server, bot: mb.Client
) -> None:
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


async def test_a_handler_may_command_subscribe_and_close(
    server: mb.Server, robot: TinyRobot, bot: mb.Client
) -> None:
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
    with pytest.raises(
        mb.UsageError, match=r"needs a function to call, not NoneType: pass its name without \(\)"
    ):
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
    server: mb.Server,
    bot: mb.Client,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mbot_nb.client.subscriptions.Subscription.MAX_WAITING", 5)
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


async def test_lost_events_are_told_as_a_gap(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    server = await serve(settings={"replay_messages": 5})
    async with CuttingRelay(server.port) as relay:
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
