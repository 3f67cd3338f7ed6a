"""A hand-written client of the extended profile: sessions, deltas, acknowledgements, resume and
takeover by hand."""

from __future__ import annotations

import asyncio
import time

import pytest

import mbot_nb as mb
from tests.helpers.connections import Serve
from tests.helpers.peer import Peer, batch, command, message, peer
from tests.helpers.tiny_robot import TinyRobot
from tests.helpers.waiting import until

SESSION = "0123456789abcdef0123456789abcdef"


def note(server: mb.Server) -> list[int]:
    order: list[int] = []

    @server.command("note")
    def note(client: object, n: int) -> None:
        order.append(n)

    return order


def drop(one: Peer) -> None:
    """Cut the line, without a goodbye."""
    one.websocket.transport.abort()


async def gone(server: mb.Server, count: int = 0) -> None:
    await until(lambda: len(server.clients) == count)


async def test_the_snapshot_says_where_the_session_stands(server: mb.Server) -> None:
    async with peer(server.url, extended=True, session=SESSION, epoch="", last=0, attempt=1) as one:
        assert one.websocket.subprotocol == "mbot.v2"
        state = await one.snapshot()
    assert state["snapshot"] is True
    assert state["reconnected"] is False
    assert state["lastSequence"] == 0
    assert state["firstSequence"] == 1
    assert state["skipped"] == []
    assert len(state["epoch"]) >= 16
    assert SESSION not in str(state)


async def test_each_change_is_one_delta_with_the_value_before(
    server: mb.Server, robot: TinyRobot
) -> None:
    async with peer(server.url, extended=True) as one:
        state = await one.snapshot()
        await one.send(command("display_text", text="a"), command("set_led", r=1, g=2, b=3))
        await one.ping()
        robot.values["tiny"] = {"n": 9}
        robot.values["more"] = {"x": 1}
        server._refresh()
        deltas = await until(
            lambda: len(one.of("state")) >= 4 and [m["payload"] for m in one.of("state")[1:]]
        )
    revision = state["revision"]
    assert deltas[0] == {
        "delta": True,
        "field": "tiny.text",
        "value": "a",
        "previous": "",
        "revision": revision + 1,
    }
    assert deltas[1]["field"] == "leds"
    assert deltas[1]["revision"] == revision + 2
    together = sorted(deltas[2]["changes"], key=lambda change: change["field"])
    assert together == [
        {"field": "more", "value": {"x": 1}},
        {"field": "tiny.n", "value": 9, "previous": 0},
        {"field": "tiny.text", "previous": "a"},
    ]
    assert all("sequence" not in m for m in one.of("state"))


async def test_an_acknowledgement_comes_within_a_tenth_of_a_second(server: mb.Server) -> None:
    note(server)
    async with peer(server.url, extended=True, session=SESSION, last=0, attempt=1) as one:
        await one.snapshot()
        begun = time.monotonic()
        await one.send(batch(*[command("note", n, n=n) for n in range(1, 11)]))
        ack = await until(lambda: next((m for m in one.messages if m.get("ack")), None))
        assert time.monotonic() - begun < 0.1 + 0.1
        assert (ack["type"], ack["payload"], ack["ack"]) == ("pong", {}, 10)
        await one.send(command("note", 11, n=11))
        pong = await one.ping()
        assert pong
        assert one.of("pong")[-1]["ack"] == 11, "it rides on whatever goes out"


async def test_numbers_are_ordered_duplicates_dropped_and_holes_reported(serve: Serve) -> None:
    server = await serve(settings={"reorder_wait": 0.2})
    order = note(server)
    async with peer(server.url, extended=True, session=SESSION, attempt=1) as one:
        await one.snapshot()
        for number in (1, 3, 2, 2, 1, 4):
            await one.send(command("note", number, n=number))
        await one.ping()
        assert order == [1, 2, 3, 4]
        await one.send(command("note", 7, n=7))
        error = await until(lambda: one.of("error"))
        assert error[0]["payload"]["code"] == "SEQUENCE_GAP"
        assert error[0]["payload"]["details"] == {"expected": 5, "got": 7}
        assert order == [1, 2, 3, 4, 7]
        await one.send(command("note", 5, n=5))
        await one.ping()
        assert order == [1, 2, 3, 4, 7]
        drop(one)
    await gone(server)
    async with peer(
        server.url,
        extended=True,
        session=SESSION,
        epoch=(one.messages[0]["payload"]["epoch"]),
        attempt=2,
    ) as two:
        assert (await two.snapshot())["skipped"] == [[5, 6]]


