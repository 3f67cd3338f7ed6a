"""A published V2 client: nothing but `websockets` and `json`, no subprotocol."""

from __future__ import annotations

import ast
import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

import mbot_nb as mb
from tests.helpers import peer as peer_module
from tests.helpers.connections import Connect, Serve
from tests.helpers.peer import Peer, batch, command, message, peer
from tests.helpers.tiny_robot import TinyRobot
from tests.helpers.waiting import until


async def change(server: mb.Server, robot: TinyRobot, n: int) -> None:
    """The robot changes, and the server looks at it."""
    robot.values["tiny"]["n"] = n
    server._refresh()


@pytest.mark.parametrize("path", ["", "/", "/ws", "/any/where?with=more"])
async def test_the_full_snapshot_comes_first_on_any_path(server: mb.Server, path: str) -> None:
    async with peer(server.url + path) as one:
        state = await one.snapshot()
        first = one.messages[0]
    assert (first["type"], first["version"]) == ("state", 2)
    assert state["snapshot"] is True
    assert state["revision"] >= 1
    assert state["tiny"] == {"n": 0, "text": ""}
    assert state["latch"] is None
    assert state["metadata"].keys() == {"robotId", "version", "uptime"}
    assert state["metadata"]["robotId"] == "tiny"
    assert not state.keys() & {"epoch", "lastSequence", "firstSequence", "skipped", "reconnected"}


async def test_only_state_event_and_pong_come_and_never_a_batch_a_delta_or_an_error(
    server: mb.Server, robot: TinyRobot
) -> None:
    async with peer(server.url) as one:
        await one.snapshot()
        await one.send(
            command("nonsense"), command("drive", left=1000, right=0), command("sort_pieces")
        )
        await one.websocket.send("{")
        for n in range(30):
            server.emit("news", {"n": n})
        await change(server, robot, 1)
        await one.ping()
        await until(lambda: len(one.of("state")) >= 2)
        assert {frame["type"] for frame in one.frames} == {"state", "event", "pong"}
        assert not any("delta" in one["payload"] for one in one.of("state"))
        assert all("ack" not in one for one in one.messages)
        assert [data["n"] for data in one.events("news")] == list(range(30))


async def test_snapshots_come_at_most_every_100_ms_and_bring_the_latest(
    server: mb.Server, robot: TinyRobot
) -> None:
    async with peer(server.url) as one:
        await one.snapshot()
        for n in range(1, 200):
            await change(server, robot, n)
            await asyncio.sleep(0.002)
        await until(lambda: one.of("state")[-1]["payload"]["tiny"]["n"] == 199)
        states = [
            (time, m["payload"])
            for time, m in zip(one.times, one.messages, strict=True)
            if m["type"] == "state"
        ]
    # The clocks are the reader's: a frame read late makes the next one seem early, so the mean says
    # it, and single gaps roughly.
    gaps = [later[0] - earlier[0] for earlier, later in pairwise(states)]
    assert len(states) >= 4
    assert sum(gaps) / len(gaps) > 0.095
    revisions = [state["revision"] for _, state in states]
    assert revisions == sorted(set(revisions))
    assert all(state["snapshot"] is True and state["leds"] == [[0, 0, 0]] for _, state in states)


async def test_a_batch_of_ten_is_executed_in_order(server: mb.Server) -> None:
    order: list[int] = []

    @server.command("note")
    def note(client: object, n: int) -> None:
        order.append(n)

    async with peer(server.url) as one:
        await one.snapshot()
        await one.send(batch(*[command("note", n=n) for n in range(10)]))
        await one.ping()
    assert order == list(range(10))


async def test_numbers_that_begin_anywhere_are_ordered_from_there(server: mb.Server) -> None:
    order: list[int] = []

    @server.command("note")
    def note(client: object, n: int) -> None:
        order.append(n)

    async with peer(server.url) as one:
        await one.snapshot()
        for number in (123, 125, 124, 125, 7, 126):
            await one.send(command("note", number, n=number))
        await one.ping()
        assert order == [123, 124, 125, 7, 126]
    async with peer(server.url) as two:
        await two.send(command("note", 1, n=1))
        await two.ping()
    assert order[-1] == 1, "the counters live as long as the connection"


async def test_refusals_come_as_the_event_error_and_say_what_to_do(server: mb.Server) -> None:
    async with peer(server.url) as one:
        await one.snapshot()
        await one.send(command("nonsense", id=1))
        await one.send(
            message(
                "command", {"command": "drive", "params": {"left": 101, "right": 0}, "id": "mine"}
            )
        )
        await one.send(command("sort_pieces"))
        errors = await until(lambda: len(one.events("error")) == 3 and one.events("error"))
    assert [error["code"] for error in errors] == [
        "INVALID_COMMAND",
        "INVALID_PARAMS",
        "UNSUPPORTED",
    ]
    assert "nonsense" in errors[0]["message"]
    assert "set_led" in errors[0]["message"]
    assert errors[1]["id"] == "mine"
    assert "-100 to 100" in errors[1]["message"]


async def test_an_answer_is_given_to_whom_asks(server: mb.Server) -> None:
    @server.command("add")
    async def add(client: object, a: int, b: int) -> int:
        await asyncio.sleep(0)
        return a + b

    async with peer(server.url) as one, peer(server.url) as other:
        await one.snapshot()
        await one.send(
            message(
                "command",
                {"command": "add", "params": {"a": 2, "b": 3}, "id": "sum", "reply": True},
            )
        )
        await one.send(
            message("command", {"command": "add", "params": {"a": 2}, "id": 7, "reply": True})
        )
        results = await until(
            lambda: len(one.events("command_result")) == 2 and one.events("command_result")
        )
        await other.ping()
        assert other.events() == []
    assert results[0] == {"id": "sum", "ok": True, "result": 5}
    assert (results[1]["id"], results[1]["ok"], results[1]["error"]["code"]) == (
        7,
        False,
        "INVALID_PARAMS",
    )


