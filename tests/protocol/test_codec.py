"""Frames to messages and back, and what is refused with which words."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mbot_nb.errors import ProtocolError
from mbot_nb.protocol import messages as m
from mbot_nb.protocol.codec import (
    ClientFrames,
    ServerFrames,
    depth,
    event_data,
)
from mbot_nb.protocol.settings import MAX_DEPTH, MAX_INTEGER
from tests.helpers.protocol.frames import GOOD, PING, command, in_batch, nested, one, refused, told


@pytest.mark.parametrize("bad", ["", ',{"version":2,"type":"nonsense"}'])
def test_an_acknowledgement_on_the_batch_itself_is_passed_on(bad: str) -> None:
    event = '{"version":2,"type":"event","payload":{"event":"e"},"sequence":1}'
    text = f'{{"version":2,"type":"batch","payload":{{"messages":[{event}{bad}]}},"ack":12}}'
    assert ServerFrames.decode(text)[-1] == m.PongMessage(version=2, ack=12)


def test_unknown_fields_are_ignored() -> None:
    text = command(payload=',"colour":[1,{"a":2}]', extra=',"hop":{"b":null},"ttl":1')
    assert one(text) == one(command())


def test_a_command_without_params_has_none() -> None:
    message = one('{"version":2,"type":"command","payload":{"command":"stop"}}')
    assert message.payload.params == {}


@pytest.mark.parametrize("number", ["1e999", "1" + "0" * 5000])
@pytest.mark.parametrize("beside", ["", ",5"])
def test_what_an_event_carries_is_read_when_it_is_asked_for(number: str, beside: str) -> None:
    text = '{"version":2,"type":"event","payload":{"event":"e","data":[%s]},"sequence":4}'
    good, bad, *_ = ServerFrames.decode(in_batch(text % "1.50", text % number + beside))
    assert isinstance(good, m.EventMessage)
    assert event_data(good) == [1.5]
    assert isinstance(bad, m.EventMessage)
    with pytest.raises(ProtocolError, match="numbers must be finite") as refusal:
        event_data(bad)
    assert (refusal.value.code, refusal.value.sequence) == ("INVALID_MESSAGE", 4)


def test_an_empty_batch_and_one_of_a_thousand_are_taken() -> None:
    assert ClientFrames.decode(in_batch()) == []
    assert len(ClientFrames.decode(in_batch(*[PING] * 1000))) == 1000


def test_integers_of_the_user_may_be_as_long_as_python_reads_them() -> None:
    assert one(command(params='{"n":1%s}' % ("0" * 30))).payload.params == {"n": 10**30}


# What is refused, and how it is said.


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1,",
        "nonsense",
        "{'a':1}",
        '{"a":1}}',
        "\ufeff{}",
        '{"a":"\x01"}',
        '{"a":01}',
        '{"a":"\\x"}',
    ],
)
def test_what_is_not_json(text: str) -> None:
    error = refused(text)
    assert "not JSON" in error.message
    assert error.sequence is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "a list"),
        ("5", "a number"),
        ("5.5", "a number"),
        ('"hello"', "text"),
        ("null", "null"),
        ("true", "true or false"),
    ],
)
def test_what_is_no_object(text: str, words: str) -> None:
    assert refused(text).message == f"a message is a JSON object, this is {words}"


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("1", "1"),
        ("3", "3"),
        ("2.0", "2.0"),
        ("2e0", "2.0"),
        ('"2"', "'2'"),
        ("true", "True"),
        ("null", "None"),
        ("[2]", "[2]"),
    ],
)
def test_another_version(version: str, said: str) -> None:
    for text in (
        command(version=version),
        in_batch(GOOD % 1, command(version=version)),
        in_batch(command(version=version), "5"),
    ):
        error = next(
            result for result in ClientFrames.decode(text) if isinstance(result, ProtocolError)
        )
        assert (error.code, error.sequence) == ("VERSION_MISMATCH", 7)
        assert f"says version {said}" in error.message
    whole = f'{{"version":{version},"type":"batch","payload":{{"messages":[{PING},{PING}]}}}}'
    assert refused(whole, "VERSION_MISMATCH").sequence is None


def test_no_version() -> None:
    assert "says no version" in refused('{"type":"ping"}', "VERSION_MISMATCH").message
    assert (
        "says no version"
        in refused('{"type":"batch","payload":{"messages":[]}}', "VERSION_MISMATCH").message
    )


@pytest.mark.parametrize(
    "kind", ['"state"', '"event"', '"hello"', "5", "null", "[]", "{}", '"%s"' % ("long" * 50)]
)
def test_an_unknown_type(kind: str) -> None:
    error = refused(f'{{"version":2,"type":{kind},"payload":{{}},"sequence":4}}')
    assert "a client sends auth, batch, command, ping, pong" in error.message
    assert len(error.message) < 200


def test_no_type() -> None:
    assert "not None" in refused('{"version":2,"payload":{},"sequence":4}').message


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"version":2,"type":"command","sequence":7}', "payload"),
        ('{"version":2,"type":"command","payload":5,"sequence":7}', "payload"),
        ('{"version":2,"type":"command","payload":{"params":{}},"sequence":7}', "payload"),
        (
            '{"version":2,"type":"command","payload":{"command":"","params":{}},"sequence":7}',
            "payload.command",
        ),
        (
            '{"version":2,"type":"command","payload":{"command":"x","params":[]},"sequence":7}',
            "payload.params",
        ),
        (command(payload=',"reply":1'), "payload.reply"),
        (command(payload=',"id":1.5'), "payload.id"),
        (command(payload=',"id":true'), "payload.id"),
        (command(payload=f',"id":{MAX_INTEGER + 1}'), "payload.id"),
        (command(payload=',"id":"%s"' % ("i" * 129)), "payload.id"),
        (command(payload=',"after":-1'), "payload.after"),
        (command(payload=',"expires":"soon"'), "payload.expires"),
        (command(extra=',"timestamp":1.5'), "timestamp"),
        (command(extra=f',"timestamp":{MAX_INTEGER + 1}'), "timestamp"),
        (command(extra=f',"timestamp":{-MAX_INTEGER - 1}'), "timestamp"),
    ],
)
def test_the_message_says_what_is_wrong_where(text: str, where: str) -> None:
    error = refused(text)
    assert where in error.message
    assert error.sequence == 7


@pytest.mark.parametrize("sequence", [-1, 1.0, 1.5, "1", True, MAX_INTEGER + 1, 10**30, [1]])
def test_a_sequence_that_is_none(sequence: Any) -> None:
    error = refused(command(sequence=sequence))
    assert "sequence" in error.message
    assert error.sequence is None


@pytest.mark.parametrize("kind", ["ping", "pong", "auth"])
def test_a_bad_message_of_an_unnumbered_type_takes_no_number(kind: str) -> None:
    assert refused(f'{{"version":2,"type":"{kind}","payload":5,"sequence":4}}').sequence is None


@pytest.mark.parametrize(
    ("id", "read"),
    [
        ('"a"', "a"),
        ("5", 5),
        ("5.5", None),
        ("true", None),
        ('"%s"' % ("i" * 129), None),
        ('"\\ud800"', None),
    ],
)
def test_the_id_of_a_refused_message_is_told_where_it_can_be(id: str, read: Any) -> None:
    text = f'{{"version":2,"type":"command","payload":{{"command":5,"id":{id}}}}}'
    assert refused(text).id == read


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 5000]
)
def test_a_number_that_is_not_finite_is_refused_with_its_message(number: str) -> None:
    for bad in (
        command(params=f'{{"a":{number}}}', sequence=2),
        command(params=f'{{"a":[1,{{"b":{number}}}]}}', sequence=2),
        command(payload=f',"expires":{number}', sequence=2),
    ):
        first, second, third = ClientFrames.decode(in_batch(GOOD % 1, bad, GOOD % 3))
        assert (first.sequence, third.sequence) == (1, 3)
        assert isinstance(second, ProtocolError)
        assert second.sequence == 2
    assert isinstance(one(command(params=f'{{"a":{number}}}')), ProtocolError)


@pytest.fixture
def _few_digits() -> Iterator[None]:
    """Python may be told to read even shorter integers only."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    yield
    sys.set_int_max_str_digits(before)


