"""The emulators answer as the real robots were seen to, run nothing they are sent, and behave as
badly as asked."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import serial
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.errors import UsageError
from mbot_nb.local import instances
from mbot_nb.robots.emulators import emulate
from mbot_nb.robots.emulators.cyberpi import CyberPiFirmware
from mbot_nb.robots.emulators.faults import Faults
from mbot_nb.robots.emulators.mcore import NO_ECHO, MCoreFirmware
from mbot_nb.robots.emulators.ports import PtyPort
from mbot_nb.robots.emulators.script import Call, Name, ScriptError, parse
from mbot_nb.robots.emulators.vehicle import Vehicle
from mbot_nb.robots.serial.wire import f3, ff55
from tests.helpers.robots import FakeClock
from tests.helpers.serial_robots import PATIENCE, Workshop, frames_within
from tests.helpers.waiting import eventually

GOLDEN = Path(__file__).parents[2] / "golden"
F3: list[dict[str, Any]] = [
    v for v in json.loads((GOLDEN / "f3.json").read_text())["vectors"] if "script" in v
]
FF55: list[dict[str, Any]] = json.loads((GOLDEN / "ff55.json").read_text())["vectors"]


def test_scripts_are_calls_with_literals() -> None:
    assert parse("cyberpi.mbot2.forward(50, 'null')") == [
        Call("cyberpi.mbot2.forward", (50, "null"))
    ]
    assert parse("cyberpi.led.on(1, g=-2.5, id='all')") == [
        Call("cyberpi.led.on", (1,), {"g": -2.5, "id": "all"})
    ]
    (added,) = parse("subscribe.add_item(2, cyberpi.get_acc, ('x',))")
    assert added.arguments == (2, "cyberpi.get_acc", ("x",))
    assert isinstance(added.arguments[1], Name)
    assert parse("exec('cyberpi.led.off()\\ncyberpi.get_bri()')") == [
        Call("cyberpi.led.off"),
        Call("cyberpi.get_bri"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 + 1",
        "__import__('os').system('true')",
        "(lambda: 0)()",
        "cyberpi.f(open('x'))",
        "cyberpi.f(**{})",
        "cyberpi.f(*[1])",
        "[f() for f in x]",
        "exec('import os')",
        "exec(cyberpi.x)",
        "x = 1",
        "f(" * 2000,
        "\0",
        "exec('f();' * 9)",
    ],
)
def test_anything_else_is_refused_and_not_run(text: str) -> None:
    with pytest.raises(ScriptError):
        parse(text)


HIDDEN = [
    "__class__",
    "cyberpi.__init__",
    "cyberpi.forget",
    "os.system",
    "cyberpi._call",
    "cyberpi.do_get_bri",
]


@pytest.mark.parametrize("name", HIDDEN)
def test_only_the_api_can_be_called(mbot2: CyberPiFirmware, clock: FakeClock, name: str) -> None:
    mbot2.receive(f3.encode_script(f"{name}()", 5), clock.now)
    (frame,) = f3.Decoder().feed(b"".join(frames_within(mbot2, clock, 1)))
    assert isinstance(frame, f3.Script)
    assert frame.number == 5
    assert b"NameError" in frame.text


@pytest.mark.parametrize("vector", F3, ids=lambda vector: vector["name"])
def test_every_request_of_makeblock_s_client_is_answered(
    mbot2: CyberPiFirmware, clock: FakeClock, vector: dict[str, Any]
) -> None:
    mbot2.receive(bytes.fromhex(vector["request"]), clock.now)
    first, *_ = f3.Decoder().feed(b"".join(frames_within(mbot2, clock, 30)))
    assert isinstance(first, f3.Script)
    assert (first.mode, first.number) == (vector["mode"], vector["index"])
    f3.returned(first.text)  # an error of the script would raise
    if "get" not in vector["script"] and "subscribe" not in vector["script"]:
        assert (
            f3.encode_reply(first.text.decode(), first.number, first.mode).hex() == vector["reply"]
        )


SAME = {
    "get_version_short",
    "get_version_idx7",
    "get_button_released_s0",
    "motor_m1_100",
    "motor_m1_-100",
    "motor_m2_255",
    "motor_m2_0",
    "motor_m1_300",
    "joystick_L-150_R150_forward",
    "reset_action",
    "rgb_all_red",
    "rgb_led1_green",
    "rgb_off",
    "tone_440_250ms",
    "analog_pin6",
    "servo_port1_slot1_90",
    "unknown_device_get",
    "unknown_device_run",
    "unknown_action",
    "garbage_then_version",
    "payload_contains_ff55",
}


@pytest.mark.parametrize(
    "vector", [v for v in FF55 if v["name"] in SAME], ids=lambda vector: vector["name"]
)
def test_it_answers_as_the_real_firmware(
    mbot: MCoreFirmware, clock: FakeClock, vector: dict[str, Any]
) -> None:
    mbot.receive(bytes.fromhex(vector["request"]), clock.now)
    assert b"".join(frames_within(mbot, clock, 2)).hex() == vector["reply"]


def test_the_real_firmware_s_banner_and_button(mbot: MCoreFirmware, clock: FakeClock) -> None:
    named = {vector["name"]: vector["reply"] for vector in FF55}
    mbot.reset(clock.now)
    assert b"".join(frames_within(mbot, clock, 1)).hex() == named["boot_banner"]
    mbot.press("board", True, clock.now)
    assert b"".join(frames_within(mbot, clock, 1)).hex() == named["event_button_press"]


def test_the_mbot_s_ring_overflows_as_the_real_one(mbot: MCoreFirmware, clock: FakeClock) -> None:
    """40 pipelined reads got 15 answers."""
    for number in range(1, 41):
        mbot.receive(ff55.get(number, 17, 2), clock.now)
        clock.now += 7 * 10 / 115200
    answers = ff55.Decoder().feed(b"".join(frames_within(mbot, clock, 2)))
    assert 10 <= len(answers) <= 20
    assert mbot.lost > 0


def test_the_mbot_stalls_without_an_echo_and_is_deaf_in_a_tone(clock: FakeClock) -> None:
    mbot = MCoreFirmware(Vehicle({"width": 1000, "height": 1000}, clock=clock), boot=0)
    mbot.receive(ff55.get(3, 1, 3), clock.now)
    assert frames_within(mbot, clock, NO_ECHO - 0.01) == []
    assert ff55.Decoder().feed(b"".join(frames_within(mbot, clock, 0.1))) == [ff55.Value(3, 400.0)]
    mbot.receive(bytes.fromhex("ff55070d0222b801fa00"), clock.now)
    clock.now += 0.1
    mbot.receive(ff55.get(4, 0, 0), clock.now)
    assert ff55.Decoder().feed(b"".join(frames_within(mbot, clock, 2))) == [ff55.Ack()]


def test_the_mbot2_s_queue_is_kept_busy_and_mode_3_goes_past_it(
    mbot2: CyberPiFirmware, clock: FakeClock
) -> None:
    mbot2.receive(f3.encode_script("cyberpi.mbot2.forward(50, 2)", 1), clock.now)
    mbot2.receive(f3.encode_script("cyberpi.mbot2.EM_stop('all',)", 2), clock.now)
    assert frames_within(mbot2, clock, 1) == []
    assert not mbot2.vehicle.standing.is_set()
    mbot2.receive(f3.encode_script("cyberpi.mbot2.EM_stop('all',)", 3, f3.RUN_AT_ONCE), clock.now)
    assert mbot2.vehicle.standing.is_set()
    numbers = [
        frame.number
        for frame in f3.Decoder().feed(b"".join(frames_within(mbot2, clock, 2)))
        if isinstance(frame, f3.Script)
    ]
    assert numbers == [3, 1, 2]


def test_subscriptions_push_what_changes(mbot2: CyberPiFirmware, clock: FakeClock) -> None:
    mbot2.receive(
        f3.encode_script("subscribe.add_item(4, cyberpi.controller.is_press, ('a',))", 0), clock.now
    )
    frames = f3.Decoder().feed(b"".join(frames_within(mbot2, clock, 1)))
    assert [f3.pushed(frame.text) for frame in frames if isinstance(frame, f3.Push)] == [{4: False}]
    mbot2.press("a", True, clock.now)
    frames = f3.Decoder().feed(b"".join(frames_within(mbot2, clock, 1)))
    assert [f3.pushed(frame.text) for frame in frames if isinstance(frame, f3.Push)] == [{4: True}]


@pytest.mark.parametrize(
    ("script", "path"),
    [
        ("straight(20, 50)", (20, 0)),
        ("turn(90, 50)", (0, -90)),
        ("turn_left(50, 0.5)", (0, 85)),
        ("forward(50, 1)", (17, 0)),
    ],
)
def test_motions_are_as_in_the_book(
    mbot2: CyberPiFirmware, clock: FakeClock, script: str, path: tuple[float, float]
) -> None:
    before = mbot2.vehicle.sense()
    mbot2.receive(f3.encode_script(f"cyberpi.mbot2.{script}", 1), clock.now)
    frames_within(mbot2, clock, 5)
    after = mbot2.vehicle.sense()
    turned = (after["heading"] - before["heading"] + 180) % 360 - 180
    assert (after["x"] - before["x"], turned) == pytest.approx(path, abs=0.5)


def test_bytes_take_their_time(workshop: Workshop) -> None:
    emulator = workshop.emulator(paced=True, boot=0, resets_on_open=False)
    with serial.serial_for_url(emulator.address, timeout=PATIENCE) as port:
        text = "x" * 1000
        began = time.monotonic()
        port.write(f3.encode_script(f"cyberpi.display.show_label({text!r}, 16)", 1))
        decoder = f3.Decoder()
        eventually(lambda: decoder.feed(port.read(port.in_waiting or 1)), "the answer")
        assert time.monotonic() - began > 1000 * 10 / 115200


@given(st.binary(min_size=1, max_size=50), st.integers(0, 1000))
def test_faults_do_what_they_say(data: bytes, seed: int) -> None:
    assert Faults(seed=seed).on(data) == data
    assert Faults(silence=1, seed=seed).on(data) == b""
    assert len(Faults(truncate=1, seed=seed).on(data)) < len(data)
    assert Faults(garbage=1, seed=seed).on(data).endswith(data)
    spoilt = Faults(corrupt=1, seed=seed).on(data)
    assert len(spoilt) == len(data)
    assert sum(a != b for a, b in zip(spoilt, data, strict=True)) == 1


def test_what_runs_can_be_found(own_runtime_folder: Path) -> None:
    assert instances.running("emulator") == []
    with emulate("mbot", boot=0) as first, emulate("cyberpi", tcp=0) as second:
        assert [entry[1:3] for entry in instances.running("emulator")] == [
            ("mbot", first.address),
            ("cyberpi", second.address),
        ]
        assert own_runtime_folder.stat().st_mode & 0o077 == 0
    assert instances.running("emulator") == []
    assert list(own_runtime_folder.iterdir()) == []


def test_what_a_killed_one_left_behind_is_cleared_away(own_runtime_folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    own_runtime_folder.mkdir()
    entry = instances.Entry("emulator", "mbot", "/dev/x", process.pid, 0.0)
    (own_runtime_folder / "emulator-1-x.json").write_text(json.dumps(entry._asdict()))
    (own_runtime_folder / "emulator-2-x.json").write_text("{")
    assert instances.running("emulator") == []
    assert list(own_runtime_folder.iterdir()) == []


def test_a_path_that_is_no_link_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(UsageError, match="another path"):
        emulate("cyberpi", link=tmp_path / "mine", registered=False)
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_link_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with emulate("cyberpi", link="robot", boot=0) as emulator:
        assert emulator.address == str(tmp_path / "robot")
        assert [entry.address for entry in instances.running("emulator")] == [emulator.address]


def test_a_link_of_a_running_emulator_is_not_taken_over(tmp_path: Path) -> None:
    link = tmp_path / "robot"
    (tmp_path / "other").symlink_to(tmp_path)
    with emulate("cyberpi", link=link, boot=0):
        leads_to = link.readlink()
        for same in (link, tmp_path / "other" / "robot"):
            with pytest.raises(
                UsageError,
                match=f"another emulator that runs .process {os.getpid()}.: end that one",
            ):
                emulate("mbot", link=same)
        assert link.readlink() == leads_to
    assert not link.is_symlink()


def test_a_link_that_leads_elsewhere_is_left_alone(tmp_path: Path) -> None:
    """A dead one is replaced; one that somebody else has made meanwhile is not removed."""
    link = tmp_path / "robot"
    link.symlink_to(tmp_path / "gone")
    with emulate("cyberpi", link=link, boot=0) as emulator:
        assert str(link.readlink()).startswith("/dev/")
        link.unlink()
        link.symlink_to(tmp_path / "new")
        emulator.close()
    assert link.readlink() == tmp_path / "new"


def test_a_place_where_no_emulator_can_be_is_said_and_nothing_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(
        UsageError,
        match=r"robot cannot be made: No such file or directory; make the folder .*missing",
    ):
        emulate("cyberpi", link=tmp_path / "missing" / "robot")
    with pytest.raises(UsageError, match=r"cannot be made: Not a directory"):
        emulate("cyberpi", link=tmp_path / "file" / "robot")
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(UsageError, match=r"already in use; choose another"),
    ):
        emulate("cyberpi", tcp=taken.getsockname()[1])
    monkeypatch.setenv("MBOT_NB_RUNTIME_DIR", str(tmp_path / "file"))
    with pytest.raises(UsageError, match=r"cannot be made: File exists; set MBOT_NB_RUNTIME_DIR"):
        emulate("cyberpi")
    assert len(os.listdir("/dev/fd")) == before
    command = [sys.executable, "-m", "mbot_nb", "emulate", "cyberpi"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 1
    assert "set MBOT_NB_RUNTIME_DIR to a folder of your own" in ended.stderr
    assert "fault of mbot_nb" not in ended.stderr


def test_a_pseudo_terminal_echoes_nothing(tmp_path: Path) -> None:
    port = PtyPort(tmp_path / "robot")
    try:
        assert not port.occupied()
        slave = os.open(port.address, os.O_RDWR | os.O_NOCTTY)
        assert port.occupied()
        port.write(b"boot text\r\n")
        assert os.read(slave, 100) == b"boot text\r\n"
        assert port.read() == b""
        os.close(slave)
        assert not port.occupied()
    finally:
        port.close()
    assert not (tmp_path / "robot").is_symlink()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_as_a_process_it_says_where_it_is_and_ends_when_told(
    tmp_path: Path, sent: signal.Signals
) -> None:
    link = tmp_path / "robot"
    command = [
        sys.executable,
        "-m",
        "mbot_nb",
        "emulate",
        "cyberpi",
        "--link",
        str(link),
        "--boot",
        "0",
    ]
    with subprocess.Popen(
        [*command, "--unpaced"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"{link}\n"
            (entry,) = instances.running("emulator")
            assert (entry.pid, entry.address) == (process.pid, str(link))
            with serial.serial_for_url(str(link), timeout=0.05) as port:
                decoder = f3.Decoder()

                def answered() -> Any:
                    port.write(f3.encode_script("cyberpi.get_name()", 1))
                    return decoder.feed(port.read(200))

                assert f3.Script(1, 1, b'{"ret":"mBot2"}') in eventually(answered, "an answer")
            process.send_signal(sent)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
    assert instances.running("emulator") == []


def test_tcp_serves_one_after_another(workshop: Workshop) -> None:
    emulator = workshop.emulator("mbot", tcp=0)
    host, port = emulator.address.removeprefix("socket://").split(":")
    for _ in range(2):
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as client:
            client.settimeout(PATIENCE)
            assert client.recv(100).startswith(b"Version")
