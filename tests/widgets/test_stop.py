"""The stop as a widget of its own."""

from __future__ import annotations

import mbot_nb as mb
from mbot_nb.widgets import StopButton
from tests.helpers.cable_robot import OnCable
from tests.helpers.waiting import until
from tests.helpers.widget_page import Page, latest, statuses


async def test_nobody_says_that_it_stands_while_it_cannot_be_reached(page: Page) -> None:
    robot = OnCable(seed=1)
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        stop = StopButton(bot)
        page.send(stop, kind="show", view="a")
        page.send(stop, kind="stop", view="a")
        await until(lambda: latest(page, stop, "last_stop"))
        robot.lost = {"reason": "the port is gone"}
        await until(lambda: not bot.state.connection.ready)
        page.send(stop, kind="stop", view="a")
        await until(
            lambda: statuses(page, stop)[-1].startswith(
                "Not stopped: the robot cannot be reached: the port is gone."
            )
        )
        await until(lambda: latest(page, stop, "error") is True)
        await until(lambda: latest(page, stop, "last_stop") is None)
        robot.lost = None
        await until(lambda: latest(page, stop, "last_stop") is not None)
        stop.close()
