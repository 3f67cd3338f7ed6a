"""The emulated mBot answers as the real firmware, overflows and stalls as it does, and survives
whatever arrives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.robots.emulators.mcore import NO_ECHO, MCoreFirmware
from mbot_nb.robots.emulators.vehicle import Vehicle
from mbot_nb.robots.serial.wire import ff55
from tests.helpers.robots import FakeClock
from tests.helpers.serial_robots import frames_within

GOLDEN = Path(__file__).parents[2] / "golden"
FF55: list[dict[str, Any]] = json.loads((GOLDEN / "ff55.json").read_text())["vectors"]


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
        mbot.receive(ff55.encode_request(ff55.Request(number, ff55.GET, 17, b"\2")), clock.now)
        clock.now += 7 * 10 / 115200
    answers = ff55.Decoder().feed(b"".join(frames_within(mbot, clock, 2)))
    assert 10 <= len(answers) <= 20
    assert mbot.lost > 0


def test_the_mbot_stalls_without_an_echo_and_is_deaf_in_a_tone(clock: FakeClock) -> None:
    mbot = MCoreFirmware(Vehicle({"width": 1000, "height": 1000}, clock=clock), boot=0)
    mbot.receive(ff55.encode_request(ff55.Request(3, ff55.GET, 1, b"\3")), clock.now)
    assert frames_within(mbot, clock, NO_ECHO - 0.01) == []
    assert ff55.Decoder().feed(b"".join(frames_within(mbot, clock, 0.1))) == [ff55.Value(3, 400.0)]
    mbot.receive(bytes.fromhex("ff55070d0222b801fa00"), clock.now)
    clock.now += 0.1
    mbot.receive(ff55.encode_request(ff55.Request(4, ff55.GET, 0, b"\0")), clock.now)
    assert ff55.Decoder().feed(b"".join(frames_within(mbot, clock, 2))) == [ff55.Ack()]


requests = st.builds(
    ff55.Request,
    st.integers(0, 255),
    st.sampled_from([ff55.GET, ff55.RUN, ff55.RESET]) | st.integers(0, 255),
    st.sampled_from([0, 1, 3, 5, 7, 8, 10, 17, 30, 31, 34, 35, 50]) | st.integers(0, 255),
    st.binary(max_size=12),
)


@given(st.lists(requests.map(ff55.encode_request) | st.binary(max_size=20), max_size=12))
def test_no_request_ends_an_emulated_mbot(frames: list[bytes]) -> None:
    clock = FakeClock()
    mbot = MCoreFirmware(Vehicle({}, clock=clock), boot=0)
    for frame in frames:
        mbot.receive(frame, clock.now)
        frames_within(mbot, clock, 0.5)
    frames_within(mbot, clock, 70)  # also the longest tone is over
    for _ in range(9):
        mbot.receive(bytes(30), clock.now)  # the nulls end what a broken frame began
        frames_within(mbot, clock, 1)
    mbot.receive(ff55.encode_request(ff55.Request(7, ff55.GET, 0, b"\0")), clock.now)
    assert ff55.Value(7, "06.01.107") in ff55.Decoder().feed(
        b"".join(frames_within(mbot, clock, 0.1))
    )
