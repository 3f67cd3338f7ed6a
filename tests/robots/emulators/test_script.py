"""Scripts are calls with literals, and nothing else is read from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.robots.emulators.script import Name, ScriptCall, ScriptError, parse


def test_scripts_are_calls_with_literals() -> None:
    assert parse("cyberpi.mbot2.forward(50, 'null')") == [
        ScriptCall("cyberpi.mbot2.forward", (50, "null"))
    ]
    assert parse("cyberpi.led.on(1, g=-2.5, id='all')") == [
        ScriptCall("cyberpi.led.on", (1,), {"g": -2.5, "id": "all"})
    ]
    (added,) = parse("subscribe.add_item(2, cyberpi.get_acc, ('x',))")
    assert added.arguments == (2, "cyberpi.get_acc", ("x",))
    assert isinstance(added.arguments[1], Name)
    assert parse("exec('cyberpi.led.off()\\ncyberpi.get_bri()')") == [
        ScriptCall("cyberpi.led.off"),
        ScriptCall("cyberpi.get_bri"),
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


@given(st.text(max_size=60))
def test_no_text_breaks_the_emulator(text: str) -> None:
    try:
        parse(text)
    except ScriptError:
        return
