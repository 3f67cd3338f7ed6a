"""Values as robots write them: JSON, Python literals or mixtures. Nothing is ever evaluated."""

from __future__ import annotations

import ast
import json
import math
from typing import Any

__all__ = ["call", "parse", "quoted", "value_of"]

NAMES = {"true": True, "false": False, "null": None, "nan": math.nan, "inf": math.inf}
"""What is a name to Python and a value to JSON or to MicroPython's repr."""


def parse(text: str) -> Any:
    """The value of JSON or of a Python literal; ``null`` and ``None`` are alike.

    Raises:
        ValueError: it is neither.
    """
    try:
        return json.loads(text)
    except ValueError:
        pass  # then it is Python's way to write it
    except RecursionError:
        raise ValueError("too deeply nested") from None
    try:
        return value_of(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"neither JSON nor a Python literal: {text[:80]!r}") from error


def value_of(node: ast.expr) -> Any:
    """The value of an expression of literals alone; :class:`ValueError` for any other."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name) if name in NAMES:
            return NAMES[name]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            value = value_of(operand)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return -value if isinstance(sign, ast.USub) else value
        case ast.Tuple(elts=items):
            return tuple(value_of(item) for item in items)
        case ast.List(elts=items):
            return [value_of(item) for item in items]
        case ast.Dict(keys=keys, values=values):
            entries = [
                (value_of(key), value_of(value))
                for key, value in zip(keys, values, strict=True)
                if key is not None
            ]
            plain = all(isinstance(key, str | int | float | None) for key, _ in entries)
            if plain and len(entries) == len(values):
                return dict(entries)
    raise ValueError(f"no literal: {ast.unparse(node)[:80]}")


def quoted(value: str | float | bool | None) -> str:
    """``value`` as a literal of Python and MicroPython: whatever a student typed stays text.

    Raises:
        ValueError: a number that has no literal.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} cannot be written as a literal")
    if value is None or isinstance(value, str | int | float):
        return repr(value)
    raise ValueError(
        f"a {type(value).__name__} cannot be written as a literal: only text, numbers, True, "
        "False and None"
    )


def call(name: str, *arguments: str | float | bool | None) -> str:
    """A call as Makeblock's client writes it, a single argument with a comma: ``f('all',)``."""
    words = [quoted(argument) for argument in arguments]
    return f"{name}({words[0]},)" if len(words) == 1 else f"{name}({', '.join(words)})"
