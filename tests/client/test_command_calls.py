"""Awaited commands: how each can end, and what is said of it."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as plain_serve

import mbot_nb as mb
from tests.helpers.connections import Connect, Serve
from tests.helpers.cutting_relay import CuttingRelay
from tests.helpers.peer import message
from tests.helpers.tiny_robot import TinyRobot
from tests.helpers.waiting import until

LADDER = {"retry_delays": (0.0, 0.02)}


async def test_not_connected_after_closing(server: mb.Server, bot: mb.Client) -> None:
    await bot.close()
    await bot.close()
    with pytest.raises(mb.NotConnectedError, match=r"this client was closed\. Make a new one with"):
        bot.send("display_text", text="x")
    for call in (bot.drive(1, 1), bot.send_command("display_text", text="x"), bot.flush()):
        with pytest.raises(
            mb.NotConnectedError, match=r"this client was closed\. Make a new one with"
        ):
            await call
    with pytest.raises(mb.NotConnectedError):
        await bot.stop()
    with pytest.raises(mb.NotConnectedError, match="no ping without a connection"):
        await bot.ping()
    with pytest.raises(mb.UsageError, match="closed; make a new one"):
        await bot.reconnect()


async def test_not_connected_after_giving_up(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that comes back with another token will not have us: trying again cannot help."""
    server = await serve(token="old")
    bot = await connect(server.url, settings=LADDER)
    waiting = asyncio.create_task(bot.send_command("forever"))
    server.command("forever")(lambda client: asyncio.Event().wait())
    await bot.flush()
    await server.close()
    await serve(token="new", port=server.port)
    await until(lambda: bot.connection_state == "error")
    assert "token" in caplog.text
    with pytest.raises(
        mb.NotConnectedError,
        match=r"there is no connection \(.*token.*\). `await bot.reconnect\(\)` tries again",
    ):
        bot.send("display_text", text="x")
    with pytest.raises((mb.NotConnectedError, mb.DeliveryUnknownError)):
        await waiting
    begun = time.monotonic()
    with pytest.raises(mb.NotConnectedError):
        await bot.emergency_stop()
    assert time.monotonic() - begun < 1
    with pytest.raises(mb.ConnectError, match="token"):
        await bot.reconnect()


async def test_a_motion_does_not_act_on_the_past(
    server: mb.Server, robot: TinyRobot, connect: Connect
) -> None:
    executed: list[int] = []
    server.command("note")(lambda client, n: executed.append(n))
    async with CuttingRelay(server.port) as relay:
        bot = await connect(
            relay.url, settings={"retry_delays": (0.0, 0.02), "motion_max_age": 0.1}
        )
        await bot.ping()
        await relay.refuse()
        relay.cut()
        await until(lambda: bot.reconnecting)
        driving = asyncio.create_task(bot.drive(10, 10))
        bot.send("note", n=1)
        await asyncio.sleep(0.15)
        await relay.listen()
        with pytest.raises(
            mb.CommandExpiredError,
            match=r"a motion is not performed late\. Send it again if it is still wanted",
        ) as caught:
            await driving
        assert caught.value.command == "drive"
        await bot.flush()
        assert executed == [1]
        assert robot.done == []


async def test_a_motion_whose_frame_was_cut_is_sent_as_nothing(
    server: mb.Server, robot: TinyRobot, connect: Connect
) -> None:
    """Its number is used up, so that what follows it is not held up."""
    executed: list[int] = []
    server.command("note")(lambda client, n: executed.append(n))
    async with CuttingRelay(server.port) as relay:
        bot = await connect(
            relay.url, settings={"retry_delays": (0.0, 0.02), "motion_max_age": 0.1}
        )
        await bot.ping()
        relay.hold()
        driving = asyncio.create_task(bot.drive(10, 10))
        bot.send("note", n=1)
        await asyncio.sleep(0.15)
        relay.cut()
        relay.release()
        with pytest.raises(mb.CommandExpiredError):
            await driving
        await bot.flush()
        assert executed == [1]
        assert robot.done == []


async def test_delivery_unknown_when_the_server_forgot_us(serve: Serve, connect: Connect) -> None:
    server = await serve()
    async with CuttingRelay(server.port) as relay:
        bot = await connect(relay.url, settings=LADDER)
        relay.hold()
        asking = asyncio.create_task(bot.send_command("note", n=1))
        bot.send("note", n=2)
        await asyncio.sleep(0)
        await until(lambda: bot.stats.waiting == 2)
        other = await serve()
        relay.target = other.port
        relay.cut()
        relay.release()
        with pytest.raises(
            mb.DeliveryUnknownError,
            match=r"it may or may not have been carried out\. Look at bot\.state",
        ):
            await asking


