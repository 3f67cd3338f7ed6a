"""f3 frames: Makeblock's own bytes, and streams cut, mixed and spoilt in every way."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.errors import ProtocolError
from mbot_nb.robots.serial.wire import f3

GOLDEN: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "golden" / "f3.json").read_text()
)["vectors"]
SCRIPTS = [vector for vector in GOLDEN if "script" in vector]

frames = st.one_of(
    st.builds(f3.Script, st.integers(0, 3), st.integers(0, 0xFFFF), st.binary(max_size=60)),
    st.builds(f3.Push, st.integers(0, 255), st.binary(max_size=60)),
    st.builds(f3.Switch, st.booleans()),
)


def encoded(frame: f3.Frame) -> bytes:
    if isinstance(frame, f3.Switch):
        return f3.encode_switch(frame.online)
    assert not isinstance(frame, f3.UnknownFrame)
    # Any bytes, also those that are no text.
    stand_in = (
        f3.encode_push("", frame.service)
        if isinstance(frame, f3.Push)
        else f3.encode_script("", frame.number, frame.mode)
    )
    body = stand_in[4:-4] + len(frame.text).to_bytes(2, "little") + frame.text
    return f3.encode_frame(body)


def in_pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    at = sorted({0, len(stream), *(fail_all % (len(stream) + 1) for fail_all in cuts)})
    return [stream[a:b] for a, b in pairwise(at)]


@pytest.mark.parametrize("vector", SCRIPTS, ids=lambda vector: vector["name"])
def test_makeblock_s_requests_and_replies(vector: dict[str, Any]) -> None:
    request, reply = bytes.fromhex(vector["request"]), bytes.fromhex(vector["reply"])
    assert f3.encode_script(vector["script"], vector["index"], vector["mode"]) == request
    assert f3.Decoder().feed(request) == [
        f3.Script(vector["mode"], vector["index"], vector["script"].encode())
    ]
    (answer,) = f3.Decoder().feed(reply)
    assert isinstance(answer, f3.Script)
    assert (answer.mode, answer.number) == (vector["mode"], vector["index"])
    assert f3.encode_script(answer.text.decode(), answer.number, answer.mode) == reply
    value = f3.returned(answer.text)
    written = json.dumps(value) if isinstance(value, str) else repr(value)
    assert answer.text.decode() == f'{{"ret":{written}}}'


def test_makeblock_s_switches_and_handshake() -> None:
    named = {vector["name"]: vector for vector in GOLDEN}
    assert f3.ONLINE.hex() == named["online_mode"]["tx_hex"]
    assert f3.OFFLINE.hex() == named["offline_mode"]["tx_hex"]
    handshake = [bytes.fromhex(frame["hex"]) for frame in named["handshake_auto"]["frames"]]
    assert f3.Decoder().feed(b"".join(handshake)) == [
        f3.Script(1, 0, b"cyberpi.get_bri()"),
        f3.Script(1, 0, b'{"ret":75}'),
        f3.Switch(online=True),
    ]
    assert handshake[0] == f3.encode_script("cyberpi.get_bri()", 0)
    assert {vector["name"] for vector in GOLDEN} == {vector["name"] for vector in SCRIPTS} | {
        "handshake_auto",
        "online_mode",
        "offline_mode",
    }


@pytest.mark.parametrize("vector", SCRIPTS, ids=lambda vector: vector["name"])
def test_cut_at_every_byte(vector: dict[str, Any]) -> None:
    stream = bytes.fromhex(vector["request"])
    for fail_all in range(len(stream) + 1):
        decoder = f3.Decoder()
        assert [
            *decoder.feed(stream[:fail_all]),
            *decoder.feed(stream[fail_all:]),
        ] == f3.Decoder().feed(stream)
        assert decoder.skipped == 0


def test_a_reply_may_hold_what_looks_like_a_header() -> None:
    """Index 243 and a text of 13 bytes: f3 00 0d 00 stands in the middle. Found by length, nothing
    is lost."""
    reply = f3.encode_script('{"ret": true}', 243)
    look_alike = reply[6:10]
    assert look_alike == b"\xf3\x00\x0d\x00"
    assert (look_alike[0] + look_alike[2] + look_alike[3]) & 0xFF == look_alike[1]
    assert f3.Decoder().feed(reply) == [f3.Script(1, 243, b'{"ret": true}')]


@given(st.lists(frames), st.lists(st.integers(0, 10_000)))
def test_every_frame_arrives_wherever_the_stream_is_cut(
    sent: list[f3.Frame], cuts: list[int]
) -> None:
    decoder = f3.Decoder()
    got = [
        frame
        for piece in in_pieces(b"".join(map(encoded, sent)), cuts)
        for frame in decoder.feed(piece)
    ]
    assert got == sent
    assert (decoder.skipped, decoder.waiting) == (0, 0)


@given(
    st.lists(
        st.one_of(frames, st.binary(max_size=30).map(lambda data: data.replace(b"\xf3", b"\xf2")))
    )
)
def test_text_between_frames_is_skipped_and_counted(parts: list[f3.Frame | bytes]) -> None:
    decoder = f3.Decoder()
    got = decoder.feed(
        b"".join(part if isinstance(part, bytes) else encoded(part) for part in parts)
    )
    assert got == [part for part in parts if not isinstance(part, bytes)]
    assert decoder.skipped == sum(len(part) for part in parts if isinstance(part, bytes))


@given(st.binary(max_size=80), frames, st.lists(st.integers(0, 200)))
def test_after_any_garbage_and_a_pause_the_next_frame_arrives(
    garbage: bytes, frame: f3.Frame, cuts: list[int]
) -> None:
    decoder = f3.Decoder()
    for piece in in_pieces(garbage, cuts):
        decoder.feed(piece)
    decoder.flush()
    assert decoder.waiting == 0
    assert decoder.feed(encoded(frame)) == [frame]


@given(frames, st.data(), frames)
def test_a_spoilt_frame_costs_no_other(
    first: f3.Frame, data: st.DataObject, second: f3.Frame
) -> None:
    spoilt = bytearray(encoded(first))
    at = data.draw(st.integers(0, len(spoilt) - 1))
    spoilt[at] ^= data.draw(st.integers(1, 255))
    decoder = f3.Decoder()
    got = decoder.feed(bytes(spoilt) + encoded(second))
    got += decoder.flush()
    assert got[-1] == second
    assert first == second or first not in got


@given(frames, st.data(), frames)
def test_a_truncated_frame_costs_no_other(
    first: f3.Frame, data: st.DataObject, second: f3.Frame
) -> None:
    whole = encoded(first)
    fail_all = whole[: data.draw(st.integers(0, len(whole) - 1))]
    decoder = f3.Decoder()
    got = decoder.feed(fail_all + encoded(second)) + decoder.flush()
    assert got[-1:] == [second]


def test_a_length_beyond_reason_swallows_nothing() -> None:
    header = bytes((0xF3, (0xF3 + 0xFF + 0xFF) & 0xFF, 0xFF, 0xFF))
    assert f3.Decoder().feed(header + f3.ONLINE) == [f3.Switch(online=True)]


def test_noise_is_kept_but_not_for_ever() -> None:
    decoder = f3.Decoder()
    decoder.feed(b"x" * 10_000 + b"ets Jun  8 2016 00:22:57")
    assert decoder.noise.endswith(b"2016 00:22:57")
    assert len(decoder.noise) == 256
    assert decoder.skipped == 10_024


def test_frames_of_an_unknown_type_are_told_apart() -> None:
    assert f3.Decoder().feed(f3.encode_frame(b"\x77hello")) == [f3.UnknownFrame(b"\x77hello")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"ret":None}', None),
        ('{"ret":null}', None),
        ('{"ret":True}', True),
        ('{"ret":true}', True),
        ("{'ret': (1, 2.5, 'é')}", (1, 2.5, "é")),
        ('{"ret":-12.5}', -12.5),
        ("{'ret': [true, None]}", [True, None]),
        ('{"ret":"a\\nb"}', "a\nb"),
    ],
)
def test_replies_are_json_or_python(text: str, value: Any) -> None:
    assert f3.returned(text.encode()) == value


WRONG = [
    "",
    "ret",
    '{"ret":',
    "{'ret': open('x')}",
    '{"ret":__import__("os")}',
    "[" * 5000,
    "\0",
    "{1: {}, **{}}",
]


@pytest.mark.parametrize("text", WRONG)
def test_other_replies_are_errors_and_run_nothing(text: str) -> None:
    with pytest.raises(ProtocolError):
        f3.returned(text.encode())


def test_a_script_that_failed_says_so() -> None:
    with pytest.raises(ProtocolError, match="NameError"):
        f3.returned(b"""{"err":"NameError: name 'mbot' isn't defined"}""")


def test_pushes_carry_a_number_as_key() -> None:
    assert f3.pushed(b"{2:75}") == {2: 75}
    assert f3.pushed(b"{2: True, 3: -1.5}") == {2: True, 3: -1.5}
    for wrong in (b"{'a': 1}", b"75", b"{2:}"):
        with pytest.raises(ProtocolError):
            f3.pushed(wrong)