@pytest.mark.usefixtures("_few_digits")
def test_a_python_that_reads_short_integers_only_refuses_no_more_than_the_message() -> None:
    first, second = ClientFrames.decode(
        in_batch(GOOD % 1, command(params='{"a":1%s}' % ("0" * 700), sequence=2))
    )
    assert first.sequence == 1
    assert isinstance(second, ProtocolError)


@pytest.mark.parametrize("where", ["params", "key", "unknown", "deep"])
def test_half_a_character_is_refused_with_its_message(where: str) -> None:
    half = '"\\ud800"'
    bad = {
        "params": command(params=f'{{"a":{half}}}', sequence=2),
        "key": command(params=f"{{{half}:1}}", sequence=2),
        "unknown": command(extra=f',"x":{half}', sequence=2),
        "deep": command(params=f'{{"a":[{half}]}}', sequence=2),
    }[where]
    first, second = ClientFrames.decode(in_batch(GOOD % 1, bad))
    assert first.sequence == 1
    assert isinstance(second, ProtocolError)
    assert "half a character" in second.message
    assert second.sequence == 2
    assert isinstance(one(command(params='{"a":"\ud800"}')), ProtocolError)
    assert one(command(params='{"a":"\\ud83d\\ude00"}')).payload.params == {"a": "\U0001f600"}


