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
from typing import Any

import pytest
from PIL import Image

import mbot_nb as mb
from mbot_nb import commands as c
from mbot_nb.widgets import Card, ConnectPanel
from tests.helpers.cable_robot import OnCable
from tests.helpers.waiting import until
from tests.helpers.widget_page import Page, latest, statuses


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
    assert "closed" in page.messages(card)[-1]["status"]["text"]


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
    return statuses(page, card) or [""]


def _png(data: dict[str, Any]) -> bytes:
    png = data["image/png"]
    return png if isinstance(png, bytes) else base64.b64decode(png)


def _wait(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


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
