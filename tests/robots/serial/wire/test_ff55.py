"""ff55 frames: the real firmware's bytes, and streams cut, mixed and spoilt in every way."""

from __future__ import annotations

import json
import math
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.robots.serial.wire import ff55

GOLDEN: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "golden" / "ff55.json").read_text()
)["vectors"]
KINDS = {"byte": ff55.BYTE, "float32": ff55.FLOAT, "short": ff55.SHORT, "string": ff55.TEXT}

numbers = st.integers(0, 255)
VALUES: dict[int, st.SearchStrategy[float | str]] = {
    ff55.BYTE: numbers,
    ff55.FLOAT: st.floats(width=32, allow_nan=False),
    ff55.SHORT: st.integers(-32768, 32767),
    ff55.TEXT: st.text(max_size=60),
    ff55.DOUBLE: st.floats(allow_nan=False),
}


@st.composite
def values(draw: st.DrawFn) -> tuple[ff55.Frame, bytes]:
    number, kind = draw(numbers), draw(st.sampled_from(sorted(VALUES)))
    value = draw(VALUES[kind])
    return ff55.Value(number, value), ff55.encode_value(number, kind, value)


frames = st.one_of(
    values(),
    st.builds(lambda number: (ff55.EmptyReply(number), ff55.encode_nothing(number)), numbers),
    st.just((ff55.Ack(), ff55.encode_ack())),
)


def request_of(vector: dict[str, Any]) -> ff55.Request | None:
    found = ff55.RequestDecoder().feed(bytes.fromhex(vector["request"]))
    return found[0] if found else None


@pytest.mark.parametrize("vector", GOLDEN, ids=lambda vector: vector["name"])
def test_the_firmware_s_bytes(vector: dict[str, Any]) -> None:
    sent, reply = bytes.fromhex(vector["request"]), bytes.fromhex(vector["reply"])
    request = request_of(vector)
    if request is not None:
        assert sent.endswith(ff55.encode_request(request))
    decoder = ff55.Decoder()
    got = decoder.feed(reply)
    if vector["name"] == "boot_banner":
        assert got == []
        assert bytes(decoder.noise) == b"Version: 06.01.107\r\n"
    elif not reply:
        assert request is not None
        assert request.action not in ff55.ACTIONS
    elif "decoded" in vector:
        decoded = vector["decoded"]
        assert got == [ff55.Value(decoded["idx"], decoded["value"])]
        assert ff55.encode_value(decoded["idx"], KINDS[decoded["type"]], decoded["value"]) == reply
    elif vector["name"] == "event_button_press":
        assert got == [ff55.Value(ff55.BUTTON, 1)]
        assert ff55.encode_value(ff55.BUTTON, ff55.BYTE, 1) == reply
    elif request is not None and request.action == ff55.GET:
        assert got == [ff55.EmptyReply(request.number)]
        assert ff55.encode_nothing(request.number) == reply
    else:
        assert got == [ff55.Ack()]
        assert ff55.encode_ack() == reply


@pytest.mark.parametrize(
    "vector", [vector for vector in GOLDEN if vector["reply"]], ids=lambda vector: vector["name"]
)
def test_cut_at_every_byte(vector: dict[str, Any]) -> None:
    stream = bytes.fromhex(vector["reply"])
    for fail_all in range(len(stream) + 1):
        decoder = ff55.Decoder()
        assert [
            *decoder.feed(stream[:fail_all]),
            *decoder.feed(stream[fail_all:]),
        ] == ff55.Decoder().feed(stream)


def test_a_float_may_hold_a_line_end() -> None:
    reply = bytes.fromhex("ff550302") + b"\x3e\x0d\x0a\x43" + b"\r\n"
    (got,) = ff55.Decoder().feed(reply)
    assert isinstance(got, ff55.Value)
    assert got.number == 3
    assert isinstance(got.value, float)
    assert math.isclose(got.value, 138.05, abs_tol=0.01)


def test_an_acknowledgement_and_the_answers_to_number_13_are_told_apart() -> None:
    stream = (
        ff55.encode_ack()
        + ff55.encode_nothing(13)
        + ff55.encode_value(13, ff55.BYTE, 10)
        + ff55.encode_ack()
    )
    assert ff55.Decoder().feed(stream) == [
        ff55.Ack(),
        ff55.EmptyReply(13),
        ff55.Value(13, 10),
        ff55.Ack(),
    ]


@given(st.lists(frames), st.lists(st.integers(0, 10_000)))
def test_every_frame_arrives_wherever_the_stream_is_cut(
    sent: list[tuple[ff55.Frame, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(data for _, data in sent)
    at = sorted({0, len(stream), *(fail_all % (len(stream) + 1) for fail_all in cuts)})
    decoder = ff55.Decoder()
    got = [frame for a, b in pairwise(at) for frame in decoder.feed(stream[a:b])]
    assert got == [frame for frame, _ in sent]
    assert (decoder.skipped, decoder.waiting) == (0, 0)


@given(st.lists(st.one_of(frames, st.text("Version: 0123456789.\r\n", max_size=30))))
def test_text_between_frames_is_skipped_and_counted(
    parts: list[tuple[ff55.Frame, bytes] | str],
) -> None:
    decoder = ff55.Decoder()
    got = decoder.feed(
        b"".join(part.encode() if isinstance(part, str) else part[1] for part in parts)
    )
    assert got == [part[0] for part in parts if not isinstance(part, str)]
    assert decoder.skipped == sum(len(part) for part in parts if isinstance(part, str))


@given(st.binary(max_size=60), frames)
def test_after_any_garbage_and_a_pause_the_next_frame_arrives(
    garbage: bytes, frame: tuple[ff55.Frame, bytes]
) -> None:
    decoder = ff55.Decoder()
    decoder.feed(garbage)
    decoder.flush()
    assert decoder.waiting == 0
    assert decoder.feed(frame[1]) == [frame[0]]


@given(st.integers(1, 255), st.sampled_from(sorted(ff55.ACTIONS)), numbers, st.binary(max_size=40))
def test_requests_arrive_byte_by_byte(number: int, action: int, device: int, data: bytes) -> None:
    request = ff55.Request(number, action, device, data)
    decoder = ff55.RequestDecoder()
    got = [found for byte in ff55.encode_request(request) for found in decoder.feed(bytes((byte,)))]
    assert got == [request]


def test_a_truncated_request_swallows_the_next_one_as_in_the_firmware() -> None:
    one, two = (ff55.encode_request(ff55.Request(n, ff55.GET, 0, b"\0")) for n in (1, 2))
    decoder = ff55.RequestDecoder()
    assert [request.number for request in decoder.feed(one[:-1] + two + two)] == [1, 2]
    assert [request.number for request in ff55.RequestDecoder().feed(one + two)] == [1, 2]


def test_what_is_built_for_the_motors_is_what_turned_them() -> None:
    vector = next(vector for vector in GOLDEN if vector["name"] == "joystick_L-150_R150_forward")
    request = ff55.Request(9, ff55.RUN, 5, struct.pack("<hh", -150, 150))
    assert ff55.encode_request(request).hex() == vector["request"]
