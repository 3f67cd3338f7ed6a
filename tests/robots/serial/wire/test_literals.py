"""Values as robots write them: read without being run, and written so that text stays text."""

from __future__ import annotations

import ast
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.robots.serial.wire.literals import call, parse, quoted

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5),
        ("-3", -3),
        ("true", True),
        ("True", True),
        ("null", None),
        ("None", None),
        ("'it\\'s'", "it's"),
        ('"a"', "a"),
        ("[1, None, true]", [1, None, True]),
        ("(1, -2.5)", (1, -2.5)),
        ("{'a': null, 2: [False]}", {"a": None, 2: [False]}),
        ("-inf", -math.inf),
    ],
)
def test_json_and_python_and_mixtures_are_read(text: str, value: object) -> None:
    assert parse(text) == value
    assert type(parse(text)) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "1 + 1",
        "a",
        "f'{1}'",
        "{**{}}",
        "{(1,): 2}",
        "-'a'",
        "-True",
        "[" * 9999,
    ],
)
def test_whatever_is_no_literal_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
        parse(text)


@given(PLAIN.filter(lambda value: not isinstance(value, float) or math.isfinite(value)))
def test_what_is_quoted_is_read_as_it_was(value: str | float | None) -> None:
    assert ast.literal_eval(quoted(value)) == value
    assert parse(quoted(value)) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, [1], {"a": 1}, b"a"])
def test_what_has_no_literal_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="cannot be written as a literal"):
        quoted(value)  # type: ignore[arg-type]


def test_a_call_is_written_as_makeblocks_client_does() -> None:
    assert call("cyberpi.led.off", "all") == "cyberpi.led.off('all',)"
    assert call("cyberpi.mbot2.EM_stop") == "cyberpi.mbot2.EM_stop()"
    assert call("a.b", 1, "it's", True) == 'a.b(1, "it\'s", True)'
