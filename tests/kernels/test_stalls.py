"""Whoever blocks a loop is told so, once, in words, below the cell that ran last."""

from __future__ import annotations

import re
import socket
import time
from typing import TYPE_CHECKING

import pytest
from websockets.sync.client import connect

if TYPE_CHECKING:
    from tests.helpers.kernels import Kernel

pytestmark = pytest.mark.every_kernel


def test_it_is_said_below_a_cell_though_a_page_speaks_meanwhile(kernel: Kernel) -> None:
    """What a click prints goes to the click, which shows it nowhere; the words are the last
    cell's."""
    kernel.run("server = await mb.serve(port=0)\nbot = await mb.connect(server.url)")
    click = kernel.value("button(lambda _: None)")
    blocking = kernel.start("time.sleep(1.3)")
    kernel.finish(blocking)
    kernel.click(click)
    kernel.until(blocking, "blocked the loop", patience=4)
    kernel.run("await bot.close(); await server.close()")


def test_a_blocking_cell_is_told_once_below_itself(kernel: Kernel) -> None:
    kernel.run(
        "server = await mb.serve(port=0)\nbot = await mb.connect(server.url)\nother = await "
        "mb.connect(server.url)"
    )
    first = kernel.start("await other.close()  # is no loss\ntime.sleep(1.5)")
    kernel.until(first, "blocked the loop", patience=4)
    again = kernel.start("time.sleep(1.2)")
    kernel.until(again, "blocked the loop", patience=4)
    quiet = kernel.run("time.sleep(0.4); await asyncio.sleep(0.8)")
    words = kernel.finish(first).stderr.strip()
    assert re.fullmatch(
        r"cell \[\d+\] blocked the loop for 1\.[456] s; connections survived; "
        r"thread=True avoids this.*",
        words,
    )
    words = kernel.finish(again).stderr.strip()
    assert re.fullmatch(
        r"cell \[\d+\] blocked the loop again for 1\.[123] s; connections survived\.", words
    )
    assert quiet.stderr == ""
    kernel.run("await bot.close(); await server.close()")


def test_the_cell_is_named_though_the_next_one_has_begun(kernel: Kernel) -> None:
    kernel.run("server = await mb.serve(port=0)")
    blocking = kernel.start("time.sleep(1.5)\n'my number is on the page'")
    following = kernel.start("await asyncio.sleep(1.5)")
    kernel.until(None, "blocked the loop", patience=5)
    kernel.finish(blocking)
    words = kernel.finish(following).stderr + kernel.finish(blocking).stderr
    number = kernel.value(
        "[number for number, value in Out.items() if value == 'my number is on the page'][-1]"
    )
    assert f"cell [{number}] blocked the loop for 1." in words
    # One that still runs is named, too.
    running = kernel.start("time.sleep(1.5)\nawait asyncio.sleep(1)\n'and mine'")
    kernel.until(running, "blocked the loop", patience=5)
    words = kernel.finish(running).stderr
    number = kernel.value("[number for number, value in Out.items() if value == 'and mine'][-1]")
    assert f"cell [{number}] blocked the loop again for 1." in words
    kernel.run("await server.close()")


def test_what_a_monitor_measures_is_told(usual_kernel: Kernel) -> None:
    usual_kernel.run("""
        from mbot_nb.loops.monitor import LoopMonitor

        server = await mb.serve(port=0)
        monitor = LoopMonitor.of(server.home.loop)
        monitor.hold()
        await asyncio.sleep(0.1)
    """)
    blocking = usual_kernel.start("time.sleep(1.15)")
    usual_kernel.until(blocking, "blocked the loop", patience=4)
    words = usual_kernel.finish(blocking).stderr
    measured = usual_kernel.value("max(stall.seconds for stall in monitor.stalls())")
    usual_kernel.run("monitor.release()\nawait server.close()")
    assert f"for {measured:.1f} s" in words


def test_connections_that_were_lost_meanwhile_are_counted(kernel: Kernel) -> None:
    kernel.run("server = await mb.serve(port=0)")
    with connect(kernel.value("server.url"), proxy=None) as outside:
        outside.recv(timeout=2)
        kernel.run("await asyncio.sleep(0.2)")
        blocking = kernel.start("print('go', flush=True)\ntime.sleep(1.2)")
        kernel.until(blocking, "go")
        outside.socket.shutdown(socket.SHUT_RDWR)
        kernel.until(blocking, "1 connection was lost", patience=4)
    kernel.finish(blocking)
    kernel.run("await server.close()")


def test_a_cell_does_not_block_the_io_thread_but_a_handler_may(kernel: Kernel) -> None:
    kernel.run(
        "server = await mb.serve(port=0, thread=True)\nbot = await mb.connect(server.url, "
        "thread=True)"
    )
    cell = kernel.run("time.sleep(1.2)")
    time.sleep(0.7)  # whoever had something to say has said it
    blocking = kernel.start(
        "bot.subscribe('hello', lambda event: time.sleep(1.2))\nserver.emit('hello')"
    )
    # ipykernel 6 shows what the I/O thread says below the cell that started this thread.
    shown = None if kernel.version.startswith("6") else blocking
    kernel.until(shown, "a handler blocked the I/O thread for 1.", patience=4)
    kernel.until(shown, "make it shorter, or `async`", patience=1)
    kernel.finish(blocking)
    assert cell.stderr == ""
    kernel.run("await bot.close(); await server.close()")
