"""The arena: what it sends, what it remembers, and what it may do to the world."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from io import BytesIO
from itertools import pairwise
from typing import Any

import pytest
from PIL import Image

import mbot_nb as mb
from mbot_nb import commands as c
from mbot_nb.embedded.registry import LocalServers
from mbot_nb.widgets import Arena, Card
from tests.helpers.waiting import until
from tests.helpers.widget_page import Page, latest, statuses


def rows(data: bytes) -> list[list[float]]:
    numbers = array("f", data).tolist()
    return [numbers[at : at + 6] for at in range(0, len(numbers), 6)]


async def test_a_view_that_comes_late_gets_the_whole_way(page: Page, bot: mb.Client) -> None:
    arena = Arena(bot)
    await bot.drive(30, 45, duration=0.8)
    assert page.messages(arena) == [], "nobody looks"
    page.send(arena, kind="show", view="a")
    ((content, data),) = page.binary(arena)
    assert content["kind"] == "history"
    way = rows(data)
    assert len(way) > 5
    assert way[0][1:4] == pytest.approx([100, 75, 0], abs=0.1)
    assert way[-1][1:4] == pytest.approx(
        [bot.state.pose.x, bot.state.pose.y, bot.state.pose.heading], abs=0.1
    )
    assert [row[0] for row in way] == sorted({row[0] for row in way})
    assert way[-1][4] == pytest.approx(bot.state.neural_state.distance, abs=6), (
        "what the sensor said is remembered"
    )
    arena.close()


async def test_while_it_drives_samples_come_and_the_arena_does_not(
    page: Page, bot: mb.Client
) -> None:
    arena = Arena(bot)
    page.send(arena, kind="show", view="a")
    await bot.drive(30, 45, duration=0.8)
    changed = [message for message in page.messages(arena) if message["kind"] == "changed"]
    assert len([message for message in changed if "sample" in message]) > 4
    assert not any("arena" in message for message in changed)
    arena.close()


async def test_boxes_and_lines_of_a_simulator_here_can_be_changed(page: Page) -> None:
    robot = mb.SimulatedRobot(seed=1, world={"boxes": [{"x": 30, "y": 30}]})
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        arena = Arena(bot)
        page.send(arena, kind="show", view="a")
        assert page.messages(arena)[0]["fixed"] == ""
        page.send(arena, kind="move", view="a", box=0, x=150, y=75)
        await until(lambda: bot.state.neural_state.distance < 35)
        await until(
            lambda: any(
                "arena" in message and message["kind"] == "changed"
                for message in page.messages(arena)
            )
        )
        assert bot.state.arena.boxes[0]["x"] == 150
        page.send(arena, kind="move", view="a", box=0, x=102, y=75)
        assert "robot stands" in statuses(page, arena)[-1]
        assert [message for message in page.messages(arena) if message["kind"] == "moved"][-1][
            "x"
        ] == 150
        page.send(arena, kind="move", view="a", box=7, x=10, y=10)
        assert "gone" in statuses(page, arena)[-1]
        page.send(arena, kind="line", view="a", points=[[10, 10], [20, 30]])
        assert robot.simulation.world.lines[0].points == ((10, 10), (20, 30))
        page.send(arena, kind="erase", view="a")
        page.send(arena, kind="erase", view="a")
        assert robot.simulation.world.lines == ()
        page.send(arena, kind="line", view="a", points=[[10, "x"], [20, 30]])
        assert "ValueError" in statuses(page, arena)[-1]
        arena.close()


class Walker(mb.Robot):
    """A robot that knows where it is and nothing of its world, as a real one."""

    def state(self) -> dict[str, Any]:
        return {"pose": {"x": -20.0, "y": 5.0, "heading": 90.0}}

    def telemetry(self) -> dict[str, Any]:
        return {}

    def perform(self, command: c.Command) -> Mapping[str, Any] | None:
        return None

    def halt(self) -> None:
        pass


async def test_a_robot_that_is_none_of_a_simulator_is_shown_and_cannot_be_moved(page: Page) -> None:
    async with mb.serve(Walker(), port=0) as server, mb.connect(server) as bot:
        arena = Arena(bot)
        page.send(arena, kind="show", view="a")
        everything = page.messages(arena)[0]
        assert everything["pose"] == (-20.0, 5.0, 90.0)
        assert everything["arena"] is None
        assert "only in a simulator" in everything["fixed"]
        page.send(arena, kind="move", view="a", box=0, x=10, y=10)
        assert "only in a simulator" in statuses(page, arena)[-1]
        assert arena._repr_mimebundle_() is not None
        arena.close()


async def test_a_server_elsewhere_is_told_apart(
    page: Page, bot: mb.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalServers, "of", lambda self, client: None)
    arena = Arena(bot)
    page.send(arena, kind="show", view="a")
    assert "runs elsewhere" in latest(page, arena, "fixed")
    arena.close()


async def test_another_robot_has_another_way(page: Page) -> None:
    server = await mb.serve(mb.SimulatedRobot(seed=1), port=0)
    bot = await mb.connect(server)
    arena = Arena(bot)
    page.send(arena, kind="show", view="a")
    await bot.drive(40, 40, duration=0.4)
    port = server.port
    await server.close()
    async with mb.serve(mb.SimulatedRobot(seed=2), port=port):
        await bot.reconnect()
        await until(lambda: len(page.binary(arena)) == 2)
        assert len(rows(page.binary(arena)[-1][1])) <= 1
        await bot.close()
    arena.close()


async def test_a_page_without_a_kernel_sees_the_way(page: Page, bot: mb.Client) -> None:
    arena = Arena(bot)
    before = Image.open(BytesIO(arena.still_picture())).convert("RGB").tobytes()
    await bot.drive(40, 40, duration=0.5)
    bundle = arena._repr_mimebundle_()
    assert bundle is not None
    assert "seen from above" in bundle[1]["image/png"]["alt"]
    assert Image.open(BytesIO(arena.still_picture())).convert("RGB").tobytes() != before
    arena.close()


async def test_the_past_has_its_own_lights(page: Page, bot: mb.Client) -> None:
    arena = Arena(bot)
    page.send(arena, kind="show", view="a")
    await bot.set_led(250, 0, 0)
    await bot.drive(30, 30, duration=0.3)
    await bot.set_led(0, 0, 250)
    await until(lambda: latest(page, arena, "leds")[0] == [0, 0, 250])
    page.send(arena, kind="show", view="b")
    content, data = page.binary(arena)[-1]
    lights = [(t, leds[0]) for t, leds in content["lights"]]
    assert [color for _, color in lights[-2:]] == [[250, 0, 0], [0, 0, 250]]
    times = [row[0] for row in rows(data)]
    assert all(any(abs(t - at) < 1e-3 for at in times) for t, _ in lights), (
        "each change is a moment that can be looked back at"
    )
    assert times[-1] - lights[-2][0] > 0.1
    arena.close()


async def test_a_replay_that_goes_round_has_driven_no_way_back(page: Page) -> None:
    async with mb.serve(mb.SimulatedRobot(seed=1), port=0) as server, mb.connect(server) as bot:
        with mb.Recorder(bot) as rec:
            await bot.drive(60, 60, duration=1.0)
    robot = mb.ReplayRobot(rec, loop=True)
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        arena, card = Arena(bot), Card(bot)
        for widget in (arena, card):
            page.send(widget, kind="show", view="a")

        def begun() -> list[Any]:
            return [
                message
                for message in page.messages(card)
                if message["kind"] == "changed" and "path" in message
            ]

        await until(lambda: len(begun()) >= 2, seconds=10)  # each time that it begins again
        await until(lambda: len(arena._samples) > 4 and len(card._path) > 4)
        for way in ([x for _, x, *_ in arena._samples], [x for x, _ in card._path]):
            assert min(after - before for before, after in pairwise(way)) > -0.2, (
                "it drove straight on, and never back"
            )
        # Its place in the recording is told, and chosen.
        page.send(arena, kind="pause")
        await until(lambda: not robot.playing)
        page.send(arena, kind="seek", position=0.5)
        await until(lambda: robot.position == 0.5)
        place = {
            "position": 0.5,
            "duration": round(robot.duration, 3),
            "playing": False,
            "speed": 1,
        }
        await until(
            lambda: (
                [message["replay"] for message in page.messages(arena) if "replay" in message][-1]
                == place
            )
        )
        page.send(arena, kind="seek", position=99)
        await until(lambda: "there is no position 99" in "".join(statuses(page, arena)))
        page.send(arena, kind="play")
        await until(lambda: robot.playing)
        arena.close()
        card.close()
