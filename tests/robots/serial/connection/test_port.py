"""A robot behind other kinds of ports: a serial port in the network, and whatever has the four
members of a port."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import serial
from serial.rfc2217 import PortManager

from mbot_nb import commands as c
from mbot_nb.robots.serial.connection.port import opener
from mbot_nb.robots.serial.detection import open_robot
from tests.helpers.serial_robots import DRIVERS, EMPTY, KINDS, PATIENCE, Workshop
from tests.helpers.waiting import eventually


class Client:
    """What a :class:`PortManager` writes to."""

    def __init__(self, sock: socket.socket) -> None:
        self.write = sock.sendall


@contextlib.contextmanager
def in_the_network(address: str) -> Iterator[str]:
    """What pyserial's own example of an RFC 2217 server does, for one client."""
    over = threading.Event()

    def serve(listener: socket.socket) -> None:
        client, _ = listener.accept()
        client.settimeout(0.005)
        with client, serial.serial_for_url(address, timeout=0.005) as port:
            manager: Any = PortManager(port, Client(client))  # type: ignore[arg-type]
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    data = client.recv(1000)
                    if not data:
                        return
                    port.write(b"".join(manager.filter(data)))
                client.sendall(b"".join(manager.escape(port.read(1000))))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        try:
            yield f"rfc2217://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            server.join()


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # pyserial's
@KINDS
def test_a_serial_port_in_the_network(workshop: Workshop, kind: str) -> None:
    emulator = workshop.emulator(kind, world=EMPTY, tcp=0)
    with in_the_network(emulator.address) as address:
        robot = open_robot(address, timeout=PATIENCE)
        try:
            assert type(robot) is DRIVERS[kind]
            assert robot.submit(c.Drive(left=50, right=50, duration=0.3)).result(PATIENCE) == "time"
            eventually(emulator.vehicle.standing.is_set, "standing")
            assert emulator.vehicle.turned == pytest.approx(0.3, abs=0.15)
        finally:
            robot.close()
            robot.link.close(PATIENCE)


class Plain:
    """Another library's port: it has what is asked for, and nothing more."""

    def __init__(self, address: str) -> None:
        port: Any = opener(address)()
        self.read = port.read
        self.write = port.write
        self.close = port.close
        self._waiting = lambda: port.in_waiting

    @property
    def in_waiting(self) -> int:
        return int(self._waiting())


@KINDS
def test_another_library_s_port(workshop: Workshop, kind: str) -> None:
    emulator = workshop.emulator(kind, world=EMPTY)
    robot = DRIVERS[kind](lambda: Plain(emulator.address), name="another library's")
    try:
        robot.wait_ready(PATIENCE)
        robot.submit(c.SetLed(r=1, g=2, b=3)).result(PATIENCE)
        assert emulator.vehicle.leds[0] == (1, 2, 3)
        assert robot.submit(c.Drive(left=50, right=50, duration=0.3)).result(PATIENCE) == "time"
        eventually(emulator.vehicle.standing.is_set, "standing")
        assert emulator.vehicle.turned == pytest.approx(0.3, abs=0.15)
        assert not robot.state()["connection"]["guarded"], (
            "there is nothing that the guard could hold"
        )
    finally:
        robot.close()
        robot.link.close(PATIENCE)