async def test_a_numbered_command_that_fails_is_always_answered_and_moves_the_cursor(
    server: mb.Server,
) -> None:
    async with peer(server.url, extended=True, session=SESSION, attempt=1) as one:
        await one.snapshot()
        bad = command("note", 3, x="NaN")
        bad["payload"]["params"]["x"] = float("nan")
        await one.send(
            command("nonsense", 1),
            command("drive", 2, left="fast", right=0),
            bad,
            command("sort_pieces", 4),
        )
        results = await until(
            lambda: len(one.events("command_result")) == 4 and one.events("command_result")
        )
        assert [result["sequence"] for result in results] == [1, 2, 3, 4]
        assert [result["error"]["code"] for result in results] == [
            "INVALID_COMMAND",
            "INVALID_PARAMS",
            "INVALID_MESSAGE",
            "UNSUPPORTED",
        ]
        assert not any(result["ok"] for result in results)
        await one.send(command("nonsense"))
        error = await until(lambda: one.of("error"))
        assert error[0]["payload"]["code"] == "INVALID_COMMAND"


async def test_resume_by_hand_loses_and_doubles_nothing(server: mb.Server) -> None:
    order = note(server)
    async with peer(server.url, extended=True, session=SESSION, epoch="", last=0, attempt=1) as one:
        epoch = (await one.snapshot())["epoch"]
        server.emit("news", 1)
        server.emit("news", 2)
        await one.send(*[command("note", n, n=n) for n in (1, 2, 3)])
        await one.ping()
        assert one.events("news") == [1, 2]
        drop(one)
    await gone(server)
    server.emit("news", 3)
    async with peer(
        server.url, extended=True, session=SESSION, epoch=epoch, last=1, attempt=2
    ) as two:
        state = await two.snapshot()
        assert (
            state["reconnected"],
            state["epoch"],
            state["lastSequence"],
            state["firstSequence"],
        ) == (True, epoch, 3, 1)
        await two.send(*[command("note", n, n=n) for n in (2, 3, 4)])
        await two.ping()
        events = [(m["sequence"], m["payload"]["data"]) for m in two.of("event")]
        assert events == [(2, 2), (3, 3)]
    assert order == [1, 2, 3, 4]


@pytest.mark.parametrize("last", [99, 3])
async def test_a_stranger_begins_anew(server: mb.Server, last: int) -> None:
    """Another epoch, or events that were never sent: both counters start at 1."""
    async with peer(server.url, extended=True, session=SESSION, attempt=1) as one:
        epoch = (await one.snapshot())["epoch"]
        server.emit("news", 1)
        await one.send(command("sync_state", 1))
        await one.ping()
        drop(one)
    await gone(server)
    if last == 3:
        epoch, last = "another", 1
    async with peer(
        server.url, extended=True, session=SESSION, epoch=epoch, last=last, attempt=2
    ) as two:
        state = await two.snapshot()
        assert (state["reconnected"], state["lastSequence"], state["firstSequence"]) == (
            False,
            0,
            1,
        )
        assert state["epoch"] != epoch
        await two.ping()
        assert two.events() == []


async def test_a_goodbye_ends_the_session_and_so_does_time(serve: Serve) -> None:
    server = await serve(settings={"session_ttl": 0.1})
    for clean in (True, False):
        async with peer(server.url, extended=True, session=SESSION, attempt=1) as one:
            epoch = (await one.snapshot())["epoch"]
            if not clean:
                drop(one)
        await gone(server)
        if not clean:
            await until(lambda: not server._clients)
        async with peer(server.url, extended=True, session=SESSION, epoch=epoch, attempt=2) as two:
            assert (await two.snapshot())["reconnected"] is False


async def test_a_higher_attempt_takes_over_and_a_lower_one_is_refused(
    server: mb.Server, robot: TinyRobot
) -> None:
    hooks: list[str] = []
    server.on_connect(lambda client: hooks.append("connect"))
    server.on_disconnect(lambda client, reason: hooks.append("disconnect"))
    order = note(server)
    async with peer(server.url, extended=True, session=SESSION, attempt=5) as old:
        epoch = (await old.snapshot())["epoch"]
        await old.send(command("note", 1, n=1), command("drive", 2, left=1, right=1))
        await old.ping()
        assert robot.motion is not None
        async with peer(
            server.url, extended=True, session=SESSION, epoch=epoch, last=0, attempt=6
        ) as new:
            state = await new.snapshot()
            assert (await old.closed())[0] == 4409
            assert (state["reconnected"], state["lastSequence"]) == (True, 2)
            assert robot.halts == 1, "takeover stops motion once"
            for attempt in (6, 3):
                async with peer(
                    server.url, extended=True, session=SESSION, epoch=epoch, attempt=attempt
                ) as late:
                    code, reason = await late.closed()
                    assert code == 4409
                    assert "newer" in reason
                    assert late.messages == []
            await new.send(command("note", 3, n=3))
            await new.ping()
            assert len(server.clients) == 1
    await gone(server)
    assert order == [1, 3]
    assert hooks == ["connect", "disconnect"], "a connection that is taken over is no disconnect"


