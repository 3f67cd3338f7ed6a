"""Servers and clients in the cells of real kernels: made, used, blocked, interrupted, run again,
restarted, closed."""

from __future__ import annotations

import socket
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.helpers.connections import unused_port
from tests.helpers.kernels import begin, end

if TYPE_CHECKING:
    from tests.helpers.kernels import Kernel


def test_a_motion_from_a_cell(kernel: Kernel, home: str) -> None:
    begin(kernel, home)
    moved = kernel.run("await bot.drive(left=40, right=40, duration=0.2)")
    assert "ended: time" in moved.result
    assert 0.2 <= moved.seconds < 1.0
    assert kernel.value("server.robot.telemetry()['driven']") > 0
    end(kernel)


def test_the_same_server_serves_cell_after_cell_while_the_kernel_idles(
    kernel: Kernel, home: str
) -> None:
    begin(kernel, home)
    kernel.run("""
        heard = []
        bot.subscribe("telemetry", lambda event: heard.append(event.received))
        await bot.drive(20, 20, duration=0.4, wait=False)
    """)
    time.sleep(0.4)  # the page does nothing, and no cell runs
    times = kernel.value("heard")
    assert len(times) >= 3
    assert max(b - a for a, b in pairwise(times)) < 0.3
    end(kernel)


def test_a_cell_that_sleeps_costs_its_own_seconds_and_nothing_else(
    kernel: Kernel, home: str
) -> None:
    begin(kernel, home)
    kernel.run("""
        await bot.drive(40, 40, duration=0.5, wait=False)
        while stands(): await asyncio.sleep(0.002)
        begun = time.monotonic()
        stood = when(stands)
        connections = bot.stats.connections
        time.sleep(2)
    """)
    lasted = kernel.value("stood[0] - begun")
    assert 0.3 < lasted < 1.0, "the motion ended by its own clock, not by the cell's"
    moved = kernel.run("await bot.drive(20, 20, duration=0.1)")
    assert moved.seconds < 1.0
    kernel.wait("not bot.state.motors.moving")
    assert kernel.value("bot.stats.connections - connections, bot.connected") == (0, True)
    end(kernel)


def test_the_io_thread_goes_on_while_a_cell_blocks(kernel: Kernel) -> None:
    begin(kernel, "thread=True")
    kernel.run("""
        heard = []
        bot.subscribe("telemetry", lambda event: heard.append(event.received))
        await bot.drive(20, 20, duration=0.5, wait=False)
        begun = time.monotonic()
        time.sleep(0.5)
        inside = [at for at in heard if at > begun]
    """)
    assert kernel.value("len(inside)") >= 3
    end(kernel)


def test_an_interrupted_wait_for_a_motion_stops_the_robot_and_nothing_else(
    kernel: Kernel, home: str
) -> None:
    begin(kernel, home)
    running = kernel.start("print('go', flush=True)\nawait bot.drive(40, 40, duration=5)")
    kernel.until(running, "go")
    time.sleep(0.2)
    kernel.interrupt()
    interrupted = kernel.finish(running, fails=True)
    assert interrupted.error in ("CancelledError", "KeyboardInterrupt")
    assert interrupted.seconds < 2.0
    if interrupted.error == "CancelledError":
        assert (
            "What to do: the cell was interrupted while it waited. A motion it waited for was "
            "stopped"
        ) in interrupted.stdout
    kernel.wait("stands()", patience=1.0)
    assert kernel.value("bot.connected, bot.stats.connections") == (True, 1)
    assert "ended: time" in kernel.run("await bot.drive(20, 20, duration=0.1)").result
    end(kernel)


def test_an_interrupted_block_leaves_everything_usable(kernel: Kernel, home: str) -> None:
    begin(kernel, home)
    running = kernel.start("print('go', flush=True)\ntime.sleep(10)")
    kernel.until(running, "go")
    kernel.interrupt()
    assert kernel.finish(running, fails=True).error == "KeyboardInterrupt"
    assert "ended: time" in kernel.run("await bot.drive(20, 20, duration=0.1)").result
    end(kernel)


@pytest.mark.parametrize("fixed", [True, False], ids=["port=4000-like", "port=0"])
def test_a_start_cell_run_again_replaces_the_earlier_one(
    kernel: Kernel, home: str, fixed: bool
) -> None:
    port = unused_port() if fixed else 0
    begin(kernel, home, port=port)
    first = kernel.value("server.url")
    again = kernel.run(
        f"server = await mb.serve(port={port}, {home})\nbot = await mb.connect(server.url, {home})",
        cell="start",
    )
    assert f"The server that ran at {first} was replaced" in again.stdout
    assert (kernel.value("server.url") == first) is fixed
    assert kernel.value("len(local_servers().running()), len(server.clients)") == (1, 1)
    assert "ended: time" in kernel.run("await bot.drive(20, 20, duration=0.1)").result
    end(kernel)


def test_a_connect_cell_run_again_leaves_one_client_and_one_handler(
    kernel: Kernel, home: str
) -> None:
    kernel.run(f"server = await mb.serve(port=0, {home})")
    cell = f"""
        bot = await mb.connect(server.url, {home})
        bot.subscribe("hello", lambda event: heard.append(event.data))
    """
    kernel.run("heard = []")
    kernel.run(cell, cell="connect")
    kernel.run(cell, cell="connect")
    kernel.run(cell.replace("hello", "hello") + "\n        edited = True", cell="connect")
    kernel.wait("len(server.clients) == 1")
    kernel.run("server.emit('hello', 1)\nawait bot.flush()")
    assert kernel.value("heard") == [1]
    end(kernel)


