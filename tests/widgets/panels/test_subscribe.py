"""The subscribe panel: events are listed, counted and paused."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

import mbot_nb as mb
from mbot_nb.widgets import SubscribePanel
from tests.helpers.waiting import until
from tests.helpers.widget_page import Page, latest

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
        await until(lambda: latest(page, panel, "rows"))
        page.send(panel, kind="pause", on=True)
        for number in range(700):
            server.emit("hello", {"number": number})
        await until(lambda: latest(page, panel, "held_back") == 700)
        page.send(panel, kind="frame", number=1)
        assert '"number": 0' in latest(page, panel, "text")
        page.send(panel, kind="pause", on=False)
        for number in range(700):
            server.emit("hello", {"number": number})
        await until(lambda: latest(page, panel, "rows")[-1][0] == 701)
        page.send(panel, kind="show", view="b")
        assert len(latest(page, panel, "rows")) == 500, "it is bounded"
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
        await until(lambda: (latest(page, panel, "rows") or [[0]])[-1][0] >= 400)
        assert len(page.messages(panel)) <= 10 * (time.monotonic() - began) + 3
        panel.close()


def test_one_name_instead_of_a_list_is_told_in_words() -> None:
    with pytest.raises(mb.UsageError, match=r'events=\["hello"\]'):
        SubscribePanel(None, "hello")  # type: ignore[arg-type]
