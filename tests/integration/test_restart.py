"""The server goes and comes back under a connected client."""

from __future__ import annotations

import asyncio
import logging
import threading
import time

import pytest

import mbot_nb as mb
from mbot_nb.embedded import registry
from mbot_nb.protocol.client.events import ConnectionChanged
from tests.helpers.connections import Connect, Serve
from tests.helpers.tiny_robot import TinyRobot
from tests.helpers.waiting import until


@pytest.mark.timeout(60)
async def test_a_restarted_server_is_found_again_along_the_ladder(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    server = await serve()
    started = asyncio.Event()

    def prepare(server: mb.Server) -> None:
        @server.command("forever")
        async def forever(client: object) -> None:
            started.set()
            await asyncio.Event().wait()

    prepare(server)
    bot = await connect(server.url)
    news: list[object] = []
    told: list[dict[str, object]] = []
    numbers: list[int | None] = []
    rungs: list[float] = []

    def tap(event: object) -> None:
        if isinstance(event, ConnectionChanged) and event.next_attempt_at is not None:
            rungs.append(round(event.next_attempt_at - event.at, 3))

    bot.tap(tap)
    bot.subscribe("news", lambda event: news.append(event.data))
    bot.subscribe("news", lambda event: numbers.append(event.sequence))
    bot.subscribe("connection", lambda event: told.append(event.data))
    for n in range(5):
        bot.send("display_text", text=str(n))
    server.emit("news", "before")
    await bot.flush()
    in_flight = asyncio.create_task(bot.send_command("forever"))
    await asyncio.wait_for(started.wait(), 5)

    caplog.set_level(logging.INFO, "mbot_nb")
    caplog.clear()
    await server.close()
    begun = time.monotonic()
    await until(lambda: bot.reconnecting)
    assert len(told) == 1
    assert told[0] == {
        "state": "reconnecting",
        "previous": "connected",
        "attempt": 0,
        "next_attempt_in": 0.0,
        "reason": "the other side closed the connection (1001: the server was closed)",
        "resumed": None,
    }
    # Attempts at 0, 1 and 3 s fail; 4 s are to come, and the time of the next attempt is known.
    await until(lambda: len(rungs) == 4 and bot.reconnect_attempts == 3)
    assert rungs == [0, 1, 2, 4]
    assert 2.9 < time.monotonic() - begun < 4
    assert bot.next_attempt_at is not None
    assert 3 < bot.next_attempt_at - time.monotonic() <= 4
    assert len([r for r in caplog.records if r.name.startswith("mbot_nb")]) == 1, (
        "the loss is loud once, the attempts are quiet"
    )
    assert "trying again by itself" in caplog.text

    other = TinyRobot()
    other.values["tiny"]["n"] = 42
    again = await serve(other, port=server.port)
    prepare(again)
    await bot.reconnect()
    assert bot.state.tiny.n == 42
    assert told[-1]["state"] == "connected"
    assert told[-1]["resumed"] is False
    with pytest.raises(mb.DeliveryUnknownError, match="may or may not have been carried out"):
        await asyncio.wait_for(in_flight, 5)
    again.emit("news", "after")
    await bot.display_text("new")
    assert bot._session.outbox.next_sequence == 2, "numbers begin at 1"
    await until(lambda: news == ["before", "after"])
    assert numbers == [1, 1]
    await until(lambda: bot.state.tiny.text == "new")


async def test_the_start_cell_run_again_replaces_the_server_and_says_so(
    serve: Serve, connect: Connect, free_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    first = await serve(port=free_port)
    bot = await connect(first)
    told: list[str] = []
    bot.subscribe("connection", lambda event: told.append(event.data["state"]))
    second = await serve(port=free_port)
    assert first.closed
    assert not second.closed
    assert (
        capsys.readouterr().out
        == f"The server that ran at ws://127.0.0.1:{free_port} was replaced by this one.\n"
    )
    await until(lambda: told == ["reconnecting", "connected"])
    await bot.display_text("here")
    assert isinstance(second.robot, TinyRobot)
    assert second.robot.values["tiny"]["text"] == "here"


@pytest.mark.parametrize("host", ["localhost", "0.0.0.0"])
async def test_a_start_cell_that_was_edited_replaces_its_server_too(
    serve: Serve, free_port: int, host: str
) -> None:
    first = await serve(port=free_port)
    second = await serve(port=free_port, host=host, token="secret")
    assert first.closed
    assert not second.closed


@pytest.mark.parametrize("then", [False, True], ids=["to this loop", "to the I/O thread"])
@pytest.mark.parametrize("before", [False, True], ids=["from this loop", "from the I/O thread"])
@pytest.mark.parametrize(
    "client", [False, True], ids=["client on this loop", "client on the I/O thread"]
)
async def test_a_server_moves_from_home_to_home_under_a_connected_client(
    serve: Serve, connect: Connect, free_port: int, before: bool, then: bool, client: bool
) -> None:
    first = await serve(port=free_port, thread=before)
    bot = await connect(first, thread=client, settings={"retry_delays": (0.0, 0.02)})
    working = asyncio.Event()
    ended: list[bool] = []

    @first.command("forever")
    async def forever(client: object) -> None:
        here.call_soon_threadsafe(working.set)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(first.home.is_here)

    here = asyncio.get_running_loop()
    in_flight = asyncio.create_task(bot.send_command("forever"))
    await asyncio.wait_for(working.wait(), 5)
    second = await serve(port=free_port, thread=then)
    assert first.closed
    assert ended == [True], "its handlers were ended, where they ran"
    assert not len(first._connections)
    assert second.home.is_io_thread is then
    with pytest.raises(mb.DeliveryUnknownError):
        await asyncio.wait_for(in_flight, 5)
    await bot.display_text("here")
    assert isinstance(second.robot, TinyRobot)
    assert second.robot.values["tiny"]["text"] == "here"


@pytest.mark.may_block("the loop of the server is blocked, and not this one")
async def test_a_server_whose_loop_is_blocked_is_not_waited_for_for_ever(
    serve: Serve, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "REPLACED_WITHIN", 0.2)
    first = await serve(port=free_port, thread=True)
    over = threading.Event()
    first.home.loop.call_soon_threadsafe(over.wait)
    try:
        with pytest.raises(
            mb.UsageError, match=r"did not end within 0\.2 s.*loop is blocked.*server\.close\(\)"
        ):
            await serve(port=free_port)
    finally:
        over.set()
    await serve(port=free_port)
    assert first.closed


async def test_a_network_s_server_started_again_lets_its_clients_in(
    serve: Serve, connect: Connect, free_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    first = await serve(host="0.0.0.0", port=free_port)
    bot = await connect(first.url, token=first.token, settings={"retry_delays": (0.0, 0.02)})
    second = await serve(host="0.0.0.0", port=free_port)
    assert second.token == first.token
    assert capsys.readouterr().out.count(f'token="{first.token}"') == 2, (
        "it is shown below the cell that runs now, too"
    )
    await asyncio.wait_for(bot.display_text("here"), 5)
    assert isinstance(second.robot, TinyRobot)
    assert second.robot.values["tiny"]["text"] == "here"
    assert (await serve(host="0.0.0.0", port=free_port, token="mine")).token == "mine"
    assert (await serve(host="0.0.0.0", port=free_port)).token not in (first.token, "mine"), (
        "one that was given is not taken over"
    )


async def test_a_robot_has_one_server_at_a_time(serve: Serve, connect: Connect) -> None:
    robot = TinyRobot()
    bot = await connect(await serve(robot))
    heard: list[str] = []
    bot.subscribe("hello", lambda event: heard.append(event.name))
    with pytest.raises(
        mb.UsageError,
        match="tiny is served already, and a robot has one server at a time: connect to that one",
    ):
        await serve(robot)
    robot.report("hello")
    await until(lambda: heard)


async def test_an_empty_token_is_none(serve: Serve) -> None:
    assert (await serve(token="")).token is None
    assert (await serve(host="0.0.0.0", token="")).token


async def test_a_robot_handed_on_to_the_next_server_stays_open(
    serve: Serve, free_port: int
) -> None:
    class Cable(TinyRobot):
        closed = False

        def close(self) -> None:
            self.closed = True

    robot, other = Cable(), Cable()
    await serve(robot, port=free_port)
    second = await serve(robot, port=free_port)
    assert not robot.closed
    seen: list[object] = []
    second.on_message(lambda *args: seen.append(args))
    await serve(other, port=free_port)
    assert robot.closed
    assert not other.closed


async def test_commands_that_were_not_transmitted_go_to_the_new_server(
    serve: Serve, connect: Connect
) -> None:
    server = await serve()
    bot = await connect(server.url, settings={"retry_delays": (0.0, 0.02)})
    await server.close()
    await until(lambda: bot.reconnecting)
    executed: list[int] = []
    for n in range(25):
        bot.send("note", n=n)
    waiting = asyncio.create_task(bot.send_command("note", n=25))
    await asyncio.sleep(0)
    again = await serve(port=server.port)
    again.command("note")(lambda client, n: executed.append(n))
    await asyncio.wait_for(waiting, 5)
    assert executed == list(range(26))


async def test_a_server_that_closes_tells_its_hooks(serve: Serve, connect: Connect) -> None:
    server = await serve()
    gone: list[str] = []
    server.on_disconnect(lambda client, reason: gone.append(reason))
    bot = await connect(server.url)
    await server.close()
    assert len(gone) == 1
    assert "the server was closed" in gone[0]
    await server.close()
    await until(lambda: not bot.connected)


async def test_a_stop_that_could_not_be_sent_raises_also_after_a_reconnect(
    serve: Serve, connect: Connect, free_port: int
) -> None:
    """Its answer never comes, since no connection stood when it was called."""
    server = await serve(port=free_port)
    bot = await connect(server.url, settings={"retry_delays": (0.0, 0.02)})
    await server.close()
    locked = await serve(port=free_port, token="a token of another class")
    await until(lambda: bot.connection_state == "error")
    stop = bot.stop()
    await locked.close()
    await serve(port=free_port)
    await bot.reconnect()
    with pytest.raises(mb.NotConnectedError):
        await asyncio.wait_for(stop, 5)
    assert (await bot.stop()).command == "stop"
