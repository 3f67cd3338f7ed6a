"""The link of a client: cut on purpose, healed, and tried again."""

from __future__ import annotations

import asyncio

import pytest

import mbot_nb as mb
from tests.helpers.connections import Connect, Serve
from tests.helpers.waiting import until

QUICK = {"retry_delays": (0.0, 0.05, 0.1)}


@pytest.mark.quiet
async def test_it_breaks_at_once_and_heals_with_the_same_session(
    server: mb.Server, connect: Connect
) -> None:
    bot = await connect(server.url, settings=QUICK)
    gone: list[str] = []
    rec = mb.Recorder(bot, ping_rate=0)
    server.on_disconnect(lambda client, reason: gone.append(reason))
    executed: list[int] = []

    @server.command("note")
    def note(client: mb.server.RemoteClient, n: int) -> None:
        executed.append(n)

    bot.send("note", n=1)
    bot.cut(0.12)
    assert not bot.connected
    assert bot.reconnecting
    bot.send("note", n=2)
    await until(lambda: bot.connected)
    await bot.flush()
    assert executed == [1, 2]
    assert len(gone) == 1
    # At once and after 50 ms it was still pulled; the next attempt comes after 100 ms more.
    changes = rec.connection
    planned = changes.dropna(subset="next_attempt_in_s")
    assert planned.attempt.tolist() == [0, 1, 2]
    assert planned.next_attempt_in_s.tolist() == pytest.approx([0, 0.05, 0.1])
    assert "pulled" in changes.reason[0]
    assert changes.state.iloc[-1] == "connected"
    assert changes.resumed.iloc[-1]


async def test_cutting_again_while_it_is_away_only_keeps_it_away(
    server: mb.Server, connect: Connect
) -> None:
    bot = await connect(server.url, settings=QUICK)
    bot.cut(0.02)
    bot.cut(0.02)
    await until(lambda: bot.connected)
    assert (await bot.set_led(1, 2, 3)).answered


async def test_what_cannot_be_cut(bot: mb.Client) -> None:
    for seconds in (-1.0, float("inf"), float("nan")):
        with pytest.raises(mb.UsageError, match="seconds"):
            bot.cut(seconds)
    assert bot.connected
    await bot.close()
    with pytest.raises(mb.NotConnectedError, match=r"mb\.connect"):
        bot.cut()


async def test_retry_keeps_trying_until_the_server_appears(
    serve: Serve, connect: Connect, free_port: int
) -> None:
    waiting = asyncio.ensure_future(
        connect(f"ws://127.0.0.1:{free_port}", retry=True, settings={"retry_delays": (0.0, 0.05)})
    )
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await serve(port=free_port)
    bot = await asyncio.wait_for(waiting, 5)
    assert bot.connected


async def test_retry_can_be_cancelled(free_port: int) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(mb.connect(f":{free_port}", retry=True), 0.2)
