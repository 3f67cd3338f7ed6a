"""The errors that newcomers meet in a notebook, and what they are told to do next."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

import mbot_nb as mb
from mbot_nb.client.subscriptions import EventStream
from mbot_nb.command_methods import CommandMethods

if TYPE_CHECKING:
    from tests.helpers.kernels import Cell, Kernel


@pytest.fixture
def notebook(kernel: Kernel) -> Kernel:
    """A kernel with a server and a client in it."""
    kernel.run("server = await mb.serve(port=0)\nbot = await mb.connect(server.url)")
    return kernel


def end(notebook: Kernel) -> None:
    notebook.run("await bot.close(); await server.close()")


def is_short(cell: Cell) -> bool:
    """Whether a pupil sees the own line and the message, and nothing of our inside."""
    return (
        "---->" in cell.traceback
        and "mbot_nb/" not in cell.traceback
        and "asyncio/" not in cell.traceback
    )


CALLS = (
    "bot.drive(10, 10)",
    "bot.move('forward')",
    "bot.release_stop()",
    "bot.set_led(1, 2, 3)",
    "bot.play_tone(440)",
    "bot.display_text('hello')",
    "bot.update_personality(curiosity_drive=0.9)",
    "bot.start_game('simon')",
    "bot.stop_game()",
    "bot.game_move(cell=3)",
    "bot.start_drawing('circle')",
    "bot.stop_drawing()",
    "bot.sort_pieces()",
    "bot.sync_inventory()",
    "bot.custom('dance')",
    "bot.sync_state()",
    "bot.identify()",
    "bot.send_command('sync_state')",
    "bot.ping()",
    "bot.flush()",
    "bot.drain()",
    "bot.reconnect()",
    "bot.close()",
    "bot.events('telemetry').aclose()",
    "server.close()",
    "mb.connect(server)",
    "mb.serve(port=0)",
    "mb.demo()",
)


def test_no_call_is_missing_among_these() -> None:
    waited = {
        name
        for kind in (mb.Client, mb.Server, EventStream)
        for name in dir(kind)
        if not name.startswith("_") and hasattr(getattr(kind, name), "__wrapped__")
    }
    waited |= {name for name in vars(CommandMethods) if not name.startswith("_")} - {
        "stop",
        "emergency_stop",
    }
    assert {call[: call.rindex("(")].rpartition(".")[2] for call in CALLS} == waited | {
        "connect",
        "serve",
        "demo",
    }


def test_a_forgotten_await_is_seen_in_what_the_cell_shows(notebook: Kernel) -> None:
    for call in CALLS:
        shown = notebook.run(call).result
        assert "nothing has happened yet" in shown, call
        assert "Write `await` in front of it" in shown, call
    assert (
        notebook.run("get_ipython().displayhook.flush()\ngc.collect();").stderr.count("did nothing")
        >= len(CALLS) - 3
    )
    assert notebook.value("bot.connected, len(local_servers().running())") == (True, 1)
    end(notebook)


def test_a_forgotten_await_is_told_when_the_call_is_thrown_away(notebook: Kernel) -> None:
    for number, call in enumerate(CALLS):
        code = f"number = {number}\n{call};"
        said = notebook.run(code).stderr
        assert ":2: RuntimeWarning" in said, (
            "the warning names the line on which the call was written"
        )
        assert "did nothing: write `await` in front of it." in said, call
        assert call in said, "the warning shows the line"
        assert notebook.run(code).stderr == said, "it is told every time"
    end(notebook)


def test_a_stop_acts_without_await_and_says_nothing(notebook: Kernel) -> None:
    notebook.run("await bot.drive(30, 30, duration=3, wait=False)")
    assert "given" in notebook.run("bot.stop()").result
    assert notebook.run("bot.stop();").stderr == ""
    notebook.wait("server.robot.state()['motors']['left'] == 0", patience=1.0)
    end(notebook)


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (
            "moved = bot.drive(10, 10)\nmoved.ended",
            "bot.drive() was not awaited, so it has no 'ended': write `await` in front of it",
        ),
        (
            "robot = mb.connect(server)\nrobot.drive(10, 10)",
            "mb.connect() was not awaited, so it has no 'drive'",
        ),
        ("nobody = mb.serve(port=0)\nnobody.url", "mb.serve() was not awaited, so it has no 'url'"),
    ],
)
def test_something_is_asked_of_a_call_that_was_not_awaited(
    notebook: Kernel, cell: str, says: str
) -> None:
    asked = notebook.run(cell, fails=True)
    assert asked.error == "NotAwaitedError"
    assert says in asked.message
    assert is_short(asked)
    end(notebook)


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (
            "asyncio.run(bot.drive(10, 10))",
            "Write `await ...` in the cell instead of `asyncio.run(...)`",
        ),
        (
            "async def main():\n    await bot.drive(10, 10)\n\nasyncio.run(main())",
            "Write `await ...` in the cell instead of `asyncio.run",
        ),
        (
            "asyncio.get_event_loop().run_until_complete(bot.ping())",
            "Write `await ...` in the cell instead of `run_until_complete(...)`",
        ),
        (
            "def go():\n    await bot.drive(10, 10)",
            "only a function that begins with `async def` may use `await`",
        ),
        (
            "async def go():\n    return bot\n\ngo().drive(10, 10)",
            "`await` is missing in front of the call",
        ),
        ("bot.drive(10, 10)[0]", "`await` is missing in front of the call"),
        ("await bot.send('set_led', r=1, g=1, b=1)", "does not wait: leave the `await` out"),
        ("with mb.connect(server) as other: pass", "write `async with` instead of `with`"),
        ("for event in bot.events(): pass", "write `async for` instead of `for`"),
        ("async with mb.sync.SyncClient(bot) as other: pass", "leave the `async` out"),
        (
            "await bot.driev(10, 10)",
            "did you mean `drive` or `drain`? The robot's commands are: drive, move, stop, ",
        ),
        ("bot.fly()", "the robot's commands are: drive, move, stop, "),
        ("await bot.drive(speed=40)", "write drive(left, right, duration=1.0, wait=True)"),
        ("bot.subscribe('telemetry')", "write subscribe(event, handler, replace=True)"),
    ],
)
def test_pythons_own_error_is_followed_by_what_to_do(
    notebook: Kernel, cell: str, says: str
) -> None:
    met = notebook.run(cell, fails=True)
    assert "What to do: " in met.stdout
    assert says in met.stdout
    if "asyncio.run" in cell or "run_until" in cell:
        # The call that asyncio refused does not complain a second time, in some later cell.
        later = notebook.run("gc.collect();")
        assert "bot.drive() did nothing" not in later.stderr
        assert "bot.ping() did nothing" not in later.stderr
    end(notebook)


def test_a_coroutine_of_ones_own_that_is_only_shown_is_told_to_be_awaited(notebook: Kernel) -> None:
    shown = notebook.run("async def go():\n    await bot.drive(10, 10, duration=0.1)\n\ngo()")
    assert shown.result.startswith("<coroutine object go")
    assert "What to do: this has not begun yet. Write `await` in front of it." in shown.stdout
    assert "What to do" not in notebook.run("await go()").stdout
    notebook.run(
        "_.close() if hasattr(_, 'close') else None; [thing.close() for thing in Out.values() if "
        "asyncio.iscoroutine(thing)];"
    )
    end(notebook)


@pytest.mark.parametrize(
    ("cell", "kind", "says"),
    [
        (
            "await bot.drive(400, 0)",
            "CommandRejectedError",
            "left: expected a number <= 100; it takes left (-100 to 100), right",
        ),
        (
            "await bot.drive('fast', 0)",
            "CommandRejectedError",
            "left: expected a number, got a text; it takes left (-100 to 100)",
        ),
        (
            "await bot.start_game('chess')",
            "CommandRejectedError",
            "there is no 'chess'; it takes game (tictactoe, memory or simon)",
        ),
        (
            "await bot.move('up')",
            "CommandRejectedError",
            "there is no 'up'; it takes direction (forward, backward, left or right)",
        ),
        (
            "await bot.game_move(cell=3)",
            "CommandRejectedError",
            "no game is being played; start one with start_game",
        ),
        (
            "await mb.connect(bot)",
            "ConnectError",
            "expected text, not Client. An address looks like ws://localhost:4000",
        ),
        (
            "bot.state.position",
            "NotInStateError",
            "state has no 'position'; it has: personality, neural_state",
        ),
    ],
)
def test_a_wrong_value_is_answered_with_what_is_right(
    notebook: Kernel, cell: str, kind: str, says: str
) -> None:
    met = notebook.run(cell, fails=True)
    assert met.error == kind
    assert says in met.message
    assert is_short(met)
    end(notebook)


def test_other_peoples_errors_get_no_advice(notebook: Kernel) -> None:
    for cell in ("1 / 0", "undefined", "raise RuntimeError('mine')", "def f(:"):
        assert "What to do" not in notebook.run(cell, fails=True).said
    end(notebook)


@pytest.mark.parametrize("home", ["", ", thread=True"])
def test_nobody_listens_there(kernel: Kernel, home: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        refused = kernel.run(
            f"await mb.connect('127.0.0.1:{probe.getsockname()[1]}'{home})", fails=True
        )
    assert refused.error == "ConnectError"
    assert "nothing listens there (connection refused)" in refused.message
    assert "`await mb.connect()` brings its own" in refused.message
    assert refused.seconds < 2.5
    assert is_short(refused)


def test_an_unknown_name(kernel: Kernel) -> None:
    unknown = kernel.run("await mb.connect('ws://nobody.invalid:4000')", fails=True)
    assert "this name is not known" in unknown.message
    assert "Check the spelling" in unknown.message
    assert is_short(unknown)


def test_a_port_in_use(kernel: Kernel) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = kernel.run(f"await mb.serve(port={other.getsockname()[1]})", fails=True)
    assert taken.error == "AddressInUseError"
    assert "is taken by another program" in taken.message
    assert "`await mb.serve(port=0)` takes any free one" in taken.message
    assert is_short(taken)


def test_a_serial_port_that_may_not_be_opened(kernel: Kernel) -> None:
    """The port of this machine is played; the error is the one that the system and pyserial
    give."""
    kernel.run("""
        import serial

        def refuse(port):
            raise serial.SerialException(
                13, f"could not open port {port.port}: [Errno 13] Permission denied: {port.port!r}"
            )

        serial.Serial.open = refuse
    """)
    for cell in (
        "await mb.connect('usb:/dev/ttyUSB0')",
        "with mb.sync.connect('usb:/dev/ttyUSB0') as bot: pass",
    ):
        denied = kernel.run(cell, fails=True)
        assert denied.error == "ConnectError"
        assert "/dev/ttyUSB0" in denied.message
        assert "sudo usermod -aG dialout $USER" in denied.message
        assert is_short(denied)


def test_something_of_another_loop_is_awaited(notebook: Kernel) -> None:
    notebook.run("other = await mb.connect(server, thread=True)")
    for cell in (
        "await other.home.loop.create_future()",
        """
        import asyncio
        queue = asyncio.Queue()
        waiting = asyncio.ensure_future(queue.get())
        await asyncio.sleep(0)
        async def take(): return await queue.get()
        await asyncio.wrap_future(other.home.submit(take()))
        """,
    ):
        met = notebook.run(cell, fails=True)
        assert met.error == "RuntimeError"
        assert "What to do: " in met.stdout
        assert "hand your own coroutine over with `bot.home.submit(...)`" in met.stdout
    notebook.run("waiting.cancel(); await other.close()")
    end(notebook)


def test_an_error_of_ours_shows_the_readers_own_functions(notebook: Kernel) -> None:
    wrong = notebook.run(
        "async def dance(steps):\n    await bot.drive(left=300, right=0)\n\nawait dance(2)",
        fails=True,
    )
    assert wrong.error == "CommandRejectedError"
    assert "await dance(2)" in wrong.traceback
    assert "await bot.drive(left=300, right=0)" in wrong.traceback
    assert is_short(wrong)
    assert len(wrong.traceback.splitlines()) < 20
    end(notebook)


def test_another_thread_and_another_loop_never_attach_to_the_wrong_one(notebook: Kernel) -> None:
    notebook.run("""
        met = []

        def use():
            async def main():
                task = asyncio.ensure_future(bot.ping())
                await asyncio.wait_for(
                    asyncio.gather(task, bot.flush(), asyncio.shield(bot.ping())), 5
                )
                met.append("all came")
            try:
                asyncio.run(main())
            except BaseException as error:
                met.append(repr(error))

        thread = threading.Thread(target=use)
        thread.start()
        while thread.is_alive(): await asyncio.sleep(0.01)
    """)
    assert notebook.value("met") == ["all came"]
    end(notebook)
