"""The command, as a process of its own."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import mbot_nb as mb

ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, "-m", "mbot_nb"]
PATIENCE = 15.0
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {
    "PYTHONPATH": str(ROOT)
}

posix = pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX systems")


def _run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    run = subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        **options,
    )
    assert "Traceback" not in run.stdout + run.stderr, run.stderr
    return run


class Serving:
    """A server in a process: its address is the first line that it prints."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "serve", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().rstrip("\n")

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def serving() -> Iterator[Any]:
    """Start a server; it is gone after the test."""
    started: list[Serving] = []

    def start(*arguments: str) -> Serving:
        started.append(Serving(*arguments))
        return started[-1]

    yield start
    for one in started:
        one.kill()


@pytest.fixture
def emulated() -> Iterator[Any]:
    """Start an emulated robot as a process; it ends by itself when told, and well."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> str:
        process = subprocess.Popen(
            [*COMMAND, "emulate", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
        started.append(process)
        assert process.stdout is not None
        return process.stdout.readline().rstrip("\n")

    yield start
    for process in started:
        process.terminate()
        out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, out) == (0, ""), err
        assert "switched off" in err
        assert "Traceback" not in err


def test_version() -> None:
    run = _run("--version")
    assert (run.returncode, run.stdout) == (0, f"mbot_nb {mb.__version__}\n")


def test_help_lists_the_commands() -> None:
    run = _run("--help")
    assert run.returncode == 0
    for command in ("serve", "demo", "emulate", "discover", "doctor"):
        assert command in run.stdout


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_serves_until_it_is_told_to_end(serving: Any, number: int) -> None:
    server = serving("--port", "0", "--seed", "1")
    assert server.url.startswith("ws://127.0.0.1:")
    async with mb.connect(server.url) as bot:
        result = await bot.drive(40, 40, duration=0.2)
        assert result.ended == "time"
        assert bot.state.pose.x > 100
    code, out, err = server.end(number)
    assert code == 0
    assert out == "", "the address is all of the output"
    assert "closed" in err
    assert "Traceback" not in err
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(server.url.rpartition(":")[2]))) != 0


@posix
async def test_the_same_seed_is_the_same_robot(serving: Any) -> None:
    seen = []
    for _ in range(2):
        server = serving("--port", "0", "--seed", "7")
        async with mb.connect(server.url) as bot:
            seen.append(bot.state.neural_state.distance)
        server.end()
    assert seen[0] == seen[1]


@posix
async def test_a_recording_is_served(serving: Any, tmp_path: Path) -> None:
    async with mb.serve(port=0) as live, mb.connect(live) as bot:
        with mb.Recorder(bot, ping_rate=0) as rec:
            await bot.drive(left=40, right=40, duration=0.3)
        rec.save(tmp_path / "run.mbot")
    server = serving(
        "--port", "0", "--replay", str(tmp_path / "run.mbot"), "--speed", "2", "--loop"
    )
    async with mb.connect(server.url) as bot:
        replay = bot.state.replay
        assert (replay.source, replay.speed, replay.loop) == ("run.mbot", 2, True)
        assert (await bot.custom("status")).value["playing"]
    _, _, err = server.end()
    assert "simulated-mbot2 (replay) is served" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--speed", "2"], "--speed and --loop are for a recording"),
        (["--replay", "nowhere.mbot"], "nowhere.mbot cannot be read"),
        (["--replay", "nowhere.mbot", "--seed", "1"], "--seed is for a simulated robot"),
    ],
)
def test_what_cannot_be_replayed_is_told_in_words(arguments: list[str], words: str) -> None:
    run = _run("serve", "--port", "0", *arguments)
    assert run.returncode == 1
    assert words in run.stderr


@posix
async def test_a_token_is_asked_for(serving: Any) -> None:
    server = serving("--port", "0", "--token", "sesame")
    with pytest.raises(mb.ConnectError, match="token"):
        await mb.connect(server.url)
    async with mb.connect(server.url, token="sesame") as bot:
        assert bot.connected
    _, _, err = server.end()
    assert "sesame" not in err, "a token that was given is not shown"


@posix
async def test_listening_for_others_makes_a_token_and_tells_it(serving: Any) -> None:
    # It reads like another machine's address, and is this one's.
    server = serving("--host", "127.1", "--port", "0")
    _, out, err = server.end()
    assert "://" in server.url
    assert out == ""
    assert 'token="' in err
    told = re.search(r'connect\("(\S+)", token=', err)
    assert told is not None
    assert urlsplit(told[1]).hostname == "127.1"


def test_a_taken_port_is_told_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        run = _run("serve", "--port", str(port))
    assert run.returncode == 1
    assert run.stdout == ""
    assert f"Port {port} is taken" in run.stderr
    assert "--port 0" in run.stderr, "what to do next, in the words of the command line"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serve", "--port", "65536"], "65535"),
        (["serve", "--certificate", "missing.pem"], "missing.pem"),
        (["serve", "--key", "missing.pem"], "--certificate"),
        (["dance"], "dance"),
        (["emulate", "dog"], "dog"),
        (["emulate", "mbot", "--world", "missing.json"], "missing.json"),
        (["emulate", "mbot", "--corrupt", "2"], "corrupt"),
    ],
)
def test_what_is_wrong_is_told_in_words(arguments: list[str], words: str, tmp_path: Path) -> None:
    run = _run(*arguments, cwd=tmp_path)
    assert run.returncode != 0
    assert run.stdout == ""
    assert words in run.stderr


def test_discover_and_doctor_print_their_tables() -> None:
    from mbot_nb.robots.emulators import emulate

    with emulate("mbot", boot=0) as emulator:
        run = _run("discover", "--timeout", "0.3")
        assert run.returncode == 0
        assert "simulated mBot2" in run.stdout
        assert f'await mb.connect("usb:{emulator.address}")' in run.stdout
    run = _run("doctor")
    assert "port 4000" in run.stdout
    assert all(
        line.split()[0] in ("good", "warning", "bad", "->") for line in run.stdout.splitlines()
    )


@posix
async def test_an_emulated_robot_is_driven_from_here(emulated: Any) -> None:
    """Its cable is pulled after a while, and it heals."""
    address = emulated(
        "cyberpi",
        "--boot",
        "0",
        "--latency",
        "0",
        "--unpaced",
        "--unplug-after",
        "1.2",
        "--replug-after",
        "0.3",
    )
    async with mb.connect(f"usb:{address}") as bot:
        changes = bot.events("robot_connection")
        await bot.drive(40, 40, duration=0.2)
        async with asyncio.timeout(PATIENCE):
            assert [(await anext(changes)).data["connected"] for _ in range(2)] == [False, True]
        await bot.drive(40, 40, duration=0.2)


def test_the_package_and_the_command_are_one() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["scripts"] == {"mbot-nb": "mbot_nb.cli:main"}
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"] == {
        "notebooks": "mbot_nb/notebooks"
    }
