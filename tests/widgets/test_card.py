"""What a card sends and when, and that its stop stops."""

from __future__ import annotations

import asyncio
import base64
import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from io import BytesIO
from itertools import pairwise
from typing import Any

import pytest
from PIL import Image

import mbot_nb as mb
from mbot_nb import commands as c
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


async def test_stop_stops_and_says_so(page: Page, bot: mb.Client) -> None:
    card = Card(bot)
    page.send(card, kind="show", view="a")
    driving = asyncio.create_task(_outcome(bot.drive(30, 30, duration=5)))
    await until(lambda: bot.state.motors.moving)
    page.send(card, kind="stop", view="a")
    assert (await driving).ended == "stopped"
    await until(lambda: _status(page, card) == ["Stop is given.", "Stopped."])
    card.close()


async def test_stop_acts_from_another_thread_while_the_loop_is_blocked(page: Page) -> None:
    robot = mb.SimulatedRobot(seed=1)
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        card = Card(bot)
        bot.send("drive", left=30, right=30, duration=8)
        await bot.flush()
        assert robot.motion is not None
        click = threading.Thread(target=lambda: page.send(card, kind="stop", view="a"))
        click.start()
        click.join()  # this loop has not run since
        assert robot.motion is None
        await until(lambda: _status(page, card)[-1] == "Stopped.")
        card.close()


async def test_a_stop_that_cannot_be_given_says_so_on_the_card(
    page: Page, bot: mb.Client, caplog: pytest.LogCaptureFixture
) -> None:
    card = Card(bot)
    page.send(card, kind="show", view="a")
    await bot.close()
    page.send(card, kind="stop", view="a")
    await until(
        lambda: "was closed" in _status(page, card)[-1] and "stop" in _status(page, card)[-1]
    )
    assert page.messages(card)[-1]["error"] is True
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    card.close()


async def test_closing_the_client_is_said_and_leaves_nothing(page: Page, bot: mb.Client) -> None:
    card = Card(bot)
    page.send(card, kind="show", view="a")
    await bot.close()
    assert card.ended
    assert "closed" in _status(page, card)[-1]
    assert page.messages(card)[-1]["connection"] == "closed"
    assert page.open_cards() == 1, "its last words stay while somebody looks"
    page.send(card, kind="gone", view="a")
    assert page.open_cards() == 0
    gone = weakref.ref(card)
    del card
    page.comms.clear()
    gc.collect()
    assert gone() is None


async def test_a_card_that_ended_unseen_goes_with_the_next_one(page: Page) -> None:
    for _ in range(3):
        async with mb.serve(port=0) as server, mb.connect(server) as bot:
            Card(bot)
            assert page.open_cards() == 1


async def test_of_a_closed_client_a_card_says_what_is_the_matter(
    page: Page, bot: mb.Client
) -> None:
    await bot.close()
    card = Card(bot)
    assert card.ended
    page.send(card, kind="show", view="a")
    assert "closed" in page.messages(card)[-1]["said"]["text"]


async def test_closing_the_card_leaves_the_client_alone(page: Page, bot: mb.Client) -> None:
    card = Card(bot)
    page.send(card, kind="show", view="a")
    (model,) = [one for one in page.comms if one.comm_id == card.model_id]
    card.close()
    card.close()
    assert page.open_cards() == 0
    assert card.ended
    before = len(model.sent)
    assert (await bot.drive(20, 20, duration=0.3)).ended == "time"
    assert len(model.sent) == before


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


async def test_a_restarted_server_is_followed_and_the_path_begins_anew(page: Page) -> None:
    server = await mb.serve(mb.SimulatedRobot(seed=1), port=0)
    bot = await mb.connect(server)
    card = Card(bot)
    page.send(card, kind="show", view="a")
    await bot.drive(40, 40, duration=0.4)
    port = server.port
    await server.close()
    await until(
        lambda: any(message.get("connection") == "reconnecting" for message in page.messages(card))
    )
    away = next(
        message for message in page.messages(card) if message.get("connection") == "reconnecting"
    )
    assert away["note"]["attempt"] >= 1
    async with mb.serve(mb.SimulatedRobot(seed=2), port=port):
        await bot.reconnect()
        await until(
            lambda: page.messages(card)[-1].get("connection") == "connected" or bot.state_age > 0.3
        )
        await until(
            lambda: any(message.get("path") == [(100.0, 75.0)] for message in page.messages(card))
        )
        connections = [
            message["connection"] for message in page.messages(card) if "connection" in message
        ]
        assert connections[-1] == "connected"
        await bot.close()
    card.close()


async def test_the_page_without_a_kernel_shows_a_picture_and_words(
    page: Page, bot: mb.Client
) -> None:
    card = Card(bot)
    first = card._repr_mimebundle_()
    assert first is not None
    data, metadata = first
    assert "connected" in data["text/plain"]
    assert metadata["image/png"]["alt"]
    image = Image.open(BytesIO(_png(data)))
    assert image.size[0] > 400
    await bot.drive(40, 40, duration=0.5)
    later = card._repr_mimebundle_()
    assert later is not None
    assert (
        Image.open(BytesIO(_png(later[0]))).convert("RGB").tobytes()
        != image.convert("RGB").tobytes()
    )
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == card.model_id
    card.close()


class Blind(mb.Robot):
    """A robot that does not know where it is."""

    def state(self) -> dict[str, Any]:
        return {"neural_state": {"mode": "Calm", "tension": 0.25}}

    def telemetry(self) -> dict[str, Any]:
        return {}

    def perform(self, command: c.Command) -> Mapping[str, Any] | None:
        return None

    def halt(self) -> None:
        pass


async def test_a_robot_that_does_not_know_where_it_is_has_a_card_too(page: Page) -> None:
    async with mb.serve(Blind(), port=0) as server, mb.connect(server) as bot:
        card = Card(bot)
        page.send(card, kind="show", view="a")
        (everything,) = page.messages(card)
        assert everything["pose"] is None
        assert everything["arena"] is None
        assert (everything["mode"], everything["tension"]) == ("Calm", 0.25)
        assert card._repr_mimebundle_() is not None
        card.close()


def test_the_same_on_the_io_thread(page: Page) -> None:
    robot = mb.SimulatedRobot(seed=1)
    with mb.sync.serve(robot, port=0) as server, mb.sync.connect(server) as bot:
        card = Card(bot)
        page.send(card, kind="show", view="a")
        bot.send("drive", left=30, right=30, duration=8)
        bot.flush()
        page.send(card, kind="stop", view="a")
        assert robot.motion is None
        bot.ping()
        _wait(lambda: "Stopped." in _status(page, card))
        card.close()


def test_what_is_no_client_is_refused_in_words() -> None:
    with pytest.raises(mb.UsageError, match=r"mb\.connect"):
        Card("ws://localhost")  # type: ignore[arg-type]


async def _outcome(call: Any) -> Any:
    return await call


def _status(page: Page, card: Card) -> list[str]:
    return [message["text"] for message in page.messages(card) if message["kind"] == "said"] or [""]


def _png(data: dict[str, Any]) -> bytes:
    png = data["image/png"]
    return png if isinstance(png, bytes) else base64.b64decode(png)


def _wait(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