async def test_rejected_says_code_and_reason(server: mb.Server, bot: mb.Client) -> None:
    @server.command("choosy")
    async def choosy(client: object, n: int) -> int:
        if n > 5:
            raise mb.CommandRejectedError("STATE_CONFLICT", "only up to 5", details={"most": 5})
        return n

    assert (await bot.send_command("choosy", n=3)).value == 3
    with pytest.raises(mb.CommandRejectedError, match="STATE_CONFLICT: only up to 5") as caught:
        await bot.send_command("choosy", n=6)
    assert (caught.value.code, caught.value.command, caught.value.details) == (
        "STATE_CONFLICT",
        "choosy",
        {"most": 5},
    )
    with pytest.raises(
        mb.CommandRejectedError,
        match=r"INVALID_PARAMS: choosy: it takes \(n.*\), and was given \(m\)",
    ):
        await bot.send_command("choosy", m=6)
    with pytest.raises(mb.CommandRejectedError, match="UNSUPPORTED: a tiny robot has no arm"):
        await bot.sort_pieces()
    with pytest.raises(
        mb.CommandRejectedError,
        match="INVALID_COMMAND: there is no command 'nonsense'; this server knows choosy",
    ):
        await bot.send_command("nonsense")
    with pytest.raises(mb.CommandRejectedError, match="INVALID_PARAMS") as caught:
        await bot.drive(1000, 0)
    assert "-100 to 100" in str(caught.value)
    with pytest.raises(mb.CommandRejectedError, match="INVALID_PARAMS"):
        bot.send("set_led", r=1)


async def test_a_failing_handler_shows_no_traceback_to_the_peer(
    server: mb.Server, bot: mb.Client, caplog: pytest.LogCaptureFixture
) -> None:
    @server.command("breaks")
    def breaks(client: object) -> None:
        raise RuntimeError("secret inside")

    @server.command("types")
    async def types(client: object, n: int) -> object:
        return len(n)  # type: ignore[arg-type]

    for name, params in (("breaks", {}), ("types", {"n": 1})):
        with pytest.raises(mb.CommandRejectedError, match="INTERNAL_ERROR") as caught:
            await bot.send_command(name, **params)
        assert "secret" not in str(caught.value)
        assert "the server's log says how" in str(caught.value)
    assert "secret inside" in caplog.text
    assert "RuntimeError" in caplog.text


async def test_answers_that_cannot_be_said_are_refused_and_nothing_breaks(
    server: mb.Server, bot: mb.Client
) -> None:
    around: list[object] = []
    around.append(around)
    deep: object = 1
    for _ in range(50):
        deep = [deep]
    answers = {
        "object": object(),
        "around": around,
        "deep": deep,
        "much": "x" * 2**21,
        "half": "\ud800",
    }
    server.command("say")(lambda client, what: answers[what])
    for what in answers:
        with pytest.raises(mb.CommandRejectedError, match="INTERNAL_ERROR"):
            await bot.send_command("say", what=what)
    answers["numpy"] = {"a": np.float64(1.5), "b": np.arange(3), "c": math.nan, "d": [math.inf]}
    assert (await bot.send_command("say", what="numpy")).value == {
        "a": 1.5,
        "b": [0, 1, 2],
        "d": [None],
    }
    assert bot.stats.connections == 1


async def test_timeout_when_no_answer_comes(server: mb.Server, bot: mb.Client) -> None:
    go = asyncio.Event()
    server.command("slow")(lambda client: go.wait())
    with pytest.raises(
        mb.CommandTimeoutError,
        match=r"slow: no answer came within 0\.\d s. It may still be carried out",
    ) as caught:
        await bot.send_command("slow", timeout=0.1)
    assert isinstance(caught.value, TimeoutError)
    go.set()
    await bot.ping()


async def test_timeout_when_no_connection_comes(server: mb.Server, connect: Connect) -> None:
    async with CuttingRelay(server.port) as relay:
        bot = await connect(relay.url)
        await relay.refuse()
        relay.cut()
        await until(lambda: bot.reconnecting)
        with pytest.raises(
            mb.CommandTimeoutError, match=r"no connection came within 0\.1 s\. It was not sent"
        ):
            await bot.send_command("note", timeout=0.1)
        assert bot.stats.waiting == 0


