"""The same without await, in plain Python; in notebooks see kernels/test_without_await.py."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

import mbot_nb as mb
from mbot_nb import sync
from mbot_nb.loops.home import Home


@pytest.fixture
def server() -> Iterator[sync.SyncServer]:
    with sync.serve(port=0) as server:
        yield server


@pytest.fixture
def bot(server: sync.SyncServer) -> Iterator[sync.SyncClient]:
    with sync.connect(server) as bot:
        yield bot


@pytest.mark.parametrize(
    ("plain", "awaited"), [(sync.SyncClient, mb.Client), (sync.SyncServer, mb.Server)]
)
def test_it_has_the_same_names(
    plain: type, awaited: type, bot: sync.SyncClient, server: sync.SyncServer
) -> None:
    names = {name for name in dir(awaited) if not name.startswith("_")} - {"open"}
    assert names <= set(dir(plain))
    one, other = (bot, bot.client) if plain is sync.SyncClient else (server, server.server)
    for name in names - {
        "state_age",
        "uptime",
        "latency",
        "stats",
        "batch",
    }:  # these change from one look to the next
        if isinstance(getattr(awaited, name, None), property):
            assert getattr(one, name) == getattr(other, name), name


def test_a_motion_a_ping_a_flush(bot: sync.SyncClient, server: sync.SyncServer) -> None:
    assert bot.drive(40, 40, duration=0.1).ended == "time"
    assert 0 < bot.ping() < 1
    bot.send("set_led", r=1, g=2, b=3)
    bot.flush()
    assert server.robot.state()["leds"][0] == [1, 2, 3]
    assert bot.send_command("set_led", r=4, g=5, b=6).answered
    assert bot.connected
    assert bot.state.motors.left == 0


def test_an_error_comes_as_it_is(bot: sync.SyncClient) -> None:
    with pytest.raises(mb.CommandRejectedError, match="dance"):
        bot.send_command("dance")
    with pytest.raises(mb.ConnectError, match="nothing listens there"):
        sync.connect("127.0.0.1:1")


def test_events_are_looped_over_until_it_is_closed(
    bot: sync.SyncClient, server: sync.SyncServer
) -> None:
    events = bot.events("hello")
    for number in range(3):
        server.emit("hello", number)
    assert [next(events).data for _ in range(3)] == [0, 1, 2]
    bot.close()
    assert list(events) == []


def test_it_is_called_from_many_threads(bot: sync.SyncClient) -> None:
    answers: list[bool] = []
    threads = [
        threading.Thread(target=lambda: answers.append(bot.set_led(1, 1, 1).answered))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 8


def test_a_stop_from_a_handler_acts_without_waiting(
    bot: sync.SyncClient, server: sync.SyncServer
) -> None:
    stopped: list[bool] = []
    bot.subscribe("hello", lambda event: stopped.append(bot.stop().answered))
    done = threading.Thread(target=lambda: bot.drive(40, 40, duration=3))
    done.start()
    while not server.robot.state()["motors"]["moving"]:
        time.sleep(0.005)
    server.emit("hello")
    done.join(2)
    assert not done.is_alive()
    assert stopped == [False]


def test_another_call_from_the_io_thread_is_an_error_and_no_deadlock(bot: sync.SyncClient) -> None:
    told = threading.Event()
    errors: list[BaseException] = []

    def handler(event: mb.Event) -> None:
        try:
            bot.ping()
        except mb.UsageError as error:
            errors.append(error)
        told.set()

    bot.subscribe("telemetry", handler)
    bot.drive(20, 20, duration=0.3)
    assert told.wait(2)
    assert "would wait for itself" in str(errors[0])
    assert bot.ping() < 1


def test_an_interrupt_cancels_the_wait_and_stops_the_motion() -> None:
    """In a process of its own, since an interrupt would end the test run."""
    code = """
import mbot_nb as mb
with mb.sync.serve(port=0) as server, mb.sync.connect(server) as bot:
    print("go", flush=True)
    try:
        bot.drive(40, 40, duration=8)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    import time
    deadline = time.monotonic() + 2
    while server.robot.state()["motors"]["left"] and time.monotonic() < deadline:
        time.sleep(0.01)
    print(server.robot.state()["motors"]["left"], bot.drive(20, 20, duration=0.1).ended, flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        time.sleep(0.4)  # into the motion
        begun = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert time.monotonic() - begun < 1.0
        assert process.stdout.readline() == "0.0 time\n"
    assert process.returncode == 0


async def test_a_server_on_this_loop_is_refused_in_words() -> None:
    async with mb.serve(port=0) as server:
        for address in (server, server.url):
            with pytest.raises(mb.UsageError, match=r"mb\.serve\(thread=True\)"):
                sync.connect(address)


def test_run_in_a_plain_script() -> None:
    async def work() -> str | None:
        async with mb.serve(port=0) as server, mb.connect(server) as bot:
            return (await bot.drive(20, 20, duration=0.1)).ended

    assert mb.run(work()) == "time"
    with pytest.raises(mb.ConnectError):
        mb.run(mb.connect("127.0.0.1:1"))


def test_run_on_the_io_thread_is_an_error_and_no_deadlock() -> None:
    async def nested() -> None:
        mb.run(asyncio.sleep(0))

    with pytest.raises(mb.UsageError, match="wait for itself"):
        Home.on_io_thread().submit(nested()).result(2)


def test_a_full_send_buffer_is_told_in_the_cell_that_sends(server: sync.SyncServer) -> None:
    got: list[int] = []
    server.command("note")(lambda client, n, text: got.append(n))
    gate = threading.Event()
    sent = 0

    def fill() -> None:
        nonlocal sent
        while sent < 1000:
            one.send("note", n=sent, text="x" * 1000)
            sent += 1

    with sync.connect(server, settings={"send_buffer": 65_536}) as one:
        one.client.home.post(gate.wait, 10)
        try:
            with pytest.raises(mb.SendBufferFullError, match="note was not sent"):
                fill()
        finally:
            gate.set()
        one.drain()
        one.send("note", n=sent, text="")
        one.flush()
    assert got == list(range(sent + 1))
