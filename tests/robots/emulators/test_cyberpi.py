"""The emulated mBot2 answers as the real one was seen to, runs nothing it is sent, and survives
whatever arrives."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.robots.emulators.cyberpi import CyberPiFirmware
from mbot_nb.robots.emulators.vehicle import Vehicle
from mbot_nb.robots.serial.wire import f3
from tests.helpers.robots import FakeClock
from tests.helpers.serial_robots import frames_within

GOLDEN = Path(__file__).parents[2] / "golden"
F3: list[dict[str, Any]] = [
    v for v in json.loads((GOLDEN / "f3.json").read_text())["vectors"] if "script" in v
]


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
            f3.encode_script(first.text.decode(), first.number, first.mode).hex() == vector["reply"]
        )


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
