"""The connection panel: robots found, connected to, lost and found again, and what is said of
them."""

from __future__ import annotations

import asyncio
import logging
import os
import select
import sys
import time
from types import SimpleNamespace

import pytest

import mbot_nb as mb
from mbot_nb.embedded.discovery import Candidate, Discovery
from mbot_nb.embedded.registry import local_servers
from mbot_nb.widgets import ConnectPanel
from tests.helpers.tiny_robot import TinyRobot
from tests.helpers.waiting import until
from tests.helpers.widget_page import Page, latest, statuses


async def test_without_a_robot_it_makes_one_and_ends_it(page: Page) -> None:
    met: list[mb.Client] = []
    async with mb.serve(port=0) as server:
        panel = ConnectPanel(on_connect=met.append)
        assert panel.bot is None
        page.send(panel, kind="show", view="a")
        assert latest(page, panel, "connection") == "not connected"
        page.send(panel, kind="stop")
        assert "not connected" in statuses(page, panel)[-1]
        page.send(panel, kind="connect", address=server.url, window=0.25)
        await until(lambda: latest(page, panel, "connection") == "connected")
        await until(lambda: met == [panel.bot])
        bot = panel.bot
        assert bot is not None
        assert bot.settings.batch_window == 0.25
        assert latest(page, panel, "profile") == "extended"
        page.send(panel, kind="disconnect")
        await until(
            lambda: panel.bot is None and latest(page, panel, "connection") == "not connected"
        )
        await until(lambda: latest(page, panel, "doing") is None)
        assert bot.closed
        page.send(panel, kind="connect", address=server.url)
        await until(lambda: latest(page, panel, "connection") == "connected")
        assert panel.bot is not bot
        await met[-1].close()
        panel.close()


@pytest.mark.parametrize(
    ("version", "reach"), [((6, 31, 0), "direct_awaits"), ((7, 4, 0), "awaits")]
)
async def test_what_a_stop_reaches_is_told_of_the_robot_that_was_connected_by_clicking(
    page: Page, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], reach: str
) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace(version_info=version))
    async with mb.serve(port=0) as server:
        panel = ConnectPanel()
        page.send(panel, kind="show", view="a")
        assert latest(page, panel, "stop_availability") == "nobody", "there is no robot to stop"
        page.send(panel, kind="connect", address=server.url)
        await until(lambda: latest(page, panel, "connection") == "connected")
        assert latest(page, panel, "stop_availability") == reach
        page.send(panel, kind="disconnect")
        await until(lambda: latest(page, panel, "stop_availability") == "nobody")
        panel.close()
        async with mb.connect(server) as bot:
            assert ConnectPanel(bot).snapshot["stop_availability"] == "unknown", (
                "no message of a page has come yet"
            )


async def test_why_it_failed_and_what_to_do(page: Page) -> None:
    panel = ConnectPanel()
    page.send(panel, kind="show", view="a")
    page.send(panel, kind="connect", address="127.0.0.1:1")
    await until(lambda: latest(page, panel, "trouble"))
    assert latest(page, panel, "trouble") == (
        "No connection to ws://127.0.0.1:1: nothing listens there (connection refused). Start a "
        "server there first "
        "(`server = await mb.serve()`), check the port, or choose the simulator."
    )
    page.send(panel, kind="connect", address="no address")
    await until(lambda: "An address looks like" in latest(page, panel, "trouble"))
    assert panel.bot is None
    panel.close()


async def test_what_it_advises_can_be_done_in_it(page: Page) -> None:
    async with mb.serve(port=0, token="secret") as server:
        panel = ConnectPanel()
        page.send(panel, kind="show", view="a")
        page.send(panel, kind="connect", address=server.url, token="wrong")
        await until(lambda: latest(page, panel, "trouble"))
        assert latest(page, panel, "trouble").endswith(
            "(4401: this token is not the server's). "
            'Open "Token and batching", type the token that the server was started with, and press '
            "Connect."
        )
        page.send(panel, kind="connect", address=server.url, token="secret")
        await until(lambda: latest(page, panel, "connection") == "connected")
        assert statuses(page, panel)[-1].startswith("Connected. In cells it is panel.bot, or:")
        page.send(panel, kind="disconnect")
        await until(lambda: panel.bot is None)
        panel.close()


async def test_an_attempt_can_be_cancelled(page: Page) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as mute:
        port = mute.sockets[0].getsockname()[1]
        panel = ConnectPanel()
        page.send(panel, kind="show", view="a")
        page.send(panel, kind="connect", address=f"127.0.0.1:{port}")
        await until(lambda: latest(page, panel, "doing"))
        assert f"127.0.0.1:{port}" in latest(page, panel, "doing")["words"]
        page.send(panel, kind="cancel")
        await until(lambda: statuses(page, panel)[-1:] == ["Cancelled."])
        await until(lambda: latest(page, panel, "doing") is None)
        panel.close()


async def test_the_countdown_and_retry_now(page: Page) -> None:
    server = await mb.serve(port=0)
    bot = await mb.connect(server, settings={"retry_delays": [0.0, 8.0]})
    panel = ConnectPanel(bot)
    page.send(panel, kind="show", view="a")
    port = server.port
    await server.close()
    await until(lambda: (latest(page, panel, "wait") or 0) > 5)
    assert latest(page, panel, "attempt") >= 2
    assert "refused" in latest(page, panel, "trouble")
    assert "keeps trying" in latest(page, panel, "trouble")
    assert "retry=True" not in str(bot.connection_error) + latest(page, panel, "trouble"), (
        "it does already"
    )
    page.send(panel, kind="retry")
    await until(lambda: panel._work is not None and panel._work.done())
    assert bot.reconnecting, "it failed once more, and the countdown goes on"
    async with mb.serve(port=port):
        page.send(panel, kind="retry")
        await until(lambda: latest(page, panel, "connection") == "connected")
        assert panel.bot is bot
        await bot.close()
    panel.close()