class TestDepth:
    """32 levels are taken, 33 are not, wherever they stand."""

    @pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
    def test_in_a_message(self, opening: str, closing: str) -> None:
        def deep(levels: int) -> str:
            return opening * (levels - 1) + "[]" + closing * (levels - 1)

        # The message, its payload and its params are three.
        assert isinstance(one(command(params=f'{{"a":{deep(MAX_DEPTH - 3)}}}')), m.CommandMessage)
        error = refused(command(params=f'{{"a":{deep(MAX_DEPTH - 2)}}}'))
        assert "32 deep" in error.message
        assert error.sequence == 7

    def test_in_an_unknown_field(self) -> None:
        assert isinstance(one(command(extra=f',"x":{nested(MAX_DEPTH - 1)}')), m.CommandMessage)
        assert refused(command(extra=f',"x":{nested(MAX_DEPTH)}')).sequence == 7
        assert refused(command(extra=f',"x":{nested(MAX_DEPTH)}', payload=',"id":"a"')).id == "a"

    def test_in_a_message_of_a_batch(self) -> None:
        fits = command(params=f'{{"a":{nested(MAX_DEPTH - 6)}}}', sequence=1)
        deep = command(params=f'{{"a":{nested(MAX_DEPTH - 5)}}}', sequence=2)
        first, second, third = ClientFrames.decode(in_batch(fits, deep, GOOD % 3))
        assert isinstance(first, m.CommandMessage)
        assert isinstance(second, ProtocolError)
        assert "32 deep" in second.message
        assert second.sequence == 2
        assert isinstance(third, m.CommandMessage)

    def test_behind_as_many_brackets_as_a_flat_batch_would_have(self) -> None:
        """Pings have fewer brackets than commands: their share must not hide a deep one."""
        pings = ['{"version":2,"type":"ping"}'] * 20
        deep = command(params=f'{{"a":{nested(40)}}}')
        text = in_batch(*pings, deep)
        assert text.count("{") + text.count("[") == 3 + 3 * 21
        assert isinstance(ClientFrames.decode(text)[-1], ProtocolError)

    def test_around_the_messages_of_a_batch(self) -> None:
        def around(levels: int) -> str:
            payload = f'{{"messages":[{GOOD % 1}]}}'
            return f'{{"version":2,"type":"batch","payload":{payload},"x":{nested(levels)}}}'

        assert isinstance(one(around(MAX_DEPTH - 1)), m.CommandMessage)
        assert "32 deep" in refused(around(MAX_DEPTH)).message

    def test_brackets_in_text_are_no_levels(self) -> None:
        text = json.dumps('[{"\\' * 50)
        assert isinstance(one(command(params=f'{{"a":{text},"b":{text}}}')), m.CommandMessage)
        assert len(ClientFrames.decode(in_batch(*[command(params=f'{{"a":{text}}}')] * 3))) == 3

    def test_so_deep_that_no_reader_follows(self) -> None:
        assert "32 deep" in refused(nested(100_000)).message

    @given(
        st.recursive(
            st.one_of(st.integers(), st.text('[]{}"\\a')),
            lambda inner: st.lists(inner) | st.dictionaries(st.text('[]{}"\\'), inner),
        )
    )
    def test_it_is_counted_right(self, value: Any) -> None:
        def levels(value: Any) -> int:
            if isinstance(value, dict):
                value = list(value.values())
            return 1 + max(map(levels, value), default=0) if isinstance(value, list) else 0

        assert depth(json.dumps(value)) == min(levels(value), MAX_DEPTH + 1)
        assert depth(json.dumps(value, ensure_ascii=False)) == min(levels(value), MAX_DEPTH + 1)


