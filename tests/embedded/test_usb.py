"""`connect("usb")`: the only robot there is, the one that was named, or a question; and what
becomes of it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import serial.tools.list_ports

import mbot_nb as mb
from mbot_nb.embedded import usb as cable
from mbot_nb.embedded.usb import port_of
from mbot_nb.local import instances
from mbot_nb.local.runtime import Runtime
from mbot_nb.robots.emulators import emulate
from mbot_nb.robots.emulators.emulator import Emulator
from tests.helpers.waiting import until

QUICK: dict[str, Any] = {"boot": 0.02, "latency": 0.0, "paced": False}
WORLD: dict[str, Any] = {"width": 1500, "height": 400, "starts": [{"x": 60, "y": 200}]}
PATIENCE = 10.0


@pytest.fixture(autouse=True)
def own_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """No port of this machine, and no robot of another test."""
    monkeypatch.setenv("MBOT_NB_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("MBOT_NB_CONFIG_DIR", str(tmp_path / "config"))
    listed: list[Any] = []
    monkeypatch.setattr(serial.tools.list_ports, "comports", lambda: list(listed))
    return listed


@pytest.fixture
def emulated(tmp_path: Path) -> Iterator[Callable[..., Emulator]]:
    """Starts emulated robots, and switches them off when nobody holds their ports any more."""
    with ExitStack() as stack:
        yield lambda kind="cyberpi", name="robot", **how: stack.enter_context(
            emulate(kind, link=tmp_path / name, **{"world": WORLD, **QUICK, **how})
        )
        deadline = time.monotonic() + PATIENCE
        while any(thread.name.startswith("mbot-link") for thread in threading.enumerate()):
            assert time.monotonic() < deadline, "a port is still held"
            time.sleep(0.01)


@pytest.fixture
def emulator(emulated: Callable[..., Emulator]) -> Emulator:
    return emulated()


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("usb", ""),
        ("USB", ""),
        ("usb:/dev/ttyUSB0", "/dev/ttyUSB0"),
        ("usb:COM3", "COM3"),
        ("usb:socket://127.0.0.1:9", "socket://127.0.0.1:9"),
        ("/dev/ttyACM0", "/dev/ttyACM0"),
        ("com7", "com7"),
        ("usb:", None),
        ("usbstick.local:4000", None),
        ("localhost:4000", None),
        ("ws://127.0.0.1:4000", None),
        (None, None),
    ],
)
def test_which_addresses_are_ports(address: Any, port: str | None) -> None:
    assert port_of(address) == port


async def test_the_only_robot_is_taken_driven_and_given_back(
    emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    async with mb.connect("usb") as bot:
        assert emulator.address in capsys.readouterr().out
        assert bot.state.connection.port == emulator.address
        assert bot.state.connection.guarded
        assert bot.state.pose.to_dict() == {"x": 0, "y": 0, "heading": 0}
        assert bot.state.neural_state.distance == pytest.approx(
            emulator.vehicle.sense()["distance"], abs=0.1
        )
        result = await bot.drive(40, 40, duration=0.3)
        assert result.ended == "time"
        await until(lambda: bot.state.pose.x > 4, "its way")
        (entry,) = instances.running("server")
        assert entry.port == emulator.address
    async with mb.connect("usb") as again:  # at once: the port was given back
        assert again.state.connection.ready
    await until(lambda: not instances.running("server"), "the end of the server")


async def test_a_second_client_shares_the_robot_and_the_last_one_gives_it_back(
    emulator: Emulator,
) -> None:
    first = await mb.connect("usb")
    second = await mb.connect(f"usb:{emulator.address}")
    assert first.url == second.url
    third = await mb.connect()
    assert third.url == first.url, "this notebook's server"
    await first.close()
    await third.close()
    await second.drive(20, 20, duration=0.05)
    assert len(instances.running("server")) == 1
    await second.close()
    await until(lambda: not instances.running("server"), "the end of the server")


async def test_several_robots_are_a_question_with_the_answers(
    emulated: Callable[..., Emulator], tmp_path: Path
) -> None:
    emulated()
    emulated("mbot", "other")
    with pytest.raises(mb.ConnectError) as caught:
        await mb.connect("usb")
    assert "say which" in str(caught.value)
    for name in ("robot", "other"):
        assert f'bot = await mb.connect("usb:{tmp_path / name}")' in str(caught.value)
    async with mb.connect(f"usb:{tmp_path / 'other'}") as bot:
        assert bot.state.capabilities.kind == "mbot"
        with pytest.raises(mb.ConnectError, match="connected to already"):
            await mb.connect("usb")


async def test_of_several_ports_the_one_that_answers_is_taken(
    emulator: Emulator, own_places: list[Any]
) -> None:
    from tests.helpers.serial_robots import usb

    own_places += [usb("/dev/no-such-port"), usb("/dev/ttyS7", vid=None)]
    async with mb.connect("usb") as bot:
        assert bot.state.connection.port == emulator.address


async def test_no_robot_says_what_is_there_and_what_to_do(own_places: list[Any]) -> None:
    with pytest.raises(mb.ConnectError, match="no serial port is there") as caught:
        await mb.connect("usb")
    assert "mbot-nb emulate" in str(caught.value)
    assert "mb.doctor()" in str(caught.value)
    from tests.helpers.serial_robots import usb

    own_places.append(usb("/dev/ttyS7", vid=None))
    with pytest.raises(mb.ConnectError, match="/dev/ttyS7: not asked"):
        await mb.connect("usb")
    with pytest.raises(mb.ConnectError, match="there is no port /dev/no-such-port"):
        await mb.connect("/dev/no-such-port")


async def test_a_port_that_another_program_has_says_so(emulator: Emulator) -> None:
    from mbot_nb.robots.serial.connection.port import opener

    port = await asyncio.to_thread(opener(emulator.address))
    try:
        with pytest.raises(mb.ConnectError, match="in use by another program"):
            await mb.connect("usb")
    finally:
        port.close()


async def test_whoever_stops_waiting_leaves_nothing_open(emulated: Callable[..., Emulator]) -> None:
    emulator = emulated(boot=0.4)
    connecting = asyncio.ensure_future(_connected())
    await until(lambda: emulator.port.open_count, "the opening of the port")
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    assert instances.running("server") == []
    await until(
        lambda: not any(t.name.startswith("mbot-link") for t in threading.enumerate()),
        "the end of the link",
    )


async def _connected() -> mb.Client:
    return await mb.connect("usb")


async def test_a_pulled_cable_is_one_event_and_a_countdown_and_heals(emulator: Emulator) -> None:
    """What a panel shows comes from the state: why, how often it was tried, and when it is tried
    next."""
    heard: list[Any] = []
    async with mb.connect("usb") as bot:
        bot.subscribe("robot_connection", lambda event: heard.append(event.data))
        driving = asyncio.ensure_future(_driven(bot))
        await until(lambda: not emulator.vehicle.standing.is_set(), "the motion")
        await asyncio.to_thread(emulator.unplug)
        with pytest.raises(
            mb.DeliveryUnknownError, match="nobody can say whether the robot stands"
        ):
            await driving
        await until(lambda: not bot.state.connection.ready, "the state")
        assert len(heard) == 1
        assert "nothing can stop it now" in heard[0]["reason"]
        assert bot.connected, "the server is there; it is the robot that is not"
        await until(lambda: bot.state.connection.to_dict().get("attempts", 0) >= 2, "attempts")
        left = bot.state.connection.next_attempt_at / 1000 - time.time()
        assert -0.5 < left < 1.0
        with pytest.raises(mb.CommandRejectedError, match="cannot be reached"):
            await bot.drive(10, 10)
        await asyncio.to_thread(emulator.plug)
        await until(lambda: bot.state.connection.ready, "the robot")
        await until(emulator.vehicle.standing.is_set, "standing")
        await until(lambda: len(heard) == 2, "the event")
        assert heard[1]["connected"]
        assert "attempts" not in bot.state.connection
        await bot.set_led(1, 2, 3)
        await until(lambda: emulator.vehicle.leds[0] == (1, 2, 3), "the colour")


async def _driven(bot: mb.Client) -> mb.CommandResult:
    return await bot.drive(30, 30, duration=10)


async def test_a_cell_that_blocks_leaves_the_wheels_turning_as_long_as_they_should(
    emulator: Emulator,
) -> None:
    """A motion of 0.6 s, and a loop that is blocked for 2 s: nothing of it waits for the loop."""
    async with mb.connect("usb") as bot:
        await bot.drive(30, 30, duration=0.6, wait=False)
        time.sleep(2.0)  # noqa: ASYNC251 - what the cell does
        assert emulator.vehicle.standing.is_set()
        assert emulator.vehicle.turned == pytest.approx(0.6, abs=0.15)


async def test_identify_blinks_beeps_and_leaves_the_lights_as_they_were(emulator: Emulator) -> None:
    seen: list[Any] = []
    async with mb.connect("usb") as bot:
        await bot.set_led(9, 8, 7)
        await bot.set_led(1, 2, 3, index=2)
        await until(lambda: bot.state.leds[1] == [1, 2, 3], "the colours")
        identifying = asyncio.ensure_future(_identified(bot))
        while not identifying.done():
            seen.append(emulator.vehicle.leds[0])
            await asyncio.sleep(0.005)
        await identifying
        await until(
            lambda: emulator.vehicle.leds == [(9, 8, 7), (1, 2, 3), *[(9, 8, 7)] * 3], "its colours"
        )
    assert (255, 255, 255) in seen
    assert (0, 0, 0) in seen
    assert len(emulator.vehicle.tones) == 3


async def _identified(bot: mb.Client) -> None:
    await bot.identify()


async def test_what_was_measured_is_sent_to_the_robot_as_a_command(emulator: Emulator) -> None:
    async with mb.connect("usb") as bot:
        await bot.drive(60, 60, duration=0.6)
        await until(lambda: bot.state.pose.x > 22, "its way")
        result = await bot.send_command("calibrate", distance=25.0)
        assert result.value["wheel_cm"] != 6.5
        assert result.value["file"].endswith(".json")
        await until(lambda: bot.state.calibration.measured, "the state")
        with pytest.raises(mb.CommandRejectedError, match="either the distance"):
            await bot.send_command("calibrate")
        with pytest.raises(mb.CommandRejectedError, match="INVALID_PARAMS"):
            await bot.send_command("calibrate", width=3)


def test_without_await(emulator: Emulator) -> None:
    with mb.sync.connect("usb") as bot:
        bot.drive(40, 40, duration=0.2)
        bot.identify()
        with mb.sync.connect("usb") as again:
            assert again.url == bot.url
        assert bot.connected
    assert emulator.vehicle.turned > 0.1


async def test_a_plain_call_does_not_block_the_loop_that_drives_the_robot(
    emulator: Emulator,
) -> None:
    async with mb.connect("usb"):
        with pytest.raises(mb.UsageError, match="own loop"):
            mb.sync.connect("usb")


def test_an_emulated_robot_stands_in_where_there_is_none(
    emulated: Callable[..., Emulator],
    runtime: Runtime,
    capsys: pytest.CaptureFixture[str],
) -> None:
    robot = cable.stand_in("mbot", **QUICK)
    assert robot is not None
    assert "stands in for it" in capsys.readouterr().out
    assert cable.stand_in() is robot, "a cell that is run again finds it"
    with mb.sync.connect("usb") as bot:
        assert bot.state.capabilities.kind == "mbot"
    runtime.close()
    emulated()
    assert cable.stand_in() is None
    assert "no emulated robot is needed" in capsys.readouterr().out