async def test_the_send_buffer_is_bounded_and_says_how_to_wait(
    server: mb.Server, connect: Connect
) -> None:
    got: list[int] = []
    server.command("note")(lambda client, n, text: got.append(n))
    async with CuttingRelay(server.port) as relay:
        bot = await connect(relay.url, settings=LADDER)
        relay.hold()
        while not bot._session.outbox.is_full:
            bot.send("note", n=bot.stats.waiting, text="x" * 10_000)
        with pytest.raises(
            mb.SendBufferFullError,
            match=r"1\.0 MiB .*`await bot\.drain\(\)` waits until there is room",
        ):
            bot.send("note", n=0, text="")
        sent = bot.stats.waiting
        assert 90 < sent < 120
        waiting = asyncio.create_task(bot.drain())
        relay.release()
        await asyncio.wait_for(waiting, 5)
        bot.send("note", n=sent, text="")
        await bot.flush()
        assert got == list(range(sent + 1))


async def test_without_waiting_a_motion_is_answered_when_it_began(
    server: mb.Server, robot: TinyRobot, bot: mb.Client
) -> None:
    begun = time.monotonic()
    result = await bot.drive(1, 1, wait=False)
    assert time.monotonic() - begun < 0.09, "the acknowledgement is asked for, not waited for"
    assert (result.ended, result.answered) == (None, True)
    assert robot.motion is not None
    await bot.emergency_stop()
    with pytest.raises(mb.CommandRejectedError, match="STOPPED"):
        await bot.drive(1, 1, wait=False)