class TestBatches:
    def test_a_bad_message_is_refused_by_itself_with_its_number(self) -> None:
        bad = '{"version":2,"type":"command","payload":{"command":5},"sequence":2}'
        first, second, third = ClientFrames.decode(in_batch(GOOD % 1, bad, GOOD % 3))
        assert (first.sequence, third.sequence) == (1, 3)
        assert isinstance(second, ProtocolError)
        assert second.sequence == 2

    def test_a_batch_inside_a_batch(self) -> None:
        first, second, third = ClientFrames.decode(in_batch(GOOD % 1, in_batch(GOOD % 2), GOOD % 3))
        assert (first.sequence, third.sequence) == (1, 3)
        assert isinstance(second, ProtocolError)
        assert "batch inside a batch" in second.message

    @pytest.mark.parametrize("bad", ["", "5,"])
    def test_a_batch_of_1001(self, bad: str) -> None:
        text = in_batch(*[PING] * 1000, f"{bad}{PING}" if not bad else bad + PING)
        error = refused(text)
        assert "at most 1000" in error.message

    @pytest.mark.parametrize(
        "payload",
        [
            "",
            ',"payload":null',
            ',"payload":[]',
            ',"payload":{}',
            ',"payload":{"messages":{}}',
            ',"payload":{"messages":null}',
        ],
    )
    def test_a_batch_without_messages(self, payload: str) -> None:
        assert "payload.messages" in refused(f'{{"version":2,"type":"batch"{payload}}}').message

    @pytest.mark.parametrize("wrong", [',"timestamp":1.5', ',"x":NaN', ',"x":"\\ud800"'])
    def test_a_batch_whose_own_envelope_is_wrong(self, wrong: str) -> None:
        text = f'{{"version":2,"type":"batch","payload":{{"messages":[{PING},{PING}]}}{wrong}}}'
        assert refused(text).message.startswith("batch: ")


# Both ways of reading are one.

ODD = st.sampled_from(
    [
        *(
            "NaN",
            "Infinity",
            "1e999",
            "1" + "0" * 400,
            "1" + "0" * 4300,
            "-0",
            "1.0",
            "2.0",
            "true",
            "null",
            "[]",
            "{}",
        ),
        *(
            '"\\ud800"',
            '"\\ud83d\\ude00"',
            '"batch"',
            '"ping"',
            '"command"',
            nested(28),
            nested(31),
            nested(40),
        ),
        *('{"id":true}', '{"command":"x","params":{"a":1e999}}', '{"messages":[]}'),
    ]
)
PLAIN = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 2**70),
        st.floats(allow_nan=False),
        st.text(max_size=4),
    ).map(json.dumps),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]"),
        st.lists(
            st.tuples(st.sampled_from(["a", "id", "command", "params", "é"]), inner), max_size=3
        ).map(
            lambda pairs: "{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in pairs) + "}"
        ),
    ),
    max_leaves=5,
)


