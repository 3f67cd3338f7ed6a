"""Stop on a page: latching, measured, and honest about what it reaches."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb.embedded.registry import LocalServers
from mbot_nb.widgets import StopButton
from mbot_nb.widgets.base.live_widget import LiveWidget
from tests.helpers.waiting import until
from tests.helpers.widget_page import Page, statuses


def latest(page: Page, widget: LiveWidget, name: str) -> Any:
    """The last value of this name that the page was told."""
    return next(
        (message[name] for message in reversed(page.messages(widget)) if name in message), None
    )


def twice_shown(page: Page, widget: LiveWidget) -> bool:
    return [message["kind"] for message in page.messages(widget)].count("all") == 2


@pytest.fixture
def ipykernel(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What stands for the kernel: only its version is looked at."""
    module = SimpleNamespace(version_info=(6, 31, 0))
    monkeypatch.setitem(sys.modules, "ipykernel", module)
    return module


async def test_it_latches_until_released_and_tells_how_long_it_took(page: Page) -> None:
    robot = mb.SimulatedRobot(seed=1)
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        stop = StopButton(bot)
        page.send(stop, kind="show", view="a")
        await bot.drive(50, 50, duration=5, wait=False)
        await asyncio.sleep(0.15)
        clicked = time.monotonic() - 0.03
        page.send(stop, kind="emergency_stop", view="a", at=clicked * 1e3)
        await until(lambda: latest(page, stop, "last_stop"))
        stood = latest(page, stop, "last_stop")
        assert robot.at_rest_since is not None
        assert stood["seconds"] == pytest.approx(robot.at_rest_since - clicked, abs=1e-3)
        assert (stood["exact"], stood["after"]) == (True, "click")
        await until(lambda: latest(page, stop, "latched") is True)
        with pytest.raises(mb.CommandRejectedError, match="emergency stop stands"):
            await bot.drive(20, 20, duration=0.1)
        page.send(stop, kind="release", view="a")
        await until(lambda: latest(page, stop, "latched") is False)
        await until(lambda: statuses(page, stop)[-1].startswith("Released"))
        assert (await bot.drive(20, 20, duration=0.1)).ended == "time"
        stop.close()


async def test_a_robot_that_stood_already_and_a_click_without_a_time(
    page: Page, bot: mb.Client
) -> None:
    stop = StopButton(bot)
    page.send(stop, kind="show", view="a")
    page.send(stop, kind="emergency_stop", view="a")
    await until(lambda: latest(page, stop, "last_stop"))
    assert latest(page, stop, "last_stop")["seconds"] is None
    await until(lambda: latest(page, stop, "latched") is True)
    page.send(stop, kind="release", view="a")
    await until(lambda: latest(page, stop, "latched") is False)
    await bot.drive(50, 50, duration=5, wait=False)
    await asyncio.sleep(0.1)
    for at in (
        None,
        "soon",
        float("nan"),
        (time.monotonic() + 60) * 1e3,
        (time.monotonic() - 600) * 1e3,
    ):
        page.send(stop, kind="stop", view="a", at=at)
    await until(lambda: (latest(page, stop, "last_stop") or {}).get("seconds") is not None)
    assert latest(page, stop, "last_stop")["after"] == "arrival", (
        "a time that cannot be believed is not used"
    )
    stop.close()


async def test_releasing_nothing_says_so(page: Page, bot: mb.Client) -> None:
    stop = StopButton(bot)
    page.send(stop, kind="show", view="a")
    page.send(stop, kind="release", view="a")
    await until(lambda: "nothing to release" in statuses(page, stop)[-1])
    assert page.messages(stop)[-1]["error"] is True
    stop.close()