async def test_a_refused_send_is_told_in_the_log_and_as_an_event(
    server: mb.Server, bot: mb.Client, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[object] = []
    bot.subscribe("command_result", lambda event: told.append(event.data["error"]["code"]))
    bot.send("nonsense")
    bot.send("sort_pieces")
    await bot.flush()
    await until(lambda: told == ["INVALID_COMMAND", "UNSUPPORTED"])
    assert "there is no command 'nonsense'" in caplog.text
    assert "a tiny robot has no arm" in caplog.text


async def test_what_is_no_plain_data_is_refused_before_it_is_sent(
    server: mb.Server, bot: mb.Client
) -> None:
    around: list[object] = []
    around.append(around)
    for value in (object(), around, math.nan, [math.inf], "\ud800", "x" * 2**21, {"a": lambda: 0}):
        with pytest.raises(mb.CommandRejectedError, match="INVALID_PARAMS"):
            bot.send("note", value=value)
        with pytest.raises(mb.CommandRejectedError, match="INVALID_PARAMS"):
            await bot.send_command("note", value=value)
        with pytest.raises(mb.CommandRejectedError, match="INVALID_PARAMS"):
            await asyncio.to_thread(bot.send, "note", value=value)
    assert bot.stats.waiting == 0
    await bot.ping()


async def test_numbers_of_numpy_are_numbers(
    server: mb.Server, robot: TinyRobot, bot: mb.Client
) -> None:
    got: list[object] = []
    server.command("note")(lambda client, value: got.append(value))
    await bot.drive(np.float64(12.5), np.int64(-3), duration=np.float32(0.5), wait=False)  # type: ignore[arg-type]
    await bot.set_led(*np.array([1, 2, 3], dtype=np.uint8))
    bot.send("note", value=np.arange(3))
    await bot.send_command("note", value={"a": [np.int16(4)]})
    server.command("custom")(lambda client, action, value: got.append(value))
    await bot.custom("x", value=np.bool_(True))
    assert got == [[0, 1, 2], {"a": [4]}, True]
    assert (robot.done[0].left, robot.done[0].right) == (12.5, -3)  # type: ignore[attr-defined]
    assert (robot.done[1].r, robot.done[1].b) == (1, 3)  # type: ignore[attr-defined]


@asynccontextmanager
async def baseline_server(received: list[dict[str, object]]) -> AsyncIterator[str]:
    """A published server: no subprotocol, answers nothing, sends full states."""

    async def talk(websocket: ServerConnection) -> None:
        await websocket.send(
            json.dumps(message("state", {"neural_state": {"mode": "Calm"}, "capabilities": {}}))
        )
        async for text in websocket:
            frame = json.loads(text)
            if frame["type"] == "ping":
                await websocket.send(json.dumps(message("pong", frame["payload"])))
            else:
                received.append(frame)

    async with plain_serve(talk, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_server_that_answers_nothing_is_no_trouble_and_the_answer_says_so(
    connect: Connect,
) -> None:
    received: list[dict[str, object]] = []
    async with baseline_server(received) as url:
        bot = await connect(url)
        assert bot.profile == "baseline"
        assert bot.state.neural_state.mode == "Calm"
        result = await bot.drive(10, 10)
        assert result.answered is False
        assert repr(result) == "<drive: sent (no answer)>"
        assert (await bot.set_led(1, 2, 3)).answered is False
        assert (await bot.stop()).answered is False
        for n in range(10):
            bot.send("note", n=n)
        await bot.flush()
        await bot.ping()
        kinds = [frame["type"] for frame in received]
        assert kinds == ["command", "command", "command", "batch"]
        await bot.close()
    assert bot.stats.waiting == 0


async def test_calls_in_flight_when_the_client_closes_are_told(
    server: mb.Server, bot: mb.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    server.command("slow")(lambda client: asyncio.Event().wait())
    waiting = [asyncio.create_task(bot.send_command("slow")) for _ in range(2)]
    await bot.ping()
    await bot.close()
    for outcome in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(outcome, mb.DeliveryUnknownError)


async def test_closing_sends_what_is_queued(server: mb.Server, bot: mb.Client) -> None:
    got: list[int] = []
    server.command("note")(lambda client, n: got.append(n))
    for n in range(7):
        bot.send("note", n=n)
    await bot.close()
    assert got == list(range(7))
    assert server.clients == []


@pytest.mark.may_block("the test holds up the I/O thread")
async def test_from_another_thread_a_full_send_buffer_is_told_to_whoever_sends(
    server: mb.Server, connect: Connect
) -> None:
    got: list[int] = []
    server.command("note")(lambda client, n, text: got.append(n))
    bot = await connect(server, thread=True, settings={"send_buffer": 65_536})
    gate = threading.Event()
    bot.home.post(gate.wait, 10)  # the loop of the client takes nothing over
    sent = 0

    def fill() -> None:
        nonlocal sent
        while sent < 1000:
            bot.send("note", n=sent, text="x" * 1000)
            sent += 1

    try:
        with pytest.raises(
            mb.SendBufferFullError,
            match=r"0\.1 MiB .*`await bot\.drain\(\)` waits until there is room",
        ):
            fill()
        bot.send("stop")  # does not wait in that buffer
    finally:
        gate.set()
    assert 60 <= sent <= 65
    await bot.drain()
    bot.send("note", n=sent, text="")
    await bot.flush()
    assert got == list(range(sent + 1)), "none has vanished"


async def test_a_call_that_nobody_awaits_says_so(
    server: mb.Server, robot: TinyRobot, bot: mb.Client
) -> None:
    forgotten = bot.drive(10, 10)
    assert (
        repr(forgotten) == "<bot.drive(): nothing has happened yet. Write `await` in front of it.>"
    )
    with pytest.raises(
        AttributeError, match="was not awaited, so it has no 'ended': write `await` in front of it"
    ):
        _ = forgotten.ended
    with pytest.warns(RuntimeWarning, match="did nothing: write `await` in front of it"):
        del forgotten
    await bot.ping()
    assert robot.done == []
    for words in ("mb.connect()", "mb.serve()"):
        opening = mb.connect(server) if "connect" in words else mb.serve(port=0)
        assert repr(opening).startswith(f"<{words}: nothing has happened yet")
        with pytest.warns(RuntimeWarning, match="did nothing"):
            del opening


async def test_a_call_is_awaited_once(bot: mb.Client) -> None:
    call = bot.ping()
    await call
    assert "under way" in repr(call)
    with pytest.raises(mb.UsageError, match="was awaited already: call it again"):
        await call


async def test_a_call_can_be_a_task_with_a_name(bot: mb.Client) -> None:
    call = bot.ping()
    task = asyncio.create_task(call)
    assert "bot.ping()" in repr(task)
    await task
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(bot.display_text(str(n))) for n in range(5)]
    assert all(task.result().command == "display_text" for task in tasks)


async def test_two_awaited_motions_follow_one_another(serve: Serve, connect: Connect) -> None:
    robot = mb.SimulatedRobot(seed=1)
    bot = await connect(await serve(robot))
    begun = time.monotonic()
    first = await bot.drive(30, 30, duration=0.2)
    second = await bot.drive(-30, -30, duration=0.2)
    assert (first.ended, second.ended) == ("time", "time")
    assert 0.4 <= time.monotonic() - begun < 1
