"""The drive pad: leases while it is held, nothing that comes late, and a stop in any case."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb.widgets import DrivePad
from mbot_nb.widgets.pad import LEASE, MAX_DELAY
from tests.helpers.waiting import until
from tests.helpers.widget_page import Page, latest


def now() -> float:
    return time.monotonic() * 1e3


def hold(
    page: Page,
    pad: DrivePad,
    hold: int,
    number: int,
    left: float = 30,
    right: float = 30,
    **more: Any,
) -> None:
    page.send(
        pad,
        **{
            "kind": "drive",
            "view": "a",
            "hold": hold,
            "number": number,
            "left": left,
            "right": right,
            "at": now(),
            **more,
        },
    )


def answers(page: Page, pad: DrivePad) -> list[tuple[int, bool]]:
    return [
        (message["number"], message["dropped"])
        for message in page.messages(pad)
        if message["kind"] == "driven"
    ]


@pytest.fixture
def robot() -> mb.SimulatedRobot:
    return mb.SimulatedRobot(seed=1)


@pytest.fixture
async def bot(robot: mb.SimulatedRobot) -> AsyncIterator[mb.Client]:
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        yield bot


@pytest.fixture
async def robot_and_pad(page: Page, robot: mb.SimulatedRobot, bot: mb.Client) -> Any:
    pad = DrivePad(bot)
    page.send(pad, kind="show", view="a")
    yield robot, pad
    pad.close()


async def test_it_drives_while_it_is_held_and_a_let_go_stops_at_once(
    page: Page, robot_and_pad: Any
) -> None:
    robot, pad = robot_and_pad
    for number in range(1, 8):
        hold(page, pad, 1, number)
        await asyncio.sleep(0.1)
        assert robot.motion is not None
    page.send(pad, kind="end_hold", view="a", hold=1, at=now())
    assert robot.motion is None, "without waiting for any loop"
    assert answers(page, pad) == [(number, False) for number in range(1, 8)]
    await until(
        lambda: any(
            (message.get("last_stop") or {}).get("after") == "letting go"
            for message in page.messages(pad)
        )
    )
    # A lease of that hold that comes later does nothing.
    hold(page, pad, 1, 8)
    await asyncio.sleep(0.05)
    assert robot.motion is None
    assert answers(page, pad)[-1] == (8, True)


async def test_a_hold_that_is_not_renewed_ends_by_itself(page: Page, robot_and_pad: Any) -> None:
    robot, pad = robot_and_pad
    hold(page, pad, 1, 1)
    await until(lambda: robot.motion is not None)
    began = time.monotonic()
    await until(lambda: robot.motion is None)
    assert time.monotonic() - began < LEASE + 0.1


async def test_what_comes_late_is_dropped_and_a_stop_never(page: Page, robot_and_pad: Any) -> None:
    robot, pad = robot_and_pad
    hold(page, pad, 1, 1, at=now() - MAX_DELAY * 1e3 - 50)
    hold(page, pad, 1, 2, at=None)
    hold(page, pad, 1, 3, left=float("inf"))
    await asyncio.sleep(0.05)
    assert robot.motion is None
    assert answers(page, pad) == [(1, True)]
    assert pad.dropped == 1
    hold(page, pad, 2, 4)
    await until(lambda: robot.motion is not None)
    page.send(pad, kind="end_hold", view="a", hold=2, at=now() - 60_000)
    assert robot.motion is None


async def test_what_waited_for_a_blocked_loop_is_dropped(page: Page, robot_and_pad: Any) -> None:
    """Where callbacks have a thread of their own, motion waits for the client's loop; it must not
    start when that is free."""
    robot, pad = robot_and_pad
    click = threading.Thread(target=lambda: hold(page, pad, 1, 1))
    click.start()
    click.join()
    time.sleep(MAX_DELAY + 0.05)  # noqa: ASYNC251 - this is the block
    await until(lambda: answers(page, pad) == [(1, True)])
    assert robot.motion is None


async def test_an_emergency_stop_is_told_and_holds(page: Page, robot_and_pad: Any) -> None:
    robot, pad = robot_and_pad
    page.send(pad, kind="emergency_stop", view="a", at=now())
    await until(lambda: any(message.get("latched") for message in page.messages(pad)))
    hold(page, pad, 1, 1)
    await until(
        lambda: any("press Release" in message.get("text", "") for message in page.messages(pad))
    )
    assert robot.motion is None


async def test_without_a_connection_it_says_so_and_drives_nothing_later(
    page: Page, robot_and_pad: Any, bot: mb.Client
) -> None:
    robot, pad = robot_and_pad
    bot.cut(1.0)
    await until(lambda: bot.reconnecting)
    hold(page, pad, 1, 1)
    await until(lambda: bot.connected, seconds=10)
    await until(
        lambda: any(
            message["kind"] == "status" and message["error"] for message in page.messages(pad)
        )
    )
    assert robot.motion is None


async def test_values_are_kept_within_what_wheels_can(
    page: Page, robot_and_pad: Any, bot: mb.Client
) -> None:
    robot, pad = robot_and_pad
    hold(page, pad, 1, 1, left=900, right=-900)
    await until(lambda: robot.motion is not None)
    assert robot.state()["motors"]["left"] == 100
    fast = DrivePad(bot, speed=5000)
    page.send(fast, kind="show", view="a")
    assert latest(page, fast, "speed") == 100


async def test_two_views_hold_by_themselves(page: Page, robot_and_pad: Any) -> None:
    robot, pad = robot_and_pad
    page.send(pad, kind="end_hold", view="a", hold=5, at=now())
    hold(page, pad, 1, 1, view="b")
    await until(lambda: robot.motion is not None)