@st.composite
def messages(draw: st.DrawFn) -> str:
    """A message of text that is good, or nearly so."""
    kind = draw(
        st.sampled_from(["command", "command", "ping", "pong", "auth", "event", "batch", "other"])
    )
    payloads: dict[str, list[tuple[str, str]]] = {
        "command": [
            ("command", '"x"'),
            ("params", '{"n":1}'),
            ("id", '"a"'),
            ("reply", "true"),
            ("after", "1"),
            ("expires", "1.5"),
        ],
        "auth": [("token", '"t"')],
        "event": [("event", '"e"'), ("data", '{"n":1.50}')],
    }
    fields = draw(st.lists(st.sampled_from(payloads.get(kind, [("id", "1")])), max_size=6))
    if kind == "command" and draw(st.booleans()):
        fields = [("command", '"x"'), ("params", "{}"), *fields]
    fields += draw(
        st.lists(
            st.tuples(
                st.sampled_from(["id", "params", "token", "expires", "data"]),
                st.one_of(ODD, PLAIN),
            ),
            max_size=1,
        )
    )
    payload = "{" + ",".join(f'"{name}":{value}' for name, value in fields) + "}"
    outer = [("version", "2"), ("type", json.dumps(kind)), ("payload", payload), ("sequence", "3")]
    extra = st.tuples(
        st.sampled_from(["version", "type", "sequence", "timestamp", "payload", "zz", "ack"]),
        st.one_of(ODD, PLAIN),
    )
    outer += draw(st.lists(extra, max_size=1))
    draw(st.randoms(use_true_random=False)).shuffle(outer)
    return "{" + ",".join(f'"{name}":{value}' for name, value in outer) + "}"


@given(messages())
@example(command(extra=',"x":1e999'))
@example(command(extra=',"x":1' + "0" * 5000))
@example(command(params='{"a":1}', extra=',"payload":{"command":"y","params":{}}'))
def test_what_the_fast_way_takes_the_slow_way_takes_too(text: str) -> None:
    for frames in (ClientFrames, ServerFrames):
        fast, slow = frames.decode(text), frames._decode_each(text, 1000)
        assert [told(result) for result in fast] == [told(result) for result in slow]


@given(st.lists(messages(), min_size=1, max_size=5))
def test_a_message_fares_the_same_alone_among_good_ones_and_beside_a_bad_one(
    texts: list[str],
) -> None:
    """Except that a batch is around it: it may then not be one, nor as deep."""
    bad = ClientFrames.decode(in_batch(*texts, "5"))[:-1]
    together = ClientFrames.decode(in_batch(*texts))
    assert len(together) in (1, len(texts))
    if len(together) == len(texts):
        assert [told(result) for result in together] == [told(result) for result in bad]
    for text, result in zip(texts, bad, strict=False):
        if len(bad) == len(texts) and '"batch"' not in text and depth(in_batch(text)) <= MAX_DEPTH:
            assert told(one(text)) == told(result)


@given(
    st.one_of(
        st.text(),
        messages().flatmap(lambda text: st.integers(0, len(text)).map(lambda cut: text[:cut])),
    )
)
def test_nothing_that_comes_breaks_the_reader(text: str) -> None:
    for result in [*ClientFrames.decode(text), *ServerFrames.decode(text)]:
        assert isinstance(
            result,
            ProtocolError
            | m.CommandMessage
            | m.PingMessage
            | m.PongMessage
            | m.EventMessage
            | m.AuthMessage,
        )