async def test_what_it_reaches_is_said_beforehand(page: Page, ipykernel: SimpleNamespace) -> None:
    async with mb.serve(port=0) as server, mb.connect(server) as bot:
        reach: dict[tuple[int, ...], list[str]] = {}
        for version in ((6, 31, 0), (7, 3, 0), (7, 4, 0)):
            ipykernel.version_info = version
            stop = StopButton(bot)
            page.send(stop, kind="show", view="a")
            in_main = latest(page, stop, "stop_availability")
            click = threading.Thread(
                target=page.send, args=(stop,), kwargs={"kind": "show", "view": "b"}
            )
            click.start()
            click.join()
            await until(partial(twice_shown, page, stop))
            reach[version] = [in_main, latest(page, stop, "stop_availability")]
            stop.close()
    assert reach == {
        (6, 31, 0): ["direct_awaits", "yes"],
        (7, 3, 0): ["awaits", "yes"],
        (7, 4, 0): ["awaits", "awaits"],
    }


async def test_the_remedy_that_is_named_is_one_for_this_robot(
    page: Page, ipykernel: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot = mb.SimulatedRobot(seed=1)
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        reach: dict[str, list[str]] = {"cable": [], "elsewhere": []}
        for kind, told in reach.items():
            if kind == "cable":
                monkeypatch.setattr(robot, "port", "/dev/ttyUSB0")
            else:
                monkeypatch.setattr(LocalServers, "of", lambda self, client: None)
            for version in ((6, 31, 0), (7, 4, 0)):
                ipykernel.version_info = version
                stop = StopButton(bot)
                page.send(stop, kind="show", view="a")
                told.append(latest(page, stop, "stop_availability"))
                stop.close()
    assert reach == {
        "cable": ["direct_awaits_cable", "awaits_cable"],
        "elsewhere": ["never", "elsewhere"],
    }


async def test_the_page_is_told_the_way_to_a_server_on_the_io_thread_alone(
    page: Page, ipykernel: SimpleNamespace
) -> None:
    ipykernel.version_info = (7, 4, 0)
    async with (
        mb.serve(port=0, thread=True, token="secret") as server,
        mb.connect(server) as bot,
        mb.serve(port=0) as other,
        mb.connect(other) as here,
    ):
        for client, expected in ((bot, server), (here, None)):
            stop = StopButton(client)
            page.send(stop, kind="show", view="a")
            page.send(stop, kind="route", view="a")
            route = next(message for message in page.messages(stop) if message["kind"] == "route")
            if expected is None:
                assert route == {"kind": "route", "url": None}
            else:
                assert (route["url"], route["token"], route["robot"]) == (
                    expected.url,
                    "secret",
                    "simulated-mbot2",
                )
                assert route["uptime"] == pytest.approx(expected.uptime * 1e3, abs=500)
            assert "secret" not in repr(stop.get_state()), "nothing of it is kept in the notebook"
            stop.close()


@pytest.mark.may_block("a cell that sleeps")
async def test_of_a_robot_elsewhere_the_io_thread_stops_it_while_home_is_blocked(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot = mb.SimulatedRobot(seed=1)
    async with mb.serve(robot, port=0, thread=True) as server, mb.connect(server) as bot:
        # As if the server lived in another process: no way straight to the robot.
        monkeypatch.setattr(LocalServers, "of", lambda self, client: None)
        bot._calls.in_process_stop = None
        stop = StopButton(bot)
        page.send(stop, kind="show", view="a")
        await bot.drive(30, 30, duration=8, wait=False)
        click = threading.Thread(target=lambda: page.send(stop, kind="emergency_stop", view="a"))
        click.start()
        deadline = time.monotonic() + 5
        while robot.motion is not None and time.monotonic() < deadline:
            time.sleep(0.01)  # noqa: ASYNC251 - this is the block
        assert robot.motion is None, "stopped, and this loop has not run"
        click.join()
        await until(
            lambda: statuses(page, stop) and statuses(page, stop)[-1].startswith("Stopped.")
        )
        stop.close()


async def test_the_clock_is_answered_at_once(page: Page, bot: mb.Client) -> None:
    stop = StopButton(bot)
    before = time.monotonic() * 1e3
    page.send(stop, kind="clock", view="a", page=12.5)
    (answer,) = page.messages(stop)
    assert answer["page"] == 12.5
    assert before <= answer["here"] <= time.monotonic() * 1e3
    stop.close()
