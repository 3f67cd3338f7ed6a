"""The command panel: forms are sent, answered, refused and cancelled."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb.widgets import CommandPanel
from tests.helpers.waiting import until
from tests.helpers.widget_page import Page, answers, latest

# Commands.


async def test_a_form_that_is_sent_is_answered(page: Page, bot: mb.Client) -> None:
    panel = CommandPanel(bot)
    page.send(panel, kind="do", form="drive", params={"left": 30, "right": 30, "duration": 0.1})
    await until(
        lambda: [state for state, _ in answers(page, panel, "drive")] == ["running", "done"]
    )
    assert answers(page, panel, "drive")[-1][1].startswith("drive: done in 0.")
    assert bot.state.pose.x > 100
    panel.close()


@pytest.mark.parametrize(
    ("form", "params", "words"),
    [
        ("drive", {"left": 200, "right": 0}, "left"),
        ("drive", {"left": 20}, "right"),
        ("game_move", {"cell": 4}, "no game is being played"),
        ("start_drawing", {}, "give either a shape or points"),
    ],
)
async def test_what_goes_wrong_is_told_beside_the_form(
    page: Page,
    bot: mb.Client,
    form: str,
    params: dict[str, Any],
    words: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    panel = CommandPanel(bot)
    page.send(panel, kind="do", form=form, params=params)
    await until(
        lambda: answers(page, panel, form) and answers(page, panel, form)[-1][0] == "failed"
    )
    assert words in answers(page, panel, form)[-1][1]
    assert caplog.records == [], "and nowhere else"
    panel.close()


async def test_the_wait_for_an_answer_can_be_cancelled_and_that_stops_the_robot(page: Page) -> None:
    robot = mb.SimulatedRobot(seed=1)
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        panel = CommandPanel(bot)
        page.send(panel, kind="do", form="drive", params={"left": 30, "right": 30, "duration": 9})
        await until(lambda: robot.motion is not None)
        page.send(panel, kind="cancel", form="drive")
        await until(lambda: robot.motion is None)
        assert answers(page, panel, "drive")[-1] == ("failed", "Cancelled.")
        panel.close()


async def test_queued_commands_fill_the_batch_and_the_meter_shows_it_leave(page: Page) -> None:
    async with (
        mb.serve(port=0) as server,
        mb.connect(server, batch_window=0.5, max_batch_size=4) as bot,
    ):
        panel = CommandPanel(bot)
        page.send(panel, kind="show", view="a")
        page.send(
            panel, kind="do", form="set_led", params={"r": 1, "g": 2, "b": 3}, queued=True, times=3
        )
        assert latest(page, panel, "batch")["queued"] == 3, (
            "at once: a window may be over before the next look"
        )
        assert 0.3 < latest(page, panel, "batch")["leaves_in"] <= 0.5
        await until(lambda: latest(page, panel, "batch")["queued"] == 0)
        assert (
            latest(page, panel, "batch")["last_messages"],
            latest(page, panel, "batch")["last_reason"],
        ) == (3, "window")
        panel.close()


async def test_a_queued_command_that_is_refused_says_so(page: Page, bot: mb.Client) -> None:
    panel = CommandPanel(bot)
    page.send(panel, kind="do", form="game_move", params={"cell": 4}, queued=True)
    await until(lambda: answers(page, panel, "game_move")[-1][0] == "failed")
    assert "no game is being played" in answers(page, panel, "game_move")[-1][1]
    panel.close()


async def test_motion_that_a_blocked_kernel_kept_is_dropped_and_everything_else_is_not(
    page: Page, bot: mb.Client
) -> None:
    panel = CommandPanel(bot)
    long_ago = (time.monotonic() - 3) * 1e3
    page.send(panel, kind="do", form="drive", params={"left": 30, "right": 30}, at=long_ago)
    assert "3.0 s late" in answers(page, panel, "drive")[-1][1]
    page.send(panel, kind="do", form="stop", params={}, at=long_ago)
    page.send(panel, kind="do", form="display_text", params={"text": "late"}, at=long_ago)
    for form in ("stop", "display_text"):
        await until(
            lambda form=form: (  # type: ignore[misc]
                [state for state, _ in answers(page, panel, form)] == ["running", "done"]
            )
        )
    assert bot.state.pose.x == 100
    panel.close()


async def test_a_click_in_another_thread_is_carried_out_at_home(page: Page, bot: mb.Client) -> None:
    panel = CommandPanel(bot)
    clicking = threading.Thread(
        target=page.send, args=(panel,), kwargs={"kind": "do", "form": "sync_state", "params": {}}
    )
    clicking.start()
    await until(
        lambda: (
            answers(page, panel, "sync_state")
            and answers(page, panel, "sync_state")[-1][0] == "done"
        )
    )
    clicking.join()
    panel.close()


async def from_a_thread(page: Page, panel: CommandPanel, **content: Any) -> None:
    """A click as ipykernel 7.3 brings it: while this loop is blocked."""
    clicking = threading.Thread(
        target=page.send,
        args=(panel,),
        kwargs={"kind": "do", "at": time.monotonic() * 1e3, **content},
    )
    clicking.start()
    clicking.join()


@pytest.mark.parametrize("queued", [False, True])
async def test_motion_that_waited_for_a_blocked_loop_is_dropped(
    page: Page, queued: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where callbacks have a thread of their own, a click is in time, and then waits for the
    client's loop."""
    monkeypatch.setattr("mbot_nb.widgets.panels.command.MAX_DELAY", 0.1)
    robot = mb.SimulatedRobot(seed=1)
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        panel = CommandPanel(bot)
        await from_a_thread(
            page, panel, form="drive", params={"left": 30, "right": 30}, queued=queued
        )
        await from_a_thread(
            page, panel, form="display_text", params={"text": "late"}, queued=queued
        )
        time.sleep(0.2)  # noqa: ASYNC251 - this is the block
        await until(
            lambda: answers(page, panel, "display_text")[-1:] and answers(page, panel, "drive")[-1:]
        )
        await bot.flush()
        assert re.fullmatch(
            r"The click came 0\.[2-9] s late.*", answers(page, panel, "drive")[-1][1]
        )
        assert answers(page, panel, "display_text")[-1][0] in ("running", "queued", "done"), (
            "everything else is not"
        )
        assert robot.state()["pose"]["x"] == 100
        panel.close()


