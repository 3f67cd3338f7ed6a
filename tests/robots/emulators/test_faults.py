"""No byte that arrives ends an emulated robot, whatever a bad cable has made of it; and if a fault
does, its process tells."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.local import instances
from mbot_nb.robots.emulators.cyberpi import CyberPiFirmware
from mbot_nb.robots.emulators.mcore import MCoreFirmware
from mbot_nb.robots.emulators.script import ScriptError, parse
from mbot_nb.robots.emulators.vehicle import Vehicle
from mbot_nb.robots.serial.wire import f3, ff55
from tests.helpers.robots import FakeClock
from tests.helpers.serial_robots import PATIENCE, frames_within


@given(st.text(max_size=60))
def test_no_text_breaks_the_emulator(text: str) -> None:
    try:
        parse(text)
    except ScriptError:
        return


API = [
    function for name, function in sorted(vars(CyberPiFirmware).items()) if name.startswith("do_")
]
MODULES = r"do_((?:mbot2|led|display|audio|console|controller|ultrasonic2|quad_rgb_sensor)(?=_))?_?"
WORDS = ("EM1", "EM3", "all", "x", "a", "null", "red blue", "", "\ud800")
NUMBERS = {"inf": "1e999", "-inf": "-1e999"}
literals = st.one_of(
    st.integers(-3, 300),
    st.floats(),
    st.sampled_from(WORDS),
    st.sampled_from([None, True, (1,), [1], {"a": 1}, 10**400]),
).map(lambda value: NUMBERS.get(repr(value), repr(value)))


def calls_of(function: Any) -> st.SearchStrategy[str]:
    """With as many arguments as it takes."""
    name = ".".join(["cyberpi", *filter(None, re.split(MODULES, function.__name__))])
    most = function.__code__.co_argcount - 1
    some = st.lists(literals, min_size=most - len(function.__defaults__ or ()), max_size=most)
    return some.map(lambda arguments: f"{name}({', '.join(arguments)})")


def subscription(key: str, call: str) -> str:
    """The request that the robot reports what a call of the API returns."""
    arguments = call.replace("(", ", (", 1).removesuffix(")")
    return f"subscribe.add_item({key}, {arguments},))".replace("(,)", "()")


api_calls = st.sampled_from(API).flatmap(calls_of)
keys = st.integers(0, 20).map(str) | literals
subscriptions = st.builds(subscription, keys, api_calls)


@given(
    st.lists(
        st.tuples(api_calls | subscriptions, st.sampled_from([f3.RUN_AND_REPLY, f3.RUN_AT_ONCE])),
        max_size=8,
    )
)
def test_no_call_ends_an_emulated_mbot2(calls: list[tuple[str, int]]) -> None:
    clock = FakeClock()
    mbot2 = CyberPiFirmware(Vehicle({}, clock=clock), boot=0, latency=0)
    for text, mode in calls:
        mbot2.receive(f3.encode_script(text, 1, mode), clock.now)
        frames_within(mbot2, clock, 0.2)
    mbot2.receive(f3.encode_script("cyberpi.get_name()", 7, f3.RUN_AT_ONCE), clock.now)
    assert f3.Script(f3.RUN_AT_ONCE, 7, b'{"ret":"mBot2"}') in f3.Decoder().feed(
        b"".join(frames_within(mbot2, clock, 0.1))
    )


@pytest.mark.parametrize(
    "text",
    [
        "cyberpi.led.show(3)",
        "cyberpi.audio.set_vol(1e999)",
        "cyberpi.audio.play_tone(440, nan)",
        "cyberpi.mbot2.straight(0x" + "f" * 400 + ")",
        "cyberpi" + ".x" * 1500 + "()",
        "subscribe.add_item(0x" + "f" * 4000 + ", cyberpi.get_bri, ())",
    ],
    ids=["led", "volume", "tone", "way", "name", "key"],
)
def test_a_call_that_fails_is_answered_with_its_error(
    mbot2: CyberPiFirmware, clock: FakeClock, text: str
) -> None:
    mbot2.receive(f3.encode_script(text, 5), clock.now)
    (frame,) = f3.Decoder().feed(b"".join(frames_within(mbot2, clock, 1)))
    assert isinstance(frame, f3.Script)
    assert frame.text.startswith(b'{"err": ')


def test_a_subscription_that_fails_later_holds_no_other_up(
    mbot2: CyberPiFirmware, clock: FakeClock
) -> None:
    for text in (
        "subscribe.add_item(4, cyberpi.mbot2.EM_get_power, ('EM1',))",
        "subscribe.add_item(5, cyberpi.get_bri, ())",
    ):
        mbot2.receive(f3.encode_script(text, 0), clock.now)
    mbot2.receive(f3.encode_script("cyberpi.mbot2.EM_set_power(1e999, 'EM1')", 1), clock.now)
    frames = f3.Decoder().feed(b"".join(frames_within(mbot2, clock, 1)))
    assert {
        key for frame in frames if isinstance(frame, f3.Push) for key in f3.pushed(frame.text)
    } == {5}


def test_leds_that_are_not_there_stay_dark(
    mbot2: CyberPiFirmware, mbot: MCoreFirmware, clock: FakeClock
) -> None:
    for index in (0, 6, 255, -1):
        mbot2.receive(f3.encode_script(f"cyberpi.led.on(1, 2, 3, {index})", 1), clock.now)
        if index > 0:
            mbot.receive(
                ff55.encode_request(ff55.Request(1, ff55.RUN, 8, bytes((7, 2, index, 1, 2, 3)))),
                clock.now,
            )
    frames_within(mbot2, clock, 0.1)
    assert frames_within(mbot, clock, 0.1) == [ff55.encode_ack()] * 2
    assert set(mbot2.vehicle.leds + mbot.vehicle.leds) == {(0, 0, 0)}


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
    mbot.receive(ff55.get(7, 0, 0), clock.now)
    assert ff55.Value(7, "06.01.107") in ff55.Decoder().feed(
        b"".join(frames_within(mbot, clock, 0.1))
    )


def test_as_a_process_it_ends_with_the_fault_that_ended_its_robot(tmp_path: Path) -> None:
    """Else it would stay, without a port, and nobody would know."""
    command = """
import sys
from mbot_nb import cli
from mbot_nb.robots.emulators.mcore import MCoreFirmware

def fail(self, now):
    raise RuntimeError("a fault of the test")

MCoreFirmware.advance = fail
sys.argv = ["mbot-nb", "emulate", "mbot", "--link", sys.argv[1], "--boot", "0"]
cli.main()
"""
    link = tmp_path / "robot"
    with subprocess.Popen(
        [sys.executable, "-c", command, link], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            _, told = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert process.returncode == 1
    assert "a fault of the test" in told
    assert "This is a fault of mbot_nb" in told
    assert not link.is_symlink()
    assert instances.running("emulator") == []