def test_a_client_made_again_in_another_cell_leaves_one_and_says_so(
    kernel: Kernel, home: str
) -> None:
    kernel.run(f"server = await mb.serve(port=0, {home})")
    kernel.run(f"bot = await mb.connect(server, {home})", cell="one")
    again = kernel.run(f"bot = await mb.connect(server, {home})", cell="two")
    assert "Closed, since no name stands for it any more" in again.stdout
    kernel.wait("len(server.clients) == 1")
    assert "ended: time" in kernel.run("await bot.drive(20, 20, duration=0.1)").result
    # Named otherwise, both stay.
    assert kernel.run(f"other = await mb.connect(server, {home})", cell="three").stdout == ""
    assert kernel.value("[bot.connected, other.connected]") == [True, True]
    kernel.run("await other.close()")
    end(kernel)


@pytest.mark.parametrize(
    "use",
    [
        "display(mb.widgets.Card(bot))",
        "click = button(bot.stop)",
        "import functools; click = button(functools.partial(bot.send, 'stop'))",
        "click = button((lambda robot: lambda _: robot.stop())(bot))",
        (
            "async def patrol(robot):\n    await asyncio.sleep(9)\ntask = "
            "asyncio.create_task(patrol(bot)); del patrol"
        ),
        (
            "def guard(robot):\n    over.wait()\nover = threading.Event(); "
            "threading.Thread(target=guard, args=[bot]).start()"
        ),
        "from collections import namedtuple; team = {'red': [namedtuple('Player', 'robot')(bot)]}",
    ],
    ids=["card", "method", "partial", "closure", "task", "thread", "team"],
)
def test_a_client_that_something_still_uses_stays(kernel: Kernel, use: str) -> None:
    kernel.run("server = await mb.serve(port=0)\nbot = await mb.connect(server)", cell="one")
    kernel.run(use)
    assert kernel.run("bot = await mb.connect(server)", cell="two").stdout == ""
    kernel.run("await bot.ping()")
    assert kernel.value("len(server.clients)") == 2
    kernel.run("if 'over' in globals(): over.set()\nif 'task' in globals(): task.cancel()")
    kernel.run("for name in ('task', 'team', 'click', 'over'): globals().pop(name, None)")
    kernel.run(
        "await close_everything(); buttons.clear()\nfrom ipywidgets import Widget; "
        "Widget.close_all()"
    )


def test_clients_that_are_kept_stay_when_their_cell_runs_again(kernel: Kernel) -> None:
    kernel.run("server, robots = await mb.serve(port=0), []")
    for _ in range(2):
        kernel.run("robots.append(await mb.connect(server.url))", cell="collect")
        kernel.run(
            "class Team: pass\nteam = Team()\nteam.captain = await mb.connect(server.url)"
            if not _
            else "1",
            cell="team",
        )
    assert kernel.value("[bot.connected for bot in robots], team.captain.connected") == (
        [True, True],
        True,
    )
    kernel.run("for bot in [*robots, team.captain]: await bot.close()\nawait server.close()")


def test_a_subscribe_cell_run_again_hears_everything_once(kernel: Kernel, home: str) -> None:
    begin(kernel, home)
    kernel.run("heard = []")
    for _ in range(3):
        kernel.run(
            "def listen(event): heard.append(event.data)\nbot.subscribe('hello', listen)",
            cell="subscribe",
        )
    kernel.run("server.emit('hello', 1)\nawait bot.flush()")
    assert kernel.value("heard") == [1]
    end(kernel)


def test_restart_and_run_all_twice_without_closing_anything(fresh_kernel: Kernel) -> None:
    ports = unused_port(), unused_port()
    cells = (
        "import mbot_nb as mb",
        f"server = await mb.serve(port={ports[0]})",
        f"beside = await mb.serve(port={ports[1]}, thread=True)",
        "bot = await mb.connect(server)",
        "await bot.drive(left=40, right=40, duration=0.1)",
        "other = await mb.connect(beside, thread=True)",
        "await other.drive(left=40, right=40, duration=5, wait=False)",
    )
    for _ in range(2):
        for number, cell in enumerate(cells):
            fresh_kernel.run(cell, cell=str(number))
        fresh_kernel.restart()
        for port in ports:
            with socket.socket() as probe:
                # As the server itself does: what lingers of old connections is no hindrance.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))


def test_closing_twice_and_using_what_is_closed(kernel: Kernel, home: str) -> None:
    begin(kernel, home)
    end(kernel)
    end(kernel)
    used = kernel.run("await bot.drive(20, 20, duration=0.1)", fails=True)
    assert used.error == "NotConnectedError"
    assert "await mb.connect()" in used.message
    assert kernel.value("[bot.connected, server.closed]") == [False, True]


def test_async_with_closes(kernel: Kernel, home: str) -> None:
    kernel.run(f"""
        async with mb.serve(port=0, {home}) as server, mb.connect(server.url, {home}) as bot:
            await bot.drive(20, 20, duration=0.1)
    """)
    assert kernel.value("bot.connection_state, server.closed") == ("disconnected", True)