async def test_events_that_can_not_be_replayed_are_told_by_the_first_number(serve: Serve) -> None:
    server = await serve(settings={"replay_messages": 10})
    async with peer(server.url, extended=True, session=SESSION, attempt=1) as one:
        epoch = (await one.snapshot())["epoch"]
        drop(one)
    await gone(server)
    for n in range(1, 31):
        server.emit("news", n)
    async with peer(
        server.url, extended=True, session=SESSION, epoch=epoch, last=0, attempt=2
    ) as two:
        assert (await two.snapshot())["firstSequence"] == 21
        await until(lambda: two.events("news") == list(range(21, 31)))
        assert {frame["type"] for frame in two.frames} == {"state", "batch"}
        assert all(len(f["payload"]["messages"]) <= 10 for f in two.frames if f["type"] == "batch")


async def test_an_urgent_command_sent_again_after_a_cut_is_answered_and_not_run_again(
    server: mb.Server, robot: TinyRobot
) -> None:
    stop = message("command", {"command": "emergency_stop", "params": {}, "id": "u-1", "after": 0})
    async with peer(server.url, extended=True, session=SESSION, attempt=1) as one:
        epoch = (await one.snapshot())["epoch"]
        await one.send(
            stop, stop
        )  # on one connection nothing is sent again: who repeats itself means it
        await until(lambda: len(one.events("command_result")) == 2)
        assert robot.halts == 2
        drop(one)
    await gone(server)
    async with peer(
        server.url, extended=True, session=SESSION, epoch=epoch, last=0, attempt=2
    ) as two:
        await two.send(stop)
        await until(lambda: len(two.events("command_result")) == 3)
        results = two.events("command_result")
    assert robot.halts == 2
    assert results[1] == results[2] == {"id": "u-1", "ok": True, "result": {"latch": robot.latch}}


async def test_motion_that_a_stop_overtook_is_refused(server: mb.Server, robot: TinyRobot) -> None:
    async with peer(server.url, extended=True, session=SESSION, attempt=1) as one:
        await one.snapshot()
        await one.send(message("command", {"command": "stop", "params": {}, "id": "s", "after": 2}))
        await one.send(*[command("drive", n, left=1, right=1) for n in (1, 2, 3)])
        results = await until(
            lambda: len(one.events("command_result")) == 3 and one.events("command_result")
        )
    assert [(r.get("sequence"), r["ok"], r.get("error", {}).get("code")) for r in results] == [
        (None, True, None),
        (1, False, "STOPPED"),
        (2, False, "STOPPED"),
    ]
    assert len(robot.done) == 1


async def test_motion_that_is_too_old_is_refused(server: mb.Server, robot: TinyRobot) -> None:
    async with peer(server.url, extended=True, session=SESSION, attempt=1) as one:
        await one.snapshot()
        clock = (await one.ping())["server_clock"]
        late, soon = command("drive", 1, left=1, right=1), command("drive", 2, left=2, right=2)
        late["payload"]["expires"], soon["payload"]["expires"] = clock - 1, clock + 5000
        await one.send(late, soon)
        results = await until(lambda: one.events("command_result"))
        await until(lambda: robot.done)
    assert results[0]["error"]["code"] == "EXPIRED"
    assert len(robot.done) == 1


async def test_an_awaited_motion_is_answered_when_it_ends_and_says_how(
    server: mb.Server, robot: TinyRobot
) -> None:
    async with peer(server.url, extended=True, session=SESSION, attempt=1) as one:
        await one.snapshot()
        for n in (1, 2, 3):
            one_drive = command("drive", n, left=n, right=n)
            one_drive["payload"]["reply"] = True
            await one.send(one_drive)
        await one.ping()
        assert [r["result"] for r in one.events("command_result")] == [
            {"ended": "replaced"},
            {"ended": "replaced"},
        ]
        assert robot.motion is not None
        await asyncio.to_thread(robot.motion.end, "time")
        results = await until(
            lambda: len(one.events("command_result")) == 3 and one.events("command_result")
        )
    assert results[2] == {"sequence": 3, "ok": True, "result": {"ended": "time"}}


async def test_without_a_session_the_extended_profile_works_too(server: mb.Server) -> None:
    order = note(server)
    async with (
        peer(server.url, extended=True) as one,
        peer(server.url, extended=True, session="short") as two,
    ):
        for each in (one, two):
            assert (await each.snapshot())["reconnected"] is False
            await each.send(command("note", 1, n=1))
            await each.ping()
    assert order == [1, 1]
