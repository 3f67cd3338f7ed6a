"""`mb.sync` and `mb.run` in the cells and callbacks of real kernels."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.helpers.kernels import Kernel


def test_a_plain_cell_drives(kernel: Kernel) -> None:
    driven = kernel.run("""
        with mb.sync.serve(port=0) as server, mb.sync.connect(server) as bot:
            moved = bot.drive(40, 40, duration=0.2)
            distance = server.robot.telemetry()["driven"]
        moved.ended, distance > 0
    """)
    assert driven.result == "('time', True)"


def test_without_an_address_it_brings_its_own_server(kernel: Kernel) -> None:
    kernel.run("with mb.sync.connect() as bot: answer = bot.drive(40, 40, duration=0.1).ended")
    assert kernel.value("answer") == "time"
    kernel.run("for server in local_servers().running(): await server.close()")


def test_a_server_on_the_cells_own_loop_is_refused_in_words(kernel: Kernel) -> None:
    kernel.run("server = await mb.serve(port=0)")
    refused = kernel.run("mb.sync.connect(server)", fails=True)
    assert refused.error == "UsageError"
    assert "mb.serve(thread=True)" in refused.message
    assert refused.traceback.count("Cell In") == 1
    assert "mbot_nb/" not in refused.traceback, "only the reader's own lines are shown"
    assert kernel.run("mb.sync.connect(server.url)", fails=True).error == "UsageError"
    kernel.run("await server.close()")


def test_a_server_on_the_cells_own_loop_is_not_replaced_by_a_plain_one(kernel: Kernel) -> None:
    kernel.run("server = await mb.serve(port=0)\nbot = await mb.connect(server)")
    refused = kernel.run("mb.sync.serve(port=server.port)", fails=True)
    assert refused.error == "UsageError"
    assert "await mb.serve(thread=True)" in refused.message
    assert kernel.value("bot.connected, server.closed") == (True, False)
    for options in ("thread=True", ""):  # what it advises, and back again
        kernel.run(f"server = await mb.serve(port=server.port, {options})")
        kernel.wait("bot.connected and len(server.clients) == 1")
        assert "ended: time" in kernel.run("await bot.drive(20, 20, duration=0.1)").result
    kernel.run("await bot.close(); await server.close()")


def test_a_plain_connect_leaves_the_networks_server_alone(kernel: Kernel) -> None:
    kernel.run("""
        import socket
        from unittest.mock import patch

        bind = socket.socket.bind
        with patch.object(
            socket.socket, "bind", lambda own, address: bind(own, ("127.0.0.1", *address[1:]))
        ):
            # Of this machine alone while this is tested.
            server = await mb.serve(host="0.0.0.0", port=0)
        with (
            patch.object(api, "DEFAULT_PORT", server.port),
            patch.object(registry, "DEFAULT_PORT", server.port),
        ):
            bot = mb.sync.connect()
    """)
    assert kernel.value("server.closed, len(local_servers().running())") == (False, 2)
    kernel.run("bot.close()\nfor one in local_servers().running(): await one.close()")


def test_an_interrupt_ends_the_wait_and_the_motion(kernel: Kernel) -> None:
    kernel.run("server = mb.sync.serve(port=0)\nbot = mb.sync.connect(server)")
    running = kernel.start("print('go', flush=True)\nbot.drive(40, 40, duration=5)")
    kernel.until(running, "go")
    time.sleep(0.2)
    kernel.interrupt()
    interrupted = kernel.finish(running, fails=True)
    assert interrupted.error == "KeyboardInterrupt"
    assert interrupted.seconds < 2.0
    kernel.wait("server.robot.state()['motors']['left'] == 0", patience=1.0)
    assert kernel.value("bot.drive(20, 20, duration=0.1).ended") == "time"
    kernel.run("bot.close(); server.close()")


@pytest.mark.parametrize(
    "before", ["", "await asyncio.sleep(0); "], ids=["plain cell", "cell that awaits too"]
)
def test_an_interrupted_run_stops_the_motion(kernel: Kernel, home: str, before: str) -> None:
    kernel.run(f"server = await mb.serve(port=0, {home})\nbot = await mb.connect(server, {home})")
    running = kernel.start(
        f"{before}print('go', flush=True)\nmb.run(bot.drive(40, 40, duration=8))"
    )
    kernel.until(running, "go")
    time.sleep(0.2)
    kernel.interrupt()
    interrupted = kernel.finish(running, fails=True)
    assert interrupted.error in ("KeyboardInterrupt", "CancelledError")
    assert interrupted.seconds < 2.0
    kernel.wait("not server.robot.state()['motors']['moving']", patience=1.0)
    assert kernel.value("mb.run(bot.drive(20, 20, duration=0.1)).ended") == "time"
    assert "ended: time" in kernel.run("await bot.drive(20, 20, duration=0.1)").result
    kernel.run("await bot.close(); await server.close()")


def test_a_button_calls_and_stops(kernel: Kernel) -> None:
    kernel.run("server = mb.sync.serve(port=0)\nbot = mb.sync.connect(server)\nanswers = []")
    kernel.run("go = button(lambda _: answers.append(bot.drive(30, 30, duration=0.1).ended))")
    kernel.click(kernel.value("go"))
    kernel.wait("answers == ['time']")
    kernel.run("halt = button(lambda _: answers.append(bot.stop().answered))")
    kernel.run("await bot.client.drive(30, 30, duration=3, wait=False)")
    kernel.click(kernel.value("halt"))
    kernel.wait("len(answers) == 2 and server.robot.state()['motors']['left'] == 0", patience=1.0)
    kernel.run("bot.close(); server.close()")


def test_events_in_a_plain_loop(kernel: Kernel) -> None:
    kernel.run("server = mb.sync.serve(port=0)\nbot = mb.sync.connect(server)")
    heard = kernel.run("""
        events = bot.events("hello")
        for number in range(3): server.emit("hello", number)
        [next(events).data for _ in range(3)]
    """)
    assert heard.result == "[0, 1, 2]"
    kernel.run("bot.close(); server.close()")
    assert kernel.value("list(events)") == []


def test_a_cell_run_again_leaves_one_client(kernel: Kernel) -> None:
    for _ in range(3):
        kernel.run("server = mb.sync.serve(port=0)\nbot = mb.sync.connect(server)", cell="start")
    kernel.wait("len(server.clients) == 1 and len(local_servers().running()) == 1")
    kernel.run("bot.close(); server.close()")


def test_a_handler_on_the_io_thread_is_told_and_nothing_hangs(kernel: Kernel) -> None:
    subscribed = kernel.run("""
        server = mb.sync.serve(port=0)
        bot = mb.sync.connect(server)
        bot.subscribe("hello", lambda event: bot.drive(20, 20))
        server.emit("hello")
    """)
    kernel.wait("bot.client.handler_errors")
    kernel.run("1")
    assert "a synchronous call from the I/O thread would wait for itself" in subscribed.stderr
    assert kernel.value("bot.drive(20, 20, duration=0.1).ended") == "time"
    kernel.run("bot.close(); server.close()")


def test_run_takes_a_coroutine_in_a_plain_cell_function(kernel: Kernel, home: str) -> None:
    kernel.run(f"""
        def work():
            server = mb.run(mb.serve(port=0, {home}))
            bot = mb.run(mb.connect(server.url, {home}))
            ended = mb.run(bot.drive(20, 20, duration=0.2)).ended
            mb.run(bot.close())
            mb.run(server.close())
            return ended
    """)
    assert kernel.value("work()") == "time"
    assert kernel.value("[work(), work()]") == ["time", "time"]
    # The kernel goes on as before: cells that await, and tasks.
    assert (
        kernel.run(
            "await asyncio.sleep(0.01); await asyncio.gather(asyncio.sleep(0, 1), asyncio.sleep(0, "
            "2))"
        ).result
        == "[1, 2]"
    )


def test_run_takes_a_coroutine_in_a_button(kernel: Kernel) -> None:
    kernel.run("server = await mb.serve(port=0)\nbot = await mb.connect(server)\nanswers = []")
    kernel.run(
        "go = button(lambda _: answers.append(mb.run(bot.drive(30, 30, duration=0.1)).ended))"
    )
    for count in (1, 2):
        kernel.click(kernel.value("go"))
        kernel.wait(f"answers == ['time'] * {count}")
    kernel.run("await bot.close(); await server.close()")


def test_clicks_and_cells_survive_a_nested_run(kernel: Kernel) -> None:
    kernel.run("clicks = []\nclick = button(lambda _: clicks.append(1))")
    click = kernel.value("click")
    running = kernel.start("print('go', flush=True)\nmb.run(asyncio.sleep(0.3))")
    kernel.until(running, "go")
    for _ in range(3):
        kernel.click(click)
    queued = kernel.start("'queued'")
    kernel.finish(running)
    assert kernel.finish(queued).result == "'queued'"
    kernel.wait("len(clicks) == 3")