async def test_what_is_there_is_offered(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    port = Candidate("port", "mBot2 (firmware 44)", "/dev/ttyUSB0", "CH340", "", "")
    taken = Candidate(
        "port", "", "/dev/ttyUSB1", "CH340", "somebody else has it: close that program", ""
    )
    server = Candidate("server", "Robo", "ws://127.0.0.1:4000", "", "", "")
    simulator = Candidate("simulator", "simulated mBot2", "", "", "", "")
    found = Discovery([simulator, port, taken, server], 0.1)
    monkeypatch.setattr("mbot_nb.widgets.panels.connect.discover", lambda ended: found)
    panel = ConnectPanel()
    page.send(panel, kind="show", view="a")
    page.send(panel, kind="discover")
    await until(lambda: latest(page, panel, "choices"))
    first, second, third = latest(page, panel, "choices")
    assert first == {
        "address": "usb:/dev/ttyUSB0",
        "words": "mBot2 (firmware 44), USB /dev/ttyUSB0",
        "usable": True,
    }
    assert not second["usable"]
    assert "close that program" in second["words"]
    assert third["address"] == "ws://127.0.0.1:4000"
    assert statuses(page, panel)[-1] == "2 to connect to, beside the simulator."
    panel.close()


@pytest.mark.parametrize("first", ["discover", "connect"])
async def test_what_is_cancelled_lets_go_of_the_port_before_the_next_one_takes_it(
    page: Page, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    master, slave = os.openpty()
    os.set_blocking(master, False)
    port = os.ttyname(slave)
    monkeypatch.setattr(
        "mbot_nb.embedded.discovery.candidates",
        lambda every_port=False: [Candidate("port", "", port, "CH340", "", "")],
    )
    monkeypatch.setattr("mbot_nb.embedded.usb.candidates", list)
    panel = ConnectPanel()
    page.send(panel, kind="show", view="a")
    page.send(panel, kind=first, address=f"usb:{port}")

    def asked() -> bool:
        return bool(select.select([master], [], [], 0)[0])

    await until(asked)
    page.send(panel, kind="cancel")
    await until(lambda: statuses(page, panel)[-1:] == ["Cancelled."])
    monkeypatch.setattr("mbot_nb.embedded.usb.TIMEOUT", 0.2)
    page.send(panel, kind="connect", address=f"usb:{port}")
    await until(lambda: latest(page, panel, "trouble"))
    assert "nobody answered" in latest(page, panel, "trouble"), (
        "and not that another program has it"
    )
    panel.close()
    os.close(master)
    os.close(slave)


async def test_the_simulator_is_one_whatever_else_this_notebook_serves(page: Page) -> None:
    """And only what connects another day is remembered: no address that goes with this notebook."""
    real = TinyRobot()
    real.port = "/dev/ttyUSB7"
    async with mb.serve(real, port=0) as server:
        panel = ConnectPanel()
        page.send(panel, kind="show", view="a")
        (own,) = latest(page, panel, "choices")
        assert own == {
            "address": server.url,
            "words": f"{real.robot_id}, USB /dev/ttyUSB7, in this notebook",
            "usable": True,
        }
        urls = []
        for address in ("", server.url, ""):
            page.send(panel, kind="connect", address=address)
            await until(lambda: latest(page, panel, "connection") == "connected")
            assert panel.bot is not None
            urls.append(panel.bot.url)
            assert latest(page, panel, "lasting") == ("usb:/dev/ttyUSB7" if address else "")
            page.send(panel, kind="disconnect")
            await until(lambda: latest(page, panel, "connection") == "not connected")
            await until(lambda: latest(page, panel, "doing") is None)
        assert urls[1] == server.url
        assert urls[0] == urls[2] != server.url, "one is started, and found again"
        started = next(one for one in local_servers().running() if one.url == urls[0])
        assert isinstance(started.robot, mb.SimulatedRobot)
        await started.close()
        panel.close()


async def test_who_has_given_up_counts_no_attempts(page: Page) -> None:
    server = await mb.serve(port=0)
    bot = await mb.connect(server, settings={"retry_delays": [0.0, 0.1]})
    panel = ConnectPanel(bot)
    page.send(panel, kind="show", view="a")
    port = server.port
    await server.close()
    async with mb.serve(port=port, token="secret"):
        await until(lambda: latest(page, panel, "connection") == "error")
        await until(lambda: latest(page, panel, "attempt") is None)
        assert 'wants a token. Press Disconnect, open "Token and batching", type' in latest(
            page, panel, "trouble"
        )
        await bot.close()
    panel.close()


async def test_a_handler_that_fails_is_told_in_the_panel(
    page: Page, caplog: pytest.LogCaptureFixture
) -> None:
    async def then(bot: mb.Client) -> None:
        raise KeyError("left")

    async with mb.serve(port=0) as server:
        panel = ConnectPanel(on_connect=then)
        page.send(panel, kind="connect", address=server.url)
        await until(lambda: any("KeyError: 'left'" in words for words in statuses(page, panel)))
        assert panel.bot is not None
        await panel.bot.close()
        panel.close()
    assert [record for record in caplog.records if record.levelno > logging.WARNING] == []


def test_it_works_where_no_loop_runs(page: Page) -> None:
    panel = ConnectPanel()
    with mb.sync.serve(port=0) as server:
        page.send(panel, kind="connect", address=server.url)
        deadline = time.monotonic() + 5
        while panel.bot is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert panel.bot.home.is_io_thread
        page.send(panel, kind="disconnect")
        while panel.bot is not None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    panel.close()
