"""The panels as a person uses them: connect by clicking, listen, lose the server and find it
again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

import mbot_nb as mb
from tests.helpers.browser import (
    CONNECTED,
    IMPORT,
    STOP_AVAILABILITY,
    assert_clean,
    field,
    panel_of,
)

if TYPE_CHECKING:
    from tests.helpers.browser import Notebook

    Open = Callable[..., Notebook]


@pytest.mark.parametrize("version", ["6.31.0", "7.3.0"])
def test_connected_by_clicking(open_notebook: Open, version: str) -> None:
    """Without a line of code for it: simulator, Connect; the countdown when the server is gone; and
    it heals."""
    notebook = open_notebook([f"{IMPORT}\npanel = mb.widgets.ConnectPanel()\npanel"], version)
    notebook.run_all()
    panel = panel_of(notebook, "connect")
    expect(field(panel, "connection")).to_have_text("Not connected")
    expect(field(panel, "stop-availability")).to_have_text("")
    notebook.screenshot(f"connect-before-{version}")
    panel.get_by_role("button", name="Connect to the robot").click()
    expect(field(panel, "connection")).to_have_text("Connected")
    expect(field(panel, "details")).to_contain_text("extended profile")
    expect(field(panel, "stop-availability")).to_have_text(STOP_AVAILABILITY[version])
    assert notebook.value("panel.bot.connected")
    notebook.execute("await panel.bot.drive(30, 30, duration=0.2)")
    notebook.screenshot(f"connect-{version}")
    # The server goes ...
    notebook.execute(
        "server = mb.embedded.registry.local_servers().running()[-1]; port = server.port; "
        "await server.close()"
    )
    expect(field(panel, "connection")).to_have_text("Connection lost")
    expect(field(panel, "countdown")).to_contain_text("Attempt")
    expect(field(panel, "trouble")).to_contain_text(
        "Start a server there first (`server = await mb.serve()`), check the port; this"
    )
    expect(field(panel, "countdown")).to_have_text("Attempt 4 in 3 s", timeout=15000)
    notebook.screenshot(f"connect-lost-{version}")
    panel.get_by_role("button", name="Try to connect now").click()
    expect(field(panel, "countdown")).to_have_text("Attempt 2 in 1 s")
    expect(field(panel, "countdown")).to_have_text("Attempt 4 in 3 s")
    # ... and comes again.
    notebook.execute("server = await mb.serve(port=port)")
    panel.get_by_role("button", name="Try to connect now").click()
    expect(field(panel, "connection")).to_have_text("Connected")
    expect(field(panel, "trouble")).to_be_hidden()
    panel.get_by_role("button", name="Disconnect").click()
    expect(field(panel, "connection")).to_have_text("Not connected")
    expect(field(panel, "stop-availability")).to_have_text("")
    assert notebook.value("panel.bot is None")
    assert_clean(notebook, without_a_server=True)


def test_what_is_remembered_and_giving_up(open_notebook: Open) -> None:
    notebook = open_notebook([f"{IMPORT}\npanel = mb.widgets.ConnectPanel()\npanel"])
    notebook.run_all()
    panel = panel_of(notebook, "connect")
    where, connect = (
        panel.get_by_label("Robot", exact=True),
        panel.get_by_role("button", name="Connect to the robot"),
    )
    connect.click()
    expect(field(panel, "connection")).to_have_text("Connected")
    panel.get_by_role("button", name="Disconnect").click()
    expect(where.locator("optgroup")).to_have_count(0)
    with mb.sync.serve(mb.SimulatedRobot(seed=1), port=0) as server:
        address, port = f"127.0.0.1:{server.server.port}", server.server.port
        where.select_option("another address …")
        panel.get_by_label("Address, as").fill(address)
        connect.click()
        expect(field(panel, "connection")).to_have_text("Connected")
    with mb.sync.serve(mb.SimulatedRobot(seed=1), port=port, token="secret"):
        retry = panel.get_by_role("button", name="Try to connect now")
        retry.click()
        expect(field(panel, "connection")).to_have_text("Given up")
        expect(field(panel, "countdown")).to_be_hidden()
        expect(field(panel, "trouble")).to_contain_text(
            'Press Disconnect, open "Token and batching", type the token'
        )
        expect(retry).to_be_visible()
        notebook.screenshot("connect-given-up")
        # What it advises can be done.
        panel.get_by_role("button", name="Disconnect").click()
        expect(field(panel, "connection")).to_have_text("Not connected")
        panel.get_by_text("Token and batching").click()
        panel.get_by_label("Token").fill("secret")
        where.select_option(address)
        connect.click()
        expect(field(panel, "connection")).to_have_text("Connected")
        panel.get_by_role("button", name="Disconnect").click()
        expect(field(panel, "connection")).to_have_text("Not connected")
    assert where.locator("optgroup option").all_text_contents() == [address]
    assert_clean(notebook, without_a_server=True)


def test_a_server_that_is_killed_is_told_and_its_successor_is_found(
    open_notebook: Open, tmp_path: Path
) -> None:
    """Not closed: its process is gone without a word."""
    environment = os.environ | {"MBOT_NB_RUNTIME_DIR": str(tmp_path)}

    @contextmanager
    def serve(port: int) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-m", "mbot_nb", "serve", "--port", str(port)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        ) as server:
            try:
                yield server
            finally:
                server.kill()

    notebook = open_notebook([f"{IMPORT}\npanel = mb.widgets.ConnectPanel()\npanel"])
    notebook.run_all()
    panel = panel_of(notebook, "connect")
    with serve(0) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        panel.get_by_label("Robot", exact=True).select_option("another address …")
        panel.get_by_label("Address, as").fill(url)
        panel.get_by_role("button", name="Connect to the robot").click()
        expect(field(panel, "connection")).to_have_text("Connected")
        notebook.execute("await panel.bot.drive(30, 30, duration=5, wait=False)")
        server.kill()
    expect(field(panel, "connection")).to_have_text("Connection lost")
    expect(field(panel, "countdown")).to_have_text(re.compile(r"Attempt \d in \d+ s"))
    expect(field(panel, "trouble")).to_contain_text("connection refused")
    with serve(int(url.rpartition(":")[2])) as server:
        expect(field(panel, "connection")).to_have_text("Connected")
        expect(field(panel, "trouble")).to_be_hidden()
        assert notebook.value("panel.bot.state.pose.x") == 100, (
            "it is another robot, at its own beginning"
        )
        panel.get_by_role("button", name="Disconnect").click()
        expect(field(panel, "connection")).to_have_text("Not connected")
    assert_clean(notebook, without_a_server=True)


def test_events_are_ticked_seen_and_looked_into(open_notebook: Open) -> None:
    cell = "panel = mb.widgets.SubscribePanel(bot, events=['hello'])\npanel"
    notebook = open_notebook([CONNECTED + cell])
    notebook.run_all()
    panel = panel_of(notebook, "subscribe")
    log = panel.get_by_role("listbox")
    notebook.execute("for number in range(3): server.emit('hello', {'number': number})")
    expect(log.get_by_role("option")).to_have_count(3)
    notebook.execute("await bot.drive(40, 40, duration=0.5)")
    expect(panel.get_by_role("list").get_by_text("telemetry")).to_be_visible()
    expect(log.get_by_role("option")).to_have_count(3)
    log.get_by_role("option").nth(1).click()
    frame = panel.get_by_role("region", name="The message of the chosen event")
    expect(frame).to_contain_text('"number": 1')
    expect(frame).to_contain_text('"type": "event"')
    expect(panel.get_by_role("textbox", name="the code that subscribes")).to_contain_text(
        'bot.subscribe("hello", on_hello)'
    )
    panel.get_by_label("Another event").fill("goodbye")
    panel.get_by_label("Another event").press("Enter")
    notebook.wait("'goodbye' in panel._ticked")
    notebook.execute("server.emit('goodbye', {})")
    expect(log.get_by_role("option")).to_have_count(4)
    panel.get_by_label("Filter").fill("goodbye")
    expect(log.get_by_role("option")).to_have_count(1)
    panel.get_by_label("Filter").fill("")
    panel.get_by_role("button", name="Pause the log").click()
    notebook.wait("panel._paused")
    notebook.execute("server.emit('hello', {'number': 4})")
    expect(panel.get_by_text("1 came meanwhile")).to_be_visible()
    expect(log.get_by_role("option")).to_have_count(4)
    panel.get_by_role("button", name="Pause the log").click()
    # Of a burst the last are listed, and the rest is told.
    notebook.execute("for number in range(450): server.emit('hello', {'number': number})")
    expect(log.get_by_text(re.compile(r"^\d+ more came before these"))).to_be_visible()
    expect(log.get_by_text('"number": 449')).to_be_visible()
    notebook.screenshot("subscribe-burst")
    panel.get_by_label('everything ("*")').check()
    notebook.wait("'*' in panel._ticked")
    notebook.execute("await bot.drive(40, 40, duration=0.3)")
    expect(log.get_by_text("telemetry").first).to_be_visible()
    # What a function of the user's raises is shown here, with its name.
    notebook.execute(
        "def broken(event):\n    return 1 / 0\nend = panel.on('hello', "
        "broken)\nserver.emit('hello', {})"
    )
    expect(panel.locator(".mbot-trouble")).to_contain_text(
        "Your handler broken failed on 'hello'. ZeroDivisionError"
    )
    expect(panel.locator(".mbot-trouble")).to_be_visible()
    notebook.screenshot("subscribe")
    assert_clean(notebook)


def test_statistics_are_counted_and_round_trips_measured(open_notebook: Open) -> None:
    notebook = open_notebook(
        [CONNECTED + "panel = mb.widgets.StatsPanel(bot)\npanel", "time.sleep(0.4)"]
    )
    notebook.run_cell(0)
    panel = panel_of(notebook, "stats")
    panel.get_by_role("button", name="Measure 100 round trips").click()
    expect(panel.get_by_role("progressbar")).to_be_visible()
    expect(field(panel, "n")).to_have_text("101")
    notebook.run_cell(1)
    expect(field(panel, "lag")).to_have_text(re.compile(r"[3-9]\d\d\.\d ms in 10 s"), timeout=5000)
    notebook.screenshot("stats")
    panel.get_by_role("button", name="Measure 100 round trips").click()
    panel.get_by_role("button", name="End the measurement").click()
    expect(panel.get_by_role("progressbar")).to_be_hidden()
    assert 101 < notebook.value("bot.latency.count") < 201
    assert_clean(notebook)
