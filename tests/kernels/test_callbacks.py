"""Calls from where a notebook makes them: buttons on whatever thread they run, other loops, other
threads; and stop."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

import mbot_nb as mb

if TYPE_CHECKING:
    from tests.helpers.kernels import Kernel

pytestmark = pytest.mark.every_kernel

AT_ONCE = {
    "6.31.0": (),
    "7.3.0": ("await asyncio.sleep(1)", "time.sleep(1)"),
    "7.4.0": ("await asyncio.sleep(1)",),
}
"""During which of these cells a click arrives at once; after the others' end."""


@pytest.fixture
def notebook(kernel: Kernel, home: str) -> Kernel:
    """A kernel with a server and a client in it."""
    kernel.run(
        f"server = await mb.serve(port=0, {home})\nbot = await mb.connect(server.url, {home})"
    )
    kernel.run("""
        def watch(seconds):
            "A thread notes when the robot began and was told to stand, whatever the loop does."
            notes = []

            def look():
                was, deadline = False, time.monotonic() + seconds
                while len(notes) < 2 and time.monotonic() < deadline:
                    now = server.robot.state()["motors"]["left"] != 0
                    if now != was:
                        notes.append(time.monotonic())
                        was = now
                    time.sleep(0.002)

            threading.Thread(target=look).start()
            return notes
    """)
    return kernel


def end(notebook: Kernel) -> None:
    notebook.run("await bot.close(); await server.close()")


@pytest.mark.parametrize("cell", ["1", "await asyncio.sleep(0.3)", "time.sleep(0.3)"])
def test_a_button_sends_a_command(notebook: Kernel, cell: str) -> None:
    click = notebook.value("button(lambda _: bot.send('set_led', r=7, g=8, b=9))")
    running = notebook.start(f"print('go', flush=True); {cell}")
    notebook.until(running, "go")
    notebook.click(click)
    notebook.finish(running)
    notebook.wait("server.robot.state()['leds'][0] == [7, 8, 9]")
    end(notebook)


def test_a_button_hands_a_call_over_and_hears_its_answer(notebook: Kernel) -> None:
    notebook.run("""
        answers = []

        def on_click(_):
            future = bot.home.submit(bot.drive(left=20, right=20, duration=0.1))
            future.add_done_callback(lambda done: answers.append(done.result().ended))
    """)
    notebook.click(notebook.value("button(on_click)"))
    notebook.wait("answers == ['time']")
    end(notebook)


def test_a_failure_that_a_button_handed_over_is_heard(notebook: Kernel) -> None:
    notebook.run("""
        heard = []
        ear = logging.Handler()
        ear.emit = lambda record: heard.append(record.getMessage())
        logging.getLogger("mbot_nb").addHandler(ear)
        click = button(lambda _: bot.home.submit(bot.drive(left=200, right=0)) and None)
        refused = button(lambda _: bot.home.submit(bot.send_command("dance")) and None)
    """)
    notebook.click(notebook.value("refused"))
    notebook.wait("any('bot.send_command() failed' in text and 'dance' in text for text in heard)")
    notebook.run("logging.getLogger('mbot_nb').removeHandler(ear)")
    end(notebook)


def test_a_call_that_a_button_only_makes_says_what_to_do_instead(notebook: Kernel) -> None:
    notebook.run("""
        import warnings
        warned = []
        show = warnings.showwarning
        warnings.showwarning = lambda message, *_: warned.append(str(message))
        click = button(lambda _: bot.drive(20, 20))
    """)
    notebook.click(notebook.value("click"))
    notebook.wait("warned")
    notebook.run("warnings.showwarning = show")
    said = notebook.value("warned[0]")
    assert "bot.drive() did nothing" in said
    assert "bot.home.submit(" in said
    assert "bot.send(" in said
    end(notebook)


