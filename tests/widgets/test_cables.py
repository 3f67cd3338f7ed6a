"""A robot whose cable was pulled: the server is there, the robot is not, and the widgets say so and
count down."""

from __future__ import annotations

import time
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb.widgets import Card, ConnectPanel, StopButton
from tests.helpers.waiting import until
from tests.helpers.widget_page import Page, latest, said


class OnCable(mb.SimulatedRobot):
    """Tells of its cable as a robot on one does."""

    lost: dict[str, Any] | None = None

    def state(self) -> dict[str, Any]:
        connection = {
            "port": "/dev/ttyUSB0",
            "ready": self.lost is None,
            "reason": "",
            **(self.lost or {}),
        }
        return {**super().state(), "connection": connection}


@pytest.mark.parametrize("planned", [True, False])
async def test_a_pulled_cable_is_shown_with_its_reason_and_a_countdown(
    page: Page, planned: bool
) -> None:
    robot = OnCable(seed=1)
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        panel, card = ConnectPanel(bot), Card(bot)
        for widget in (panel, card):
            page.send(widget, kind="show", view="a")
        await until(
            lambda: latest(page, panel, "trouble") == "" and latest(page, panel, "attempt") is None
        )
        assert latest(page, card, "note") == ""
        robot.lost = {"reason": "the port /dev/ttyUSB0 is gone: plug the cable in again"}
        if planned:
            robot.lost |= {"attempts": 2, "next_attempt_at": round((time.time() + 20) * 1000)}
        await until(lambda: "/dev/ttyUSB0 is gone" in (latest(page, panel, "trouble") or ""))
        await until(lambda: "out of reach" in latest(page, card, "note"))
        assert latest(page, card, "unreachable") is latest(page, panel, "unreachable") is True
        assert latest(page, panel, "attempt") == (3 if planned else None)
        if planned:
            assert 15 < latest(page, panel, "wait") <= 20
        assert bot.connected
        robot.lost = None
        await until(
            lambda: latest(page, panel, "trouble") == "" and latest(page, panel, "attempt") is None
        )
        await until(lambda: latest(page, card, "note") == "")
        assert latest(page, card, "unreachable") is latest(page, panel, "unreachable") is False
        panel.close()
        card.close()


async def test_nobody_says_that_it_stands_while_it_cannot_be_reached(page: Page) -> None:
    robot = OnCable(seed=1)
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        stop = StopButton(bot)
        page.send(stop, kind="show", view="a")
        page.send(stop, kind="stop", view="a")
        await until(lambda: latest(page, stop, "stood"))
        robot.lost = {"reason": "the port is gone"}
        await until(lambda: not bot.state.connection.ready)
        page.send(stop, kind="stop", view="a")
        await until(
            lambda: said(page, stop)[-1].startswith(
                "Not stopped: the robot cannot be reached: the port is gone."
            )
        )
        await until(lambda: latest(page, stop, "error") is True)
        await until(lambda: latest(page, stop, "stood") is None)
        robot.lost = None
        await until(lambda: latest(page, stop, "stood") is not None)
        stop.close()
