"""Cut connections: whatever is cut, wherever, each command is executed once and in order
(I-WS-V2-002)."""

from __future__ import annotations

import asyncio
import random
import time
from functools import partial

import pytest

import mbot_nb as mb
from tests.helpers.connections import Connect, Serve
from tests.helpers.cutting_relay import CuttingRelay
from tests.helpers.waiting import until

QUICK = {"retry_delays": (0.0, 0.01, 0.02)}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", [1, 2])
async def test_two_hundred_cuts_while_twenty_thousand_commands_flow(
    server: mb.Server, seed: int
) -> None:
    """The cuts fall anywhere: in a handshake, a snapshot, a frame, between two frames, in a
    resend."""
    chance = random.Random(seed)
    count, cuts = 20_000, 200
    executed: list[int] = []
    back: list[int] = []

    @server.command("note")
    def note(client: mb.server.RemoteClient, n: int) -> None:
        executed.append(n)
        if n % 100 == 0:
            server.emit("hundred", n)

    async with CuttingRelay(server.port) as relay:

        def next_cut() -> None:
            # Less than what a hundred commands weigh, so that there is a cut for every hundred.
            relay.budget = chance.randrange(1, 8000) if relay.cuts < cuts else None

        relay.on_cut = next_cut
        bot = await mb.connect(
            relay.url,
            settings={**QUICK, "max_batch_size": chance.choice([7, 10])},
            batch_window=0.005,
        )
        bot.subscribe("hundred", lambda event: back.append(event.data))
        bot.subscribe("hundred", lambda event: numbers.append(event.sequence or 0))
        numbers: list[int] = []

        def enough(wanted: int) -> bool:
            return relay.cuts >= wanted

        next_cut()
        for n in range(count):
            if n % 100 == 0:
                await until(partial(enough, n // 100), seconds=20)
            bot.send("note", n=n)
            if chance.random() < 0.05:
                await asyncio.sleep(0)
        await asyncio.wait_for(bot.flush(), 20)
        await until(lambda: len(back) == count // 100)
        assert relay.cuts == cuts
        assert bot.stats.connections > cuts // 2
        await bot.close()
    assert executed == list(range(count))
    assert back == list(range(0, count, 100))
    assert numbers == list(range(1, count // 100 + 1))
    assert bot.stats.gaps == 0
    assert bot.stats.waiting == 0


async def test_cuts_while_every_answer_is_awaited(server: mb.Server, connect: Connect) -> None:
    chance = random.Random(3)
    executed: list[int] = []

    @server.command("double")
    async def double(client: object, n: int) -> int:
        await asyncio.sleep(0)
        executed.append(n)
        return 2 * n

    async with CuttingRelay(server.port) as relay:
        bot = await connect(relay.url, settings=QUICK)

        def next_cut() -> None:
            relay.budget = chance.randrange(1, 4000)

        relay.on_cut = next_cut
        next_cut()
        results = await asyncio.gather(
            *[bot.send_command("double", timeout=20, n=n) for n in range(200)]
        )
        assert [result.value for result in results] == [2 * n for n in range(200)]
        for n in range(200, 250):
            assert (await bot.send_command("double", n=n)).value == 2 * n
        relay.budget = None
        assert relay.cuts > 10
        await bot.close()
    assert executed == list(range(250))


async def test_the_state_is_the_robot_s_after_every_cut(serve: Serve, connect: Connect) -> None:
    """I-WS-V2-001, field by field, however many changes were missed."""
    server = await serve()
    chance = random.Random(4)
    async with CuttingRelay(server.port) as relay:
        bot = await connect(relay.url, settings=QUICK)
        for n in range(60):
            if chance.random() < 0.5:
                relay.cut()
            server.robot.values["tiny"] = {  # type: ignore[attr-defined]
                "n": n,
                f"field{chance.randrange(3)}": [n, None, {"deep": chance.random()}],
            }
            server._refresh()
            await asyncio.sleep(0)
            if n % 10 == 9:
                await until(lambda: bot.connected and bot.revision == server.revision)
                assert bot.state.to_dict() == {**server.robot.state(), "latch": None}
        assert bot.stats.connections > 5


@pytest.mark.timeout(60)
async def test_a_cut_heals_along_the_default_ladder(server: mb.Server, connect: Connect) -> None:
    executed: list[int] = []
    server.command("note")(lambda client, n: executed.append(n))
    async with CuttingRelay(server.port) as relay:
        bot = await connect(relay.url)
        await relay.refuse()
        relay.cut()
        begun = time.monotonic()
        await until(lambda: bot.reconnecting)
        for n in range(25):
            bot.send("note", n=n)
        await until(lambda: bot.reconnect_attempts == 1 and bot.next_attempt_at is not None)
        assert bot.next_attempt_at is not None
        assert 0.9 < bot.next_attempt_at - begun < 1.5
        await relay.listen()
        await until(lambda: bot.connected)
        assert 0.9 < time.monotonic() - begun < 1.7
        await bot.flush()
        assert executed == list(range(25))
        assert bot.reconnect_attempts == 0
        assert bot.next_attempt_at is None


async def test_a_dead_line_is_found_by_its_silence(serve: Serve, connect: Connect) -> None:
    """Nothing is cut, nothing comes any more: the ping's limit finds out, and the session goes
    on."""
    executed: list[int] = []
    server = await serve()
    server.command("note")(lambda client, n: executed.append(n))
    reasons: list[str] = []
    async with CuttingRelay(server.port) as relay:
        bot = await connect(
            relay.url, settings={**QUICK, "ping_interval": 0.1, "pong_timeout": 0.2, "stall": 5.0}
        )
        bot.subscribe("connection", lambda event: reasons.append(event.data["reason"]))
        relay.hold()
        bot.send("note", n=1)
        await until(lambda: bot.reconnecting)
        assert "did not answer a ping within 0.2 s" in reasons[0]
        relay.release()
        await until(lambda: bot.connected)
        await bot.flush()
    assert executed == [1]


async def test_reconnect_brings_a_fresh_snapshot_and_keeps_the_session(
    server: mb.Server, bot: mb.Client
) -> None:
    server.emit("one")
    told: list[str] = []
    bot.subscribe("connection", lambda event: told.append(event.data["state"]))
    connections = bot.stats.connections
    await bot.reconnect()
    assert bot.connected
    assert bot.stats.connections == connections + 1
    assert told == ["reconnecting", "connected"]
    await asyncio.gather(bot.reconnect(), bot.reconnect(), bot.reconnect())
    assert bot.connected
    assert len(server.clients) == 1
    await bot.ping()


async def test_reconnect_ends_a_wait_and_closing_ends_a_reconnect(
    server: mb.Server, connect: Connect
) -> None:
    async with CuttingRelay(server.port) as relay:
        bot = await connect(relay.url, settings={"retry_delays": (60.0,)})
        await relay.refuse()
        relay.cut()
        await until(lambda: bot.next_attempt_at is not None)
        assert bot.next_attempt_at is not None
        assert bot.next_attempt_at - time.monotonic() > 50
        assert "in 60 s" in repr(bot) or "in 59 s" in repr(bot)
        await relay.listen()
        await bot.reconnect()
        assert bot.connected
        await relay.refuse()
        relay.cut()
        await until(lambda: bot.reconnecting)
        waiting = asyncio.create_task(bot.reconnect())
        await asyncio.sleep(0)
        await bot.close()
        with pytest.raises(mb.NotConnectedError, match="closed"):
            await asyncio.wait_for(waiting, 5)
