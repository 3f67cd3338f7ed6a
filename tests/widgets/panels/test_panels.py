"""What the panels do when their page asks, and that nothing of them stays."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb.loops.monitor import LoopMonitor
from mbot_nb.widgets import Cockpit, CommandPanel, StatsPanel, SubscribePanel
from tests.helpers.waiting import until
from tests.helpers.widget_page import Page, answers, latest, said

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
    monkeypatch.setattr("mbot_nb.widgets.panels.command.STALE", 0.1)
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


async def test_motion_that_was_clicked_before_a_stop_does_not_start_after_it(page: Page) -> None:
    robot = mb.SimulatedRobot(seed=1)
    async with mb.serve(robot, port=0) as server, mb.connect(server) as bot:
        panel = CommandPanel(bot)
        for queued in (False, True):
            await from_a_thread(
                page, panel, form="drive", params={"left": 30, "right": 30}, queued=queued
            )
            await from_a_thread(page, panel, kind="stop")
            await until(lambda: answers(page, panel, "drive")[-1:])
            assert "stopped after this click" in answers(page, panel, "drive")[-1][1]
            panel._answers.clear()
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


# Events.


async def test_ticked_events_are_listed_counted_and_looked_into(page: Page) -> None:
    async with mb.serve(port=0) as server, mb.connect(server) as bot:
        panel = SubscribePanel(bot, ["hello"])
        page.send(panel, kind="show", view="a")
        for number in range(3):
            server.emit("hello", {"number": number})
            server.emit("other", {})
        await until(lambda: sum(len(m.get("rows", ())) for m in page.messages(panel)) == 3)
        counts = {name: count for name, count, _, _ in latest(page, panel, "events")}
        assert (counts["hello"], counts["other"]) == (3, 3), "what is not ticked is counted, too"
        page.send(panel, kind="frame", number=2)
        frame = json.loads(latest(page, panel, "text"))
        assert frame["payload"] == {"event": "hello", "data": {"number": 1}}
        page.send(panel, kind="tick", event="*", on=True)
        server.emit("other", {})
        await until(lambda: (latest(page, panel, "rows") or [["", 0, ""]])[-1][2] == "other")
        panel.close()


async def test_a_paused_log_keeps_what_it_has(page: Page) -> None:
    async with mb.serve(port=0) as server, mb.connect(server) as bot:
        panel = SubscribePanel(bot, ["hello"])
        page.send(panel, kind="show", view="a")
        server.emit("hello", {"number": 0})
        await until(lambda: panel._log)
        page.send(panel, kind="pause", on=True)
        for number in range(700):
            server.emit("hello", {"number": number})
        await until(lambda: latest(page, panel, "held_back") == 700)
        page.send(panel, kind="frame", number=1)
        assert '"number": 0' in latest(page, panel, "text")
        page.send(panel, kind="pause", on=False)
        for number in range(700):
            server.emit("hello", {"number": number})
        await until(lambda: panel._number == 701)
        assert len(panel._log) == 500, "it is bounded"
        page.send(panel, kind="frame", number=1)
        assert "not kept" in latest(page, panel, "text")
        panel.close()


async def test_handlers_plain_and_async_and_what_they_raise_is_shown_in_the_panel_and_nowhere_else(
    page: Page, caplog: pytest.LogCaptureFixture
) -> None:
    async with mb.serve(port=0) as server, mb.connect(server) as bot:
        panel = SubscribePanel(bot, [])
        page.send(panel, kind="show", view="a")
        heard: list[str] = []

        def plain(event: mb.Event) -> None:
            heard.append("plain")
            raise ValueError("no such thing")

        async def slow(event: mb.Event) -> None:
            await asyncio.sleep(0)
            heard.append("async")
            asyncio.run(None)  # type: ignore[arg-type]

        panel.on("hello", plain)
        end = panel.on("hello", slow)
        server.emit("hello", {})
        await until(lambda: len(latest(page, panel, "failures") or ()) == 2)
        first, second = latest(page, panel, "failures")
        assert "plain failed on 'hello'. ValueError: no such thing" in first
        assert "What to do: a notebook's event loop runs already" in second
        assert sorted(heard) == ["async", "plain"]
        end()
        server.emit("hello", {})
        await until(lambda: len(heard) == 3)
        assert caplog.records == []
        assert bot.handler_errors == []
        panel.close()
        server.emit("hello", {})
        await bot.ping()
        assert len(heard) == 3, "they end with the panel"


async def test_what_a_burst_left_out_is_told_by_its_count(page: Page) -> None:
    async with mb.serve(port=0) as server, mb.connect(server) as bot:
        panel = SubscribePanel(bot, ["hello"])
        page.send(panel, kind="show", view="a")
        for came in (200, 400):  # the same number twice is told twice
            for number in range(200):
                server.emit("hello", {"number": number})
            await until(lambda came=came: (latest(page, panel, "rows") or [[0]])[-1][0] == came)  # type: ignore[misc]
        rows = [
            row
            for message in page.messages(panel)
            if message["kind"] == "changed"
            for row in message.get("rows", ())
        ]
        listed, more = [row for row in rows if row[0]], [row for row in rows if row[0] is None]
        assert len(listed) + sum(int(row[3].split()[0]) for row in more) == 400
        assert len(more) >= 2
        page.send(panel, kind="show", view="b")
        assert len(latest(page, panel, "rows")) == 400, (
            "a page that is opened now gets all that is kept"
        )
        panel.close()


async def test_a_burst_is_few_messages(page: Page) -> None:
    async with mb.serve(port=0) as server, mb.connect(server) as bot:
        panel = SubscribePanel(bot, ["*"])
        page.send(panel, kind="show", view="a")
        began = time.monotonic()
        for number in range(400):
            server.emit("hello", {"number": number})
            if number % 20 == 0:
                await asyncio.sleep(0.05)
        await until(lambda: panel._number >= 400)
        await until(lambda: (latest(page, panel, "rows") or [[0]])[-1][0] == panel._number)
        assert len(page.messages(panel)) <= 10 * (time.monotonic() - began) + 3
        panel.close()


def test_one_name_instead_of_a_list_is_told_in_words() -> None:
    with pytest.raises(mb.UsageError, match=r'events=\["hello"\]'):
        SubscribePanel(None, "hello")  # type: ignore[arg-type]


# Statistics.


async def test_the_loop_is_watched_only_while_somebody_looks(page: Page, bot: mb.Client) -> None:
    monitor = LoopMonitor.of(asyncio.get_running_loop())
    panel = StatsPanel(bot)
    assert not monitor.watching
    page.send(panel, kind="show", view="a")
    assert monitor.watching
    page.send(panel, kind="hide", view="a")
    assert not monitor.watching
    page.send(panel, kind="show", view="a")
    panel.close()
    assert not monitor.watching


async def test_round_trips_are_measured_with_progress_and_can_be_cancelled(
    page: Page, bot: mb.Client
) -> None:
    panel = StatsPanel(bot)
    page.send(panel, kind="show", view="a")
    page.send(panel, kind="measure")
    await until(lambda: latest(page, panel, "measured") == 10)
    page.send(panel, kind="cancel")
    await until(lambda: latest(page, panel, "measured") is None)
    count = latest(page, panel, "trips")["n"]
    assert 10 <= count < 100
    assert latest(page, panel, "trips")["median"] > 0
    assert latest(page, panel, "flow")["frames_out"][0] >= count
    panel.close()


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
