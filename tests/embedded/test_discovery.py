"""What there is to connect to: emulated robots, servers, ports that answer, and why the others
cannot be used."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import serial.tools.list_ports

import mbot_nb as mb
from mbot_nb.embedded import discovery
from mbot_nb.embedded.discovery import Candidate, Discovery, candidates, discover
from mbot_nb.local import instances
from mbot_nb.robots.emulators import emulate
from mbot_nb.robots.serial.connection.port import opener
from tests.helpers.serial_robots import usb

QUICK: dict[str, Any] = {"boot": 0.0, "latency": 0.0, "paced": False}


@pytest.fixture(autouse=True)
def ports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """The serial ports of this machine: none, until a test adds some."""
    monkeypatch.setenv("MBOT_NB_RUNTIME_DIR", str(tmp_path / "runtime"))
    listed: list[Any] = []
    monkeypatch.setattr(serial.tools.list_ports, "comports", lambda: list(listed))
    return listed


@pytest.fixture
def silent_port() -> Iterator[str]:
    """A port at which nobody answers."""
    master, slave = os.openpty()
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


def by_address(found: Discovery) -> dict[str, Candidate]:
    return {one.address: one for one in found}


def test_without_anything_there_is_the_simulator() -> None:
    found = discover(timeout=0.3)
    assert [one.what for one in found] == ["simulator"]
    assert found.usable == []
    assert "await mb.connect()" in repr(found)


def test_a_search_can_be_ended_and_gives_its_ports_back(ports: list[Any], silent_port: str) -> None:
    ports.append(usb(silent_port))
    ended = threading.Event()
    ending = threading.Timer(0.2, ended.set)
    ending.start()
    found = discover(timeout=8.0, ended=ended)
    ending.join()
    assert found.seconds < 3
    assert "ended before anybody answered" in by_address(found)[silent_port].why_not
    opener(silent_port)().close()


def test_emulated_robots_are_found_without_being_asked() -> None:
    with emulate("mbot", **QUICK) as mbot, emulate("cyberpi", tcp=0, **QUICK) as mbot2:
        found = by_address(discover(timeout=0.5))
        assert found[mbot.address].kind == "mbot"
        assert found[mbot2.address].robot == "emulated mBot2"
        assert found[mbot2.address].call == f'bot = await mb.connect("usb:{mbot2.address}")'
        port = opener(mbot.address)()
        try:
            assert "in use" in by_address(discover(timeout=0.5))[mbot.address].why_not
        finally:
            port.close()
    assert len(discover(timeout=0.3)) == 1


def test_an_emulator_that_is_unplugged_is_not_listed_and_is_again(tmp_path: Path) -> None:
    with emulate("cyberpi", link=tmp_path / "robot", **QUICK) as emulator:
        emulator.unplug()
        assert candidates() == []
        emulator.plug()
        while not (listed := candidates()):
            emulator.join(0.01)
        assert [one.address for one in listed] == [emulator.address]


def test_ports_are_asked_and_say_which_robot_or_why_not(ports: list[Any], silent_port: str) -> None:
    with emulate("mbot", registered=False, **QUICK) as emulator:
        ports += [
            usb(emulator.address),
            usb(silent_port),
            usb("/dev/no-such-port"),
            usb("/dev/ttyUSB7", vid=0x1234, product="Thermometer"),
            usb("/dev/ttyS0", vid=None),
        ]
        found = by_address(discover(timeout=0.6))
    robot = found[emulator.address]
    assert (robot.robot, robot.kind, robot.usable) == ("mBot (firmware 06.01.107)", "mbot", True)
    assert robot.device == "CH340 or CH9102, as in an mBot or mBot2 (1A86:7523)"
    assert "switched on" in found[silent_port].why_not
    assert "there is no port" in found["/dev/no-such-port"].why_not
    assert "no such robot has this chip" in found["/dev/ttyUSB7"].why_not
    assert found["/dev/ttyUSB7"].device == "Thermometer (1234:7523)"
    assert "no USB device" in found["/dev/ttyS0"].why_not


def test_every_port_is_asked_if_that_is_wanted(ports: list[Any]) -> None:
    with emulate("mbot", registered=False, **QUICK) as emulator:
        ports.append(usb(emulator.address, vid=None))
        assert not discover(timeout=0.5)[1].usable
        assert discover(timeout=3, every_port=True)[1].kind == "mbot"


async def test_servers_are_found_and_say_whose_port_is_in_use(ports: list[Any]) -> None:
    async with mb.serve(port=0) as server:
        found = by_address(await asyncio.to_thread(discover, timeout=0.5))
        assert found[server.url].usable
        assert found[server.url].robot == server.robot.robot_id
        ports.append(usb("/dev/ttyUSB3"))
        entry = instances.register("server", "mbot2", server.url, port="/dev/ttyUSB3")
        try:
            port = by_address(await asyncio.to_thread(discover, timeout=0.5))["/dev/ttyUSB3"]
        finally:
            instances.forget(entry)
        assert server.url in port.why_not
    assert instances.running("server") == []


def test_a_server_that_does_not_answer_says_so() -> None:
    """Of another process, which holds the port and is busy."""
    silent = (
        "import socket, sys\n"
        "s = socket.create_server(('127.0.0.1', 0))\n"
        "from mbot_nb.local import instances\n"
        "instances.register('server', 'mbot2', f'ws://127.0.0.1:{s.getsockname()[1]}')\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", silent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        (found,) = (one for one in discover(timeout=0.3) if one.what == "server")
        process.kill()
    assert "busy" in found.why_not
    assert [one.what for one in discover(timeout=0.3)] == ["simulator"], (
        "what a killed process left is cleared away"
    )


def test_the_table_shows_what_to_type_and_escapes_what_it_shows() -> None:
    found = Discovery(
        [
            Candidate(
                "port",
                "mBot2 (firmware 1)",
                "/dev/ttyUSB0",
                "<b>chip</b>",
                "",
                'bot = await mb.connect("usb:/dev/ttyUSB0")',
            ),
            Candidate("port", "", "COM3", "", "<i>no</i>: `mb.doctor()`", ""),
        ],
        0.1,
    )
    lines = repr(found).splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("+  port  mBot2 (firmware 1)  /dev/ttyUSB0  bot = await")
    assert lines[2].startswith("-  port  ?")
    html = found._repr_html_()
    assert "&lt;b&gt;chip" in html
    assert "<i>" not in html
    assert "<code>mb.doctor()</code>" in html
    assert html.count("<tr>") == 3
    assert [one.address for one in found.usable] == ["/dev/ttyUSB0"]


def test_vendors_are_known_to_both_who_need_them() -> None:
    from mbot_nb.diagnostics import cables

    assert set(cables.DRIVERS) == set(discovery.CHIPS)
