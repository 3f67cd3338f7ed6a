"""Messages to frames, and what is left out of them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from mbot_nb.protocol import messages as m
from mbot_nb.protocol.codec import (
    MAX_NESTED,
    ClientFrames,
    Envelope,
    ServerFrames,
    clean,
    depth,
    encode,
    event_data,
    frame,
    is_batch,
    to_json,
    with_field,
)
from mbot_nb.protocol.settings import MAX_INTEGER
from tests.helpers.protocol.frames import PING, command, in_batch, nested

FINITE = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
    ),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    FINITE,
    st.integers(0, MAX_INTEGER),
    st.integers(0, MAX_INTEGER) | st.none(),
    st.integers(0, MAX_INTEGER) | st.none(),
)
def test_an_envelope_is_read_as_it_was_written(
    data: Any, timestamp: int, sequence: int | None, ack: int | None
) -> None:
    payload = Raw(encode({"event": "e", "data": data}))
    text = encode(Envelope("event", payload, timestamp, sequence, ack))
    (message,) = ServerFrames.decode(text.decode())
    assert isinstance(message, m.EventMessage)
    assert (message.payload.event, event_data(message)) == ("e", data)
    assert message == m.EventMessage(
        version=2,
        payload=message.payload,
        timestamp=timestamp,
        sequence=sequence,
        ack=ack,
    )


def test_many_commands_share_a_frame() -> None:
    payload = Raw(b'{"command":"x","params":{}}')
    text = frame([Envelope("command", payload, 17, number) for number in (1, 2)], 18)
    assert text == (
        b'{"version":2,"type":"batch","payload":{"messages":['
        b'{"version":2,"type":"command","payload":{"command":"x","params":{}},'
        b'"timestamp":17,"sequence":1},'
        b'{"version":2,"type":"command","payload":{"command":"x","params":{}},'
        b'"timestamp":17,"sequence":2}]},"timestamp":18}'
    )
    assert [message.sequence for message in ClientFrames.decode(text.decode())] == [1, 2]


def test_one_message_alone_is_sent_plain() -> None:
    message = Envelope("pong", {}, 5, ack=3)
    assert not is_batch(frame([message], 6))
    assert is_batch(frame([message, message], 6))
    assert frame([message], 6) == b'{"version":2,"type":"pong","payload":{},"timestamp":5,"ack":3}'


def test_a_payload_gets_one_more_field() -> None:
    payload = b'{"command":"x","params":{"a":[1.50,{}]}}'
    assert bytes(with_field(payload, "after", 7)) == payload[:-1] + b',"after":7}'


class TestToJson:
    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_a_number_must_be_finite(self, value: float) -> None:
        for data in ({"a": value}, {"a": [1, {"b": value}]}, {"a": (value,)}):
            with pytest.raises(ValueError, match="finite"):
                to_json(data)

    def test_null_is_no_such_number(self) -> None:
        assert to_json({"a": None, "b": ["null", 1.5]}) == b'{"a":null,"b":["null",1.5]}'

    @pytest.mark.parametrize("kind", [list, dict])
    def test_too_deep_for_a_batch(self, kind: type) -> None:
        def deep(levels: int) -> Any:
            value: Any = kind()
            for _ in range(levels - 1):
                value = [value] if kind is list else {"a": value}
            return value

        fits = to_json(deep(MAX_NESTED)).decode()
        assert isinstance(
            ClientFrames.decode(
                in_batch(PING, command(params=f'{{"a":{nested(MAX_NESTED - 1)}}}'))
            )[1],
            m.CommandMessage,
        )
        assert depth(fits) == MAX_NESTED
        with pytest.raises(ValueError, match="27 deep"):
            to_json(deep(MAX_NESTED + 1))
        with pytest.raises(ValueError, match="27 deep"):
            to_json(deep(100_000))

    def test_what_json_does_not_know(self) -> None:
        with pytest.raises(TypeError):
            to_json({"a": object()})
        with pytest.raises(ValueError, match="surrogates"):
            to_json({"a": "\ud800"})


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        (math.nan, math.nan),
        ({"a": math.nan, "b": 1}, {"b": 1}),
        ({"a": [1, math.inf, (2, math.nan)]}, {"a": [1, None, [2, None]]}),
        ({"a": {"b": -math.inf}}, {"a": {}}),
        ({1: "one", "two": 2}, {"1": "one", "two": 2}),
    ],
)
def test_what_is_not_finite_is_left_out(value: Any, cleaned: Any) -> None:
    assert repr(clean(value)) == repr(cleaned)
