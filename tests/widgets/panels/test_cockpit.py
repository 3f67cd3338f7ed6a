"""The cockpit follows the robot and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import mbot_nb as mb
from mbot_nb.widgets import Cockpit, ConnectPanel
from mbot_nb.widgets.base.live_widget import LiveWidget
from tests.helpers.waiting import until
from tests.helpers.widget_page import Page, latest, statuses


def parts(cockpit: Cockpit) -> list[LiveWidget]:
    """The live widgets in it, Connect first."""

    def within(box: Any) -> Iterator[LiveWidget]:
        for child in getattr(box, "children", ()):
            if isinstance(child, LiveWidget):
                yield child
            yield from within(child)

    return sorted(within(cockpit), key=lambda part: not isinstance(part, ConnectPanel))


def have_ended(parts: list[LiveWidget]) -> bool:
    return all(part.ended for part in parts)


async def test_a_cockpit_leaves_nothing(page: Page, bot: mb.Client) -> None:
    cockpit = Cockpit(bot)
    assert cockpit.bot is bot
    assert "connected" in repr(cockpit)
    cockpit.close()
    cockpit.close()
    assert [one for one in page.comms if not one.closed] == []
    assert bot._taps == []


async def test_a_cockpit_follows_the_robot_that_is_connected(page: Page) -> None:
    async with mb.serve(port=0) as server:
        cockpit = Cockpit()
        (connection,) = parts(cockpit)
        page.send(connection, kind="show", view="a")
        for _ in range(2):
            page.send(connection, kind="connect", address=server.url)
            await until(
                lambda: (
                    cockpit.bot is not None
                    and len(parts(cockpit)) > 1
                    and not parts(cockpit)[1].ended
                )
            )
            await until(lambda: latest(page, connection, "connection") == "connected")
            bot = cockpit.bot
            _, *others = parts(cockpit)
            assert all(part.client is bot for part in others)
            page.send(connection, kind="disconnect")
            await until(lambda: latest(page, connection, "connection") == "not connected")
            assert cockpit.bot is None
            await until(partial(have_ended, others))
            await until(lambda: latest(page, connection, "doing") is None)
        cockpit.close()
    assert [one for one in page.comms if not one.closed] == []


async def test_a_cockpit_that_is_replaced_says_so_where_it_is_seen_and_goes_with_its_last_view(
    page: Page, bot: mb.Client
) -> None:
    cockpit = Cockpit(bot)
    connection, *others = parts(cockpit)
    page.send(connection, kind="show", view="a")
    cockpit.end("Another one.")
    assert statuses(page, connection)[-1] == "Another one."
    assert cockpit.ended
    assert all(part.comm is None for part in others), "what nobody sees has gone"
    assert bot._taps == []
    page.send(connection, kind="gone", view="a")
    assert [one for one in page.comms if not one.closed] == []


async def test_a_cockpit_says_what_the_robot_is_called_in_cells(page: Page) -> None:
    async with mb.serve(port=0) as server:
        cockpit = Cockpit()
        (connection,) = parts(cockpit)
        page.send(connection, kind="connect", address=server.url)
        await until(
            lambda: any(
                "In cells it is cockpit.bot, or:" in words for words in statuses(page, connection)
            )
        )
        assert cockpit.bot is not None
        await cockpit.bot.close()
        cockpit.close()
