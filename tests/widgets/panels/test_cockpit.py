"""The cockpit follows the robot and leaves nothing behind."""

from __future__ import annotations

import mbot_nb as mb
from mbot_nb.widgets import Cockpit
from tests.helpers.waiting import until
from tests.helpers.widget_page import Page, said

# The cockpit.


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
        assert cockpit._parts == []
        connection = cockpit._connection
        for _ in range(2):
            page.send(connection, kind="connect", address=server.url)
            await until(
                lambda: cockpit.bot is not None and cockpit._parts and not cockpit._parts[0].ended
            )
            bot = cockpit.bot
            assert all(part._client is bot for part in cockpit._parts)
            page.send(connection, kind="disconnect")
            await until(lambda: cockpit.bot is None)
            await until(lambda: all(part.ended for part in cockpit._parts))
            await until(lambda: connection._work is None or connection._work.done())
        cockpit.close()
    assert [one for one in page.comms if not one.closed] == []


async def test_a_cockpit_that_is_replaced_says_so_where_it_is_seen_and_goes_with_its_last_view(
    page: Page, bot: mb.Client
) -> None:
    cockpit = Cockpit(bot)
    connection = cockpit._connection
    page.send(connection, kind="show", view="a")
    cockpit.end("Another one.")
    assert said(page, connection)[-1] == "Another one."
    assert cockpit.ended
    assert all(part.comm is None for part in cockpit._parts), "what nobody sees has gone"
    assert bot._taps == []
    page.send(connection, kind="gone", view="a")
    assert [one for one in page.comms if not one.closed] == []


async def test_a_cockpit_says_what_the_robot_is_called_in_cells(page: Page) -> None:
    async with mb.serve(port=0) as server:
        cockpit = Cockpit()
        page.send(cockpit._connection, kind="connect", address=server.url)
        await until(
            lambda: any(
                "In cells it is cockpit.bot, or:" in words
                for words in said(page, cockpit._connection)
            )
        )
        assert cockpit.bot is not None
        await cockpit.bot.close()
        cockpit.close()
