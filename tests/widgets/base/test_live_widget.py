"""What every live widget sends and when: only what changed, while somebody looks."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb.jupyter.reachability import is_reachable
from mbot_nb.widgets import Card
from mbot_nb.widgets.base import live_widget as module
from tests.helpers.waiting import until
from tests.helpers.widget_page import Page

PERIOD = module.PERIOD


async def quiet(bot: mb.Client) -> None:
    """Wait until the robot's state does not change any more."""
    await until(lambda: bot.state_age > 0.3, seconds=10)


async def test_nothing_is_sent_while_nobody_looks(page: Page, bot: mb.Client) -> None:
    card = Card(bot)
    await bot.drive(30, 30, duration=0.4)
    assert bot.state.pose.x > 100
    assert page.messages(card) == []
    page.send(card, kind="show", view="a")
    (everything,) = page.messages(card)
    assert everything["kind"] == "all"
    assert everything["pose"][0] == pytest.approx(bot.state.pose.x, abs=0.06)
    assert len(everything["path"]) > 3, "the path is known from before"
    card.close()


async def test_a_widget_leads_to_its_client(page: Page, bot: mb.Client) -> None:
    card = Card(bot)
    assert card.client is bot
    assert is_reachable(bot, [card], 1), "what a widget shows is in use"
    card.close()


async def test_only_what_changed_is_sent_ten_times_a_second_and_the_last_value_arrives(
    page: Page, bot: mb.Client
) -> None:
    card = Card(bot)
    page.send(card, kind="show", view="a")
    came: list[float] = []
    send = card.send

    def stamped(content: Any, buffers: Any = None) -> None:
        came.append(time.monotonic())
        send(content, buffers)

    card.send = stamped
    await bot.drive(30, 50, duration=0.8)
    await quiet(bot)
    await asyncio.sleep(2 * PERIOD)
    sent = page.messages(card)[1:]
    assert len(sent) >= 4
    # A timer may be late, and the one after it then comes sooner; but never two within half a
    # period.
    assert min(after - before for before, after in pairwise(came)) > PERIOD / 2
    assert len(came) <= (came[-1] - came[0]) / PERIOD + 2
    assert all("arena" not in message and "path" not in message for message in sent)
    last = [message["pose"] for message in sent if "pose" in message][-1]
    assert last == (
        round(bot.state.pose.x, 1),
        round(bot.state.pose.y, 1),
        round(bot.state.pose.heading, 1),
    )
    assert [message["moving"] for message in sent if "moving" in message] == [True, False]
    card.close()


async def test_nothing_is_sent_when_nothing_changed(page: Page, bot: mb.Client) -> None:
    card = Card(bot)
    page.send(card, kind="show", view="a")
    await quiet(bot)
    before = len(page.messages(card))
    await bot.ping()
    await asyncio.sleep(3 * PERIOD)
    news = page.messages(card)[before:]
    assert [set(message) for message in news] <= [{"kind", "latency"}], (
        "a round trip is news, and one is enough"
    )
    await bot.sync_state()
    await asyncio.sleep(3 * PERIOD)
    assert len(page.messages(card)) == before + len(news)
    card.close()


async def test_a_view_out_of_sight_costs_nothing_and_comes_back_complete(
    page: Page, bot: mb.Client
) -> None:
    card = Card(bot)
    page.send(card, kind="show", view="a")
    page.send(card, kind="hide", view="a")
    assert not card.seen
    before = len(page.messages(card))
    await bot.drive(30, 30, duration=0.3)
    assert len(page.messages(card)) == before
    page.send(card, kind="show", view="a")
    assert page.messages(card)[-1]["kind"] == "all"
    card.close()


async def test_a_page_that_vanished_is_not_sent_to_for_ever(
    page: Page, bot: mb.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEASE", 0.05)
    card = Card(bot)
    page.send(card, kind="show", view="a")
    assert card.seen
    await asyncio.sleep(0.06)
    assert not card.seen
    page.send(card, kind="show", view="a")
    assert [message["kind"] for message in page.messages(card)] == ["all", "all"], (
        "a view that was given up gets everything anew"
    )
    card.close()


async def test_a_sign_of_life_is_not_answered(page: Page, bot: mb.Client) -> None:
    card = Card(bot)
    page.send(card, kind="show", view="a")
    page.send(card, kind="show", view="a")
    assert len(page.messages(card)) == 1
    page.send(card, kind="show", view="a", fresh=True)
    assert len(page.messages(card)) == 2, "unless it asks"
    card.close()


async def test_two_views_are_served_until_the_last_goes(page: Page, bot: mb.Client) -> None:
    card = Card(bot)
    page.send(card, kind="show", view="a")
    page.send(card, kind="show", view="b")
    page.send(card, kind="gone", view="a")
    assert card.seen
    page.send(card, kind="gone", view="b")
    assert not card.seen
    assert page.open_cards() == 1, "the card lives on, to be shown again"
    card.close()
