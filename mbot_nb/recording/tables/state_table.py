"""The robot's state as a long table: one row for each field that got a value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from ...protocol.mirror import META

__all__ = ["StateReport", "StateRows", "state_from_rows"]

_to_json = msgspec.json.Encoder().encode


class StateReport(NamedTuple):
    """A report of the state: all of it (``whole``), or some changes; neither is changed
    afterwards."""

    at: float
    whole: bool
    payload: Mapping[str, Any]
    revision: int | None


class StateRows:
    """Makes columns of the table ``states``; knows which fields there are, so that it finds
    those that are gone."""

    def __init__(self) -> None:
        self._known: dict[str, set[str]] = {}
        """The fields of each section."""

    def columns(self, reports: list[StateReport]) -> Sequence[Sequence[Any]]:
        """The columns for these, in the order of the schema."""
        rows: list[tuple[float, str, str | None, int | None]] = []
        for at, whole, payload, revision in reports:
            found = self._whole(payload) if whole else self._changes(payload)
            rows += [(at, field, value, revision) for field, value in found]
        return list(zip(*rows, strict=True)) or [(), (), (), ()]

    def _whole(self, state: Mapping[str, Any]) -> list[tuple[str, str | None]]:
        found: list[tuple[str, str | None]] = []
        for section in [name for name in self._known if name not in state]:
            found += self._section(section, None, gone=True)
        for section, value in state.items():
            if section not in META:
                found += self._section(section, value)
        return found

    def _changes(self, delta: Mapping[str, Any]) -> list[tuple[str, str | None]]:
        found: list[tuple[str, str | None]] = []
        for change in delta.get("changes", (delta,)):
            field = change["field"]
            section, dot, _ = field.partition(".")
            if not dot:
                found += self._section(section, change.get("value"), gone="value" not in change)
            elif "value" in change:
                known = self._known.setdefault(section, set())
                if section in known:  # it was empty, and is not any more
                    known.discard(section)
                    found.append((section, None))
                known.add(field)
                found.append((field, _to_json(change["value"]).decode()))
            else:
                self._known.get(section, set()).discard(field)
                found.append((field, None))
        return found

    def _section(
        self, section: str, value: Any, *, gone: bool = False
    ) -> Iterable[tuple[str, str | None]]:
        """A whole section: its fields, and those that it had before and has no more."""
        fields = {} if gone else _fields(section, value)
        before = self._known.pop(section, set())
        if fields:
            self._known[section] = set(fields)
        return [*((field, None) for field in sorted(before - fields.keys())), *fields.items()]


def _fields(section: str, value: Any) -> dict[str, str | None]:
    if isinstance(value, Mapping) and value and not any("." in str(key) for key in value):
        return {f"{section}.{key}": _to_json(item).decode() for key, item in value.items()}
    return {section: _to_json(value).decode()}


def state_from_rows(fields: Iterable[tuple[str, str | None]]) -> dict[str, Any]:
    """The state in sections that rows of the table, in their order, lead to."""
    values: dict[str, str] = {}
    for field, value in fields:
        if isinstance(value, str):
            values[field] = value
        else:
            values.pop(field, None)
    state: dict[str, Any] = {}
    for field, value in values.items():
        section, dot, key = field.partition(".")
        if dot:
            state.setdefault(section, {})[key] = json.loads(value)
        else:
            state[section] = json.loads(value)
    return state