async def test_a_ping_comes_back_with_the_server_s_clocks(server: mb.Server) -> None:
    async with peer(server.url) as one:
        await one.snapshot()
        await one.send(message("ping", {"id": 5, "mine": [1, {"deep": None}]}), message("ping", {}))
        full, empty = await until(lambda: len(one.of("pong")) == 2 and one.of("pong"))
        assert full["payload"].pop("server_time") > 1.6e12
        assert full["payload"].pop("server_clock") > 0
        assert full["payload"] == {"id": 5, "mine": [1, {"deep": None}]}
        assert empty["payload"] == {}


async def test_sync_state_brings_a_fresh_snapshot_at_any_time(
    server: mb.Server, robot: TinyRobot
) -> None:
    async with peer(server.url) as one:
        await one.snapshot()
        robot.values["tiny"]["n"] = 77
        await one.send(command("sync_state"))
        await one.ping()
        assert one.of("state")[-1]["payload"]["tiny"]["n"] == 77


async def test_both_profiles_share_a_port_and_see_the_same(
    server: mb.Server, robot: TinyRobot, connect: Connect
) -> None:
    bot = await connect(server.url)
    async with peer(server.url) as plain, peer(server.url, extended=True) as extended:
        await plain.snapshot()
        await extended.snapshot()
        await plain.send(command("display_text", text="hello"))
        await until(
            lambda: (
                len(plain.of("state")) > 1
                and len(extended.of("state")) > 1
                and bot.state.tiny.text == "hello"
            )
        )
        assert plain.of("state")[-1]["payload"]["tiny"] == {"n": 0, "text": "hello"}
        delta = extended.of("state")[-1]["payload"]
        assert (delta["delta"], delta["field"], delta["value"], delta["previous"]) == (
            True,
            "tiny.text",
            "hello",
            "",
        )
        assert {client.profile for client in server.clients} == {"baseline", "extended"}
        assert len(server.clients) == 3


async def test_its_stop_runs_on_arrival_though_it_is_numbered(
    server: mb.Server, robot: TinyRobot
) -> None:
    async with peer(server.url) as one:
        await one.snapshot()
        await one.send(
            command("drive", 1, left=1, right=1),
            command("stop", 2),
            command("drive", 3, left=2, right=2),
        )
        await one.ping()
        assert robot.halts == 1
        assert len(robot.done) == 2, (
            "the drive after the stop is carried out, and the stop's number leaves no hole"
        )
        assert not one.events("error")


async def test_the_robot_stops_when_the_baseline_client_that_moves_it_goes(
    server: mb.Server, robot: TinyRobot
) -> None:
    async with peer(server.url) as other:
        await other.snapshot()
        async with peer(server.url) as one:
            await one.snapshot()
            await one.send(command("drive", left=1, right=1))
            await until(lambda: robot.motion)
        await until(lambda: robot.motion is None)
        await until(lambda: other.events("robot_stopped"))
        assert other.events("robot_stopped") == [{"reason": "its client disconnected"}]


async def test_commands_that_wait_for_a_slow_handler_survive_their_connection(
    serve: Serve, robot: TinyRobot, server: mb.Server
) -> None:
    go = asyncio.Event()
    seen: list[tuple[int, object]] = []

    @server.command("slow")
    async def slow(client: mb.server.RemoteClient, n: int) -> None:
        await go.wait()
        seen.append((n, client))

    async with peer(server.url) as one:
        await one.snapshot()
        await one.send(*[command("slow", n=n) for n in range(3)], command("drive", left=1, right=1))
        await one.ping()
    await until(lambda: not server.clients)
    go.set()
    await until(lambda: len(seen) == 3)
    assert [n for n, _ in seen] == [0, 1, 2]
    assert len({id(client) for _, client in seen}) == 1
    await asyncio.sleep(0)
    assert robot.done == [], "motion of a client that has gone is not begun"


async def test_telemetry_comes_only_while_something_changes_and_is_not_numbered(
    server: mb.Server, robot: TinyRobot
) -> None:
    async with peer(server.url) as one:
        await one.snapshot()
        robot.values["tiny"]["n"] = 5
        await until(lambda: one.events("telemetry"))
        events = [m for m in one.of("event") if m["payload"]["event"] == "telemetry"]
        assert all("sequence" not in event for event in events)
        assert one.events("telemetry")[-1] == {"n": 5}
        server.emit("first")
        server.emit("second")
        await one.ping()
        numbers = [m["sequence"] for m in one.of("event") if m["payload"]["event"] != "telemetry"]
        assert numbers == [1, 2]


def test_the_helper_is_a_plain_client() -> None:
    """What stands for a published client must not lean on this package."""
    helpers = Path(peer_module.__file__).parent
    for path in (Path(peer_module.__file__), helpers / "waiting.py"):
        tree = ast.parse(path.read_text())
        imported = [
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        ]
        imported += [
            "." * node.level + (node.module or "")
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
        ]
        assert "time" in imported
        assert [
            name
            for name in imported
            if name.startswith((".", "mbot_nb", "tests")) and name != ".waiting"
        ] == []
    assert Peer.__module__ == peer_module.__name__