@pytest.mark.parametrize("queued", [False, True])
async def test_motion_that_was_clicked_before_a_stop_does_not_start_after_it(
    page: Page, queued: bool
) -> None:
    robot = mb.SimulatedRobot(seed=1)
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        panel = CommandPanel(bot)
        await from_a_thread(
            page, panel, form="drive", params={"left": 30, "right": 30}, queued=queued
        )
        await from_a_thread(page, panel, kind="stop")
        await until(lambda: answers(page, panel, "drive"))
        assert "stopped after this click" in answers(page, panel, "drive")[-1][1]
        await bot.flush()
        assert robot.state()["pose"]["x"] == 100
        await from_a_thread(
            page, panel, form="drive", params={"left": 30, "right": 30, "duration": 0.1}
        )
        await until(lambda: robot.state()["pose"]["x"] > 100)
        panel.close()


@pytest.mark.parametrize("form", ["stop", "emergency_stop"])
async def test_the_form_of_a_stop_waits_for_no_loop(page: Page, form: str) -> None:
    robot = mb.SimulatedRobot(seed=1)
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        panel = CommandPanel(bot)
        await bot.drive(30, 30, duration=5, wait=False)
        assert robot.motion is not None
        await from_a_thread(page, panel, form=form, params={})
        assert robot.motion is None, "and this loop has not run since"
        await until(
            lambda: [state for state, _ in answers(page, panel, form)] == ["running", "done"]
        )
        assert answers(page, panel, form)[-1][1].startswith(f"{form}: done in 0.")
        panel.close()
