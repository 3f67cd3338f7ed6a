"""The robot's state as a user reads it: `bot.state.neural_state.mode`, `bot.state["pose"]["x"]`, or
shown whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from .errors import MbotError

__all__ = ["StateView"]

LONG = 90
"""A list that takes more characters than this is shown by its length, and so is one of dicts."""


class NotInStateError(MbotError, AttributeError):
    """The state has nothing of this name."""


class StateView(Mapping[str, Any]):
    """A read-only view of one moment's state; it does not change any more, take `bot.state` again
    for a newer one."""

    __slots__ = ("_name", "_values")

    def __init__(self, values: Mapping[str, Any], name: str = "state") -> None:
        self._values = values
        self._name = name

    def __getitem__(self, key: str) -> Any:
        value = self._values[key]
        return StateView(value, f"{self._name}.{key}") if isinstance(value, dict) else _copy(value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            there = ", ".join(self._values) or "nothing yet"
            raise NotInStateError(f"{self._name} has no {name!r}; it has: {there}") from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return self.to_dict() == (other.to_dict() if isinstance(other, StateView) else other)

    __hash__ = None  # type: ignore[assignment]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain dicts, a copy."""
        return {key: _copy(value) for key, value in self._values.items()}

    def __repr__(self) -> str:
        lines = [f"{key}: {_flat(value)}" for key, value in self._values.items()]
        return f"<{self._name}: " + ("\n  " if len(lines) > 1 else "") + "\n  ".join(lines) + ">"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left;vertical-align:top'>{escape(str(key))}</th>"
            f"<td style='text-align:left'>{escape(_flat(value))}</td></tr>"
            for key, value in self._values.items()
        )
        return f"<table>{rows}</table>"


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_flat(item)}" for key, item in value.items())
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    if isinstance(value, list) and (
        len(text) > LONG or any(isinstance(item, dict) for item in value)
    ):
        return f"[{len(value)} {'entry' if len(value) == 1 else 'entries'}]"
    return text or '""'
