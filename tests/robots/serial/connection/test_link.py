"""A link on real pseudo-terminals and sockets: deadlines, unplugged and plugged again, restarts,
noise."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import serial

from mbot_nb.errors import (
    CommandTimeoutError,
    ConnectError,
    DeliveryUnknownError,
    MbotError,
    NotConnectedError,
)
from mbot_nb.robots.emulators.cyberpi import CyberPiFirmware
from mbot_nb.robots.emulators.faults import Faults
from mbot_nb.robots.serial.connection.link import SerialLink
from mbot_nb.robots.serial.connection.port import open_error, opener
from mbot_nb.robots.serial.wire import f3, ff55
from mbot_nb.robots.serial.wire.dialects import (
    DeviceRequest,
    F3Dialect,
    FF55Dialect,
    Request,
    ScriptRequest,
)
from tests.helpers.serial_robots import PATIENCE, Workshop
from tests.helpers.waiting import eventually

BRI = ScriptRequest("cyberpi.get_bri()")
LIGHT = DeviceRequest(ff55.GET, 3, b"\x06")
QUESTION: dict[str, Request] = {"cyberpi": BRI, "mbot": LIGHT}


@pytest.mark.parametrize("kind", ["cyberpi", "mbot"])
@pytest.mark.parametrize("how", [{}, {"tcp": 0}], ids=["pseudo-terminal", "socket"])
def test_it_waits_for_the_robot_and_gets_answers(
    workshop: Workshop, kind: str, how: dict[str, Any]
) -> None:
    emulator = workshop.emulator(kind, boot=0.2, **how)
    link = workshop.link(emulator)
    assert link.version in ("44.01.013", "06.01.107")
    asked = [link.request(QUESTION[kind]) for _ in range(20)]
    assert len({each.result(PATIENCE) for each in asked}) == 1
    assert link.written > 0
    assert link.read > 0


def test_boot_text_is_skipped(workshop: Workshop) -> None:
    link = workshop.link(workshop.emulator(boot=0.4))
    assert link.skipped == len(CyberPiFirmware.boot_text)
    assert isinstance(link.request(BRI).result(PATIENCE), int)


def test_a_port_without_a_descriptor_works_too() -> None:
    """`loop://` gives back what is written: here the test is the robot."""
    port = serial.serial_for_url("loop://", timeout=0.01)
    link = SerialLink(lambda: port, FF55Dialect, guarded=False).start()
    try:
        eventually(lambda: link.written, "a version request")
        for number in FF55Dialect.NUMBERS[:20]:
            port.write(ff55.encode_value(number, ff55.TEXT, "loop"))
        link.wait_ready(PATIENCE)
        assert link.version == "loop"
    finally:
        link.close(PATIENCE)


def test_dtr_and_rts_are_low_before_the_port_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []

    class Recorder:
        def __setattr__(self, name: str, value: Any) -> None:
            done.append((name, value))

        def open(self) -> None:
            done.append("open")

    def make(address: str, *, do_not_open: bool, baudrate: int, **how: Any) -> Recorder:
        assert do_not_open
        assert baudrate == 115200
        return Recorder()

    monkeypatch.setattr(serial, "serial_for_url", make)
    opener("/dev/ttyUSB0")()
    assert done[-1] == "open"
    assert ("dtr", False) in done
    assert ("rts", False) in done


def test_a_request_that_is_not_answered_in_time_says_so(workshop: Workshop) -> None:
    link = workshop.link(workshop.emulator(latency=0.2))
    late = link.request(BRI, timeout=0.05, attempts=1)
    with pytest.raises(CommandTimeoutError, match="did not answer"):
        late.result(PATIENCE)
    # Its answer comes after all, and is not taken for the next one's.
    assert (
        link.request(ScriptRequest("cyberpi.get_name()"), timeout=PATIENCE).result(PATIENCE)
        == "mBot2"
    )


def test_a_cancelled_request_disturbs_nobody(workshop: Workshop) -> None:
    link = workshop.link(workshop.emulator(latency=0.05))
    asked = [
        link.request(ScriptRequest(f"cyberpi.quad_rgb_sensor.get_gray({n % 4 + 1}, 1)"))
        for n in range(12)
    ]
    for each in asked[::2]:
        each.cancel()
    assert [each.result(PATIENCE) for each in asked[1::2]] == [90] * 6
    assert link.request(BRI).result(PATIENCE) == 50


def test_requests_without_a_robot_end_at_once() -> None:
    link = SerialLink(opener("/dev/no-such-port"), F3Dialect, name="/dev/no-such-port").start()
    try:
        with pytest.raises(NotConnectedError):
            link.request(BRI).result(PATIENCE)
        with pytest.raises(ConnectError, match="no port /dev/no-such-port"):
            link.wait_ready(0.2)
    finally:
        link.close(PATIENCE)
    with pytest.raises(NotConnectedError):
        link.request(BRI).result(PATIENCE)


def test_a_silent_port_says_what_to_look_at() -> None:
    """A pseudo-terminal that nobody answers at."""
    master, slave = os.openpty()
    link = SerialLink(opener(os.ttyname(slave)), F3Dialect, guarded=False).start()
    try:
        with pytest.raises(ConnectError, match="is it switched on"):
            link.wait_ready(0.5)
    finally:
        link.close(PATIENCE)
        os.close(master)
        os.close(slave)


def test_unplugging_is_noticed_at_once_and_plugging_in_heals(
    workshop: Workshop, tmp_path: Path
) -> None:
    emulator = workshop.emulator(link=tmp_path / "robot", latency=0.5)
    states: list[str] = []
    link = workshop.link(emulator, on_state=states.append)
    asked = link.request(BRI, timeout=PATIENCE)
    eventually(lambda: BRI.text in emulator.firmware.ran, "the request")  # type: ignore[attr-defined]
    pulled = time.monotonic()
    emulator.unplug()
    with pytest.raises(DeliveryUnknownError, match="unplugged"):
        asked.result(PATIENCE)
    assert time.monotonic() - pulled < 1
    eventually(lambda: link.state == "lost", "the loss")
    with pytest.raises(NotConnectedError):
        link.request(BRI).result(PATIENCE)
    eventually(lambda: link.attempts > 2, "looking for the port again")
    emulator.plug()
    link.wait_ready(PATIENCE)
    assert link.request(BRI, timeout=PATIENCE).result(PATIENCE) == 50
    assert states[-3:] == ["lost", "probing", "ready"]


@pytest.mark.parametrize("kind", ["cyberpi", "mbot"])
def test_a_restart_in_the_middle_is_noticed_and_healed(workshop: Workshop, kind: str) -> None:
    emulator = workshop.emulator(kind, boot=0.1)
    states: list[str] = []
    link = workshop.link(emulator, on_state=states.append)
    assert states[-1] == "ready"
    emulator.reset()
    eventually(lambda: states.count("ready") == 2, "the second start")
    assert "restarted" not in link.reason
    link.request(QUESTION[kind]).result(PATIENCE)


def test_a_robot_that_falls_silent_is_noticed(workshop: Workshop) -> None:
    emulator = workshop.emulator()
    link = workshop.link(emulator)
    emulator.faults.silence = 1.0
    asked = [link.request(BRI, timeout=0.05, attempts=1) for _ in range(8)]
    for each in asked:
        assert isinstance(each.exception(PATIENCE), MbotError)
    eventually(lambda: link.state == "probing", "the doubt")
    emulator.faults.silence = 0.0
    link.wait_ready(PATIENCE)


def test_appointments_are_kept_while_the_other_threads_sleep(workshop: Workshop) -> None:
    link = workshop.link(workshop.emulator())
    called: list[float] = []
    start = time.monotonic()
    withdrawn = link.call_at(start + 0.02, lambda: called.append(0.0))
    link.call_at(start + 0.05, lambda: called.append(time.monotonic() - start))
    withdrawn.cancel()
    link.call_at(start + 0.03, lambda: 1 / 0)  # the next one is called all the same
    eventually(lambda: called, "the appointment")
    assert len(called) == 1
    assert 0.05 <= called[0] < 0.5


def test_appointments_are_kept_without_a_robot() -> None:
    link = SerialLink(opener("/dev/no-such-port"), F3Dialect).start()
    called = threading.Event()
    try:
        link.call_at(time.monotonic() + 0.05, called.set)
        assert called.wait(PATIENCE)
    finally:
        link.close(PATIENCE)


def test_what_the_robot_tells_unasked_arrives(workshop: Workshop) -> None:
    values: list[dict[int, Any]] = []
    emulator = workshop.emulator()
    link = workshop.link(emulator, on_values=values.append)
    link.request(
        ScriptRequest("subscribe.add_item(7, cyberpi.controller.is_press, ('a',))", numbered=False)
    ).result(PATIENCE)
    eventually(lambda: values == [{7: False}], "the first value")
    emulator.press("a")
    eventually(lambda: values == [{7: False}, {7: True}], "the change")
    emulator.inject(b"noise" + f3.encode_push("this is no value") + f3.encode_push("{7: 1}"))
    eventually(lambda: values[2:] == [{7: 1}], "what comes behind nonsense")


SPOILT = {"corrupt": 0.01, "truncate": 0.005, "garbage": 0.005, "silence": 0.005}


def test_ten_thousand_requests_over_a_bad_cable_lose_no_answer(workshop: Workshop) -> None:
    """Each ends with its own answer or with an error that has a name."""
    emulator = workshop.emulator(faults=Faults(seed=1, **SPOILT))
    link = workshop.link(emulator)
    link.request(ScriptRequest("cyberpi.mbot2.drive_power(0, 0)")).result(PATIENCE)
    answers = {"cyberpi.get_name()": "mBot2", "cyberpi.get_bri()": 50, "cyberpi.get_acc('z',)": 9.8}
    outcomes: dict[str, int] = {}
    for _ in range(500):
        link.wait_ready(PATIENCE)  # on a busy machine the robot may seem silent for a while
        asked = [
            (text, link.request(ScriptRequest(text), timeout=0.04, attempts=4))
            for text in (*answers, "cyberpi.get_bri()") * 5
        ]
        for text, future in asked:
            error = future.exception(PATIENCE)
            assert error is None or isinstance(error, MbotError)
            if error is None:
                assert future.result() == answers[text]
            outcomes[type(error).__name__] = outcomes.get(type(error).__name__, 0) + 1
    assert sum(outcomes.values()) == 10_000
    assert outcomes["NoneType"] > 9_000, (outcomes, link)
    assert emulator.faults.done > 100


def test_errors_at_opening_say_what_to_do() -> None:
    assert (
        "dialout" in str(open_error("/dev/ttyUSB0", PermissionError(13, "Permission denied")))
        or os.name != "posix"
    )
    assert "in use" in str(
        open_error("/dev/ttyUSB0", serial.SerialException(11, "Could not exclusively lock port"))
    )
    assert "driver" in str(
        open_error("/dev/ttyUSB0", FileNotFoundError(2, "No such file or directory"))
    )
    assert "start what serves" in str(
        open_error("socket://127.0.0.1:1", serial.SerialException("refused"))
    )


def test_a_second_program_is_told_that_the_port_is_in_use(workshop: Workshop) -> None:
    emulator = workshop.emulator()
    workshop.link(emulator)
    second = SerialLink(
        opener(emulator.address), F3Dialect, name=emulator.address, guarded=False
    ).start()
    try:
        with pytest.raises(ConnectError, match="in use"):
            second.wait_ready(0.3)
    finally:
        second.close(PATIENCE)


def test_a_link_that_is_closed_gives_everything_back(workshop: Workshop) -> None:
    emulator = workshop.emulator(latency=0.05)
    link = workshop.link(emulator)
    last = link.request(ScriptRequest("cyberpi.mbot2.EM_stop('all',)", f3.RUN_AT_ONCE), urgent=True)
    link.close(PATIENCE)
    assert last.result(0) is None  # what was still to be said was said
    assert link.state == "closed"
    with serial.serial_for_url(emulator.address, timeout=0.1) as again:
        assert again.is_open