@pytest.mark.parametrize("cell", ["await asyncio.sleep(1)", "time.sleep(1)"])
def test_a_stop_button_stops_as_soon_as_it_is_heard(notebook: Kernel, cell: str) -> None:
    click = notebook.value("button(lambda _: bot.stop())")
    running = notebook.start(f"""
        notes = watch(5.0)
        await bot.drive(40, 40, duration=1.6, wait=False)
        async with asyncio.timeout(1.5):
            # A click stops the robot so soon that the thread might never see it move.
            while not notes:
                await asyncio.sleep(0.001)
        print("go", flush=True)
        {cell}
        over = time.monotonic()
    """)
    notebook.until(running, "go")
    notebook.click(click)
    notebook.finish(running)
    notebook.wait("len(notes) == 2")
    begun, stood, over = notebook.value("(*notes, over)")
    if cell in AT_ONCE[notebook.version]:
        assert stood < over - 0.4, "the click was heard while the cell ran"
    else:
        assert over - 0.1 < stood < over + 0.5, "the click was heard when the cell had ended"
    assert stood - begun < 1.55
    end(notebook)


def test_a_stop_reaches_a_robot_of_another_process_as_soon_as_it_is_heard(kernel: Kernel) -> None:
    serve = [sys.executable, "-m", "mbot_nb", "serve", "--port", "0"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            kernel.run(f"bot = await mb.connect({url!r})")
            click = kernel.value("button(lambda _: bot.stop())")
            with mb.sync.connect(url) as watcher:
                running = kernel.start("""
                    await bot.drive(40, 40, duration=6, wait=False)
                    while not bot.state.motors.moving: await asyncio.sleep(0.005)
                    print("go", flush=True)
                    time.sleep(3)
                """)
                kernel.until(running, "go")
                began = time.monotonic()
                while not watcher.state.motors.moving:
                    assert time.monotonic() - began < 1.0
                    time.sleep(0.005)
                clicked = time.monotonic()
                kernel.click(click)
                while watcher.state.motors.moving:
                    assert time.monotonic() - clicked < 4.0
                    time.sleep(0.01)
                took = time.monotonic() - clicked
                kernel.finish(running)
            assert (took < 1.0) is ("time.sleep(1)" in AT_ONCE[kernel.version])
            # Once more, from a plain thread, while the loop is free: nobody goes past it.
            kernel.run(
                "await bot.drive(40, 40, duration=3, wait=False); thread = "
                "threading.Thread(target=bot.stop); thread.start()"
            )
            kernel.wait("not thread.is_alive() and not bot.state.motors.moving")
            kernel.run("await asyncio.sleep(0.2); await bot.close()")
        finally:
            process.terminate()


def test_a_motion_ends_by_the_robots_clock_when_no_click_can_be_heard(notebook: Kernel) -> None:
    click = notebook.value("button(lambda _: bot.stop())")
    running = notebook.start("""
        notes = watch(1.5)
        await bot.drive(40, 40, duration=0.4, wait=False)
        print("go", flush=True)
        time.sleep(1)
    """)
    notebook.until(running, "go")
    if "time.sleep(1)" not in AT_ONCE[notebook.version]:
        notebook.click(click)
    notebook.finish(running)
    begun, stood = notebook.value("notes")
    assert 0.3 < stood - begun < 0.7
    end(notebook)


def test_calls_from_other_loops_and_threads(notebook: Kernel) -> None:
    notebook.run("""
        results = []

        async def use():
            first = await bot.set_led(1, 2, 3)
            many = await asyncio.gather(
                bot.ping(), bot.set_led(4, 5, 6), asyncio.wait_for(bot.flush(), 5)
            )
            task = asyncio.create_task(bot.drive(20, 20, duration=0.1))
            results.append((first.answered, many[1].answered, (await task).ended))

        threads = [threading.Thread(target=lambda: asyncio.run(use())) for _ in range(3)]
        for thread in threads: thread.start()
        while any(thread.is_alive() for thread in threads): await asyncio.sleep(0.01)
        await use()
    """)
    results = notebook.value("results")
    assert len(results) == 4
    assert all(
        first and second and ended in ("time", "replaced") for first, second, ended in results
    )
    end(notebook)


def test_everything_that_does_not_wait_works_from_a_plain_thread(notebook: Kernel) -> None:
    notebook.run("""
        heard = []

        def use():
            bot.subscribe("hello", lambda event: heard.append(event.data))
            server.emit("hello", 1)
            bot.send("set_led", r=1, g=1, b=1)
            heard.append((bot.state.motors.moving, bot.connected, len(server.clients)))
            bot.stop()

        thread = threading.Thread(target=use)
        thread.start()
        while thread.is_alive(): await asyncio.sleep(0.01)
        await bot.flush()
    """)
    notebook.wait("len(heard) == 2")
    assert sorted(notebook.value("heard"), key=str) == [(False, True, 1), 1]
    end(notebook)


def test_calls_while_a_cell_awaits_something_else(notebook: Kernel) -> None:
    done = notebook.run("""
        background = [asyncio.create_task(bot.ping()) for _ in range(20)]
        moved = asyncio.create_task(bot.drive(20, 20, duration=0.2))
        await asyncio.sleep(0.4)
        all(task.done() for task in background), moved.result().ended
    """)
    assert done.result == "(True, 'time')"
    end(notebook)


def test_handlers_call_and_print_and_fail_below_the_cell_that_subscribed_them(
    notebook: Kernel,
) -> None:
    subscribed = notebook.run("""
        seen = []

        async def answer(event):
            print("async:", event.data)
            seen.append((await bot.set_led(9, 9, 9)).answered)

        def broken(event):
            print("plain:", event.data)
            return 1 / 0

        bot.subscribe("hello", answer)
        bot.subscribe("hello", broken)
    """)
    notebook.run("1")
    notebook.run("server.emit('hello', 42)")
    notebook.wait("seen and bot.handler_errors")
    notebook.run("1")
    assert notebook.value("seen") == [True]
    assert "async: 42" in subscribed.stdout
    assert "plain: 42" in subscribed.stdout
    assert "your handler broken failed" in subscribed.stderr
    assert "ZeroDivisionError" in subscribed.stderr
    end(notebook)


def test_what_a_click_makes_lives_where_cells_run_and_stays_when_the_page_is_closed(
    kernel: Kernel,
) -> None:
    kernel.run("server = await mb.serve(port=0)\nbot = await mb.connect(server)")
    kernel.run("cells_loop, made = asyncio.get_running_loop(), []")
    kernel.run("""
        def on_click(_):
            for making in (
                mb.connect(server),
                mb.serve(port=0),
                mb.lab.network("wifi").relay(server, thread=False),
            ):
                bot.home.submit(making).add_done_callback(lambda done: made.append(done.result()))
    """)
    kernel.click(kernel.value("button(on_click)"))
    kernel.wait("len(made) == 3")
    assert kernel.value("[one.home.loop is cells_loop for one in made]") == [True] * 3
    kernel.leave()
    client = "next(one for one in made if isinstance(one, mb.Client))"
    assert "ended: time" in kernel.run(f"await {client}.drive(20, 20, duration=0.1)").result
    kernel.run("for one in [*made, bot, server]: await one.close()")


def test_a_server_whose_loop_was_closed_is_let_go(kernel: Kernel) -> None:
    kernel.run("""
        async def start():
            global lost
            lost = await mb.serve(port=0)

        thread = threading.Thread(target=lambda: asyncio.run(start()))
        thread.start()
        while thread.is_alive(): await asyncio.sleep(0.01)
    """)
    assert kernel.value("local_servers().running(), lost.closed") == ([], True)
    taken = kernel.run("server = await mb.serve(port=lost.port)\nbot = await mb.connect()")
    assert "Connected to this notebook's server" in taken.stdout
    kernel.run("await bot.close(); await server.close()")
