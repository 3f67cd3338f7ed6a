"""Parses the scripts of an mBot2: calls of named functions with literals, never evaluated.

cyberpi.mbot2.forward(50, 1)
subscribe.add_item(2, cyberpi.get_bri, ())
exec("cyberpi.led.off('all')")
"""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

from ..serial.wire.literals import value_of

__all__ = ["Name", "ScriptCall", "ScriptError", "parse"]

MAX_CALLS = 100


class ScriptError(Exception):
    """What the robot's own Python would have said."""


class Name(str):
    """A function that is named and not called."""

    __slots__ = ()


class ScriptCall(NamedTuple):
    """One call: ``arguments`` are values, or names."""

    name: str
    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = {}  # noqa: RUF012 - never changed


def parse(text: str) -> list[ScriptCall]:
    """The calls of a script, one if it is an expression; :class:`ScriptError` for anything else."""
    try:
        return _calls(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ScriptError(f"SyntaxError: {str(error)[:200]}") from None


def _calls(text: str) -> list[ScriptCall]:
    call = _call(ast.parse(text, mode="eval").body)
    if call.name != "exec":
        return [call]
    match call.arguments:
        case (str(text),) if not isinstance(text, Name):
            block = ast.parse(text)
        case _:
            raise ScriptError("TypeError: exec takes one text")
    if len(block.body) > MAX_CALLS:
        raise ScriptError("MemoryError: too many statements")
    return [_call(line.value if isinstance(line, ast.Expr) else line) for line in block.body]


def _call(node: ast.AST) -> ScriptCall:
    if not isinstance(node, ast.Call):
        raise _not_understood(f"calls only, not {type(node).__name__}")
    keywords = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise _not_understood("no **")
        keywords[keyword.arg] = _argument(keyword.value)
    return ScriptCall(
        _dotted(node.func), tuple(_argument(argument) for argument in node.args), keywords
    )


def _argument(node: ast.expr) -> Any:
    if isinstance(node, ast.Attribute):
        return Name(_dotted(node))
    try:
        return value_of(node)
    except ValueError as error:
        raise _not_understood(f"calls with literals only: {error}") from None


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    raise _not_understood("calls of named functions only")


def _not_understood(what: str) -> ScriptError:
    return ScriptError(f"SyntaxError: the emulator knows {what}")
