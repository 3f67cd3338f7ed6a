"""Forms out of the vocabulary: one for each command, from the types of its own parameters."""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from ... import commands as c
from ...commands import Command

__all__ = ["forms"]

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Motion", ("drive", "move", "stop", "emergency_stop", "release_stop")),
    ("Light, sound, display", ("set_led", "play_tone", "display_text")),
    ("Mind", ("update_personality",)),
    ("Drawing and pieces", ("start_drawing", "stop_drawing", "sort_pieces", "sync_inventory")),
    ("Games", ("start_game", "game_move", "stop_game")),
    ("The rest", ("custom", "sync_state")),
)
FIRST_VALUES: dict[str, dict[str, Any]] = {
    "drive": {"left": 40, "right": 40},
    "move": {"direction": "forward"},
    "set_led": {"r": 0, "g": 110, "b": 220},
    "play_tone": {"frequency": 440},
    "display_text": {"text": "Hello"},
    "start_drawing": {"shape": "square"},
    "custom": {"action": "dance"},
}
"""First values of parameters without a default, so that a form's button does something."""
_SPREAD = {"game_move": "move", "custom": "values"}
"""Parameters whose entries the method takes one by one."""


@cache
def forms() -> list[dict[str, Any]]:
    """Every command as plain data, with its group, help and fields."""
    return [
        {
            "name": name,
            "group": group,
            "help": " ".join((c.ALL[name].__doc__ or "").replace("``", "").split()),
            "queued": not c.ALL[name].urgent,
            "fields": _fields(c.ALL[name]),
        }
        for group, names in GROUPS
        for name in names
    ]


def _fields(kind: type[Command]) -> list[dict[str, Any]]:
    fields = [_field(kind.name, field) for field in msgspec.structs.fields(kind)]
    if kind is c.CustomCommand:
        default = FIRST_VALUES["custom"]["action"]
        return [{"name": "action", "kind": "text", "required": True, "default": default}, *fields]
    if kind is c.ReleaseStop:  # without one, the method releases the stop in force
        fields[0] |= {"required": False, "help": "none for the stop that stands"}
    return fields


def _field(command: str, field: Any) -> dict[str, Any]:
    """One parameter: what it is called, what it takes, and its first value."""
    default = None if field.required or field.default is msgspec.NODEFAULT else field.default
    first = FIRST_VALUES.get(command, {}).get(field.name, default)
    data: dict[str, Any] = {"name": field.name, "required": field.required, "default": first}
    parts = get_args(field.type) if get_origin(field.type) in (Union, UnionType) else (field.type,)
    for part in parts:
        for meta in getattr(part, "__metadata__", ()):
            if isinstance(meta, Meta):
                limits = {
                    "low": meta.ge,
                    "high": meta.le,
                    "help": meta.description,
                    "max_length": meta.max_length,
                }
                data |= {key: value for key, value in limits.items() if value is not None}
    kinds = [_bare(part) for part in parts]
    choices = next((get_args(kind) for kind in kinds if get_origin(kind) is Literal), None)
    if choices is not None:
        return data | {"kind": "choice", "choices": list(choices)}
    for known, word in ((float, "number"), (int, "whole"), (str, "text")):
        if known in kinds:
            return data | {"kind": word}
    data.pop("max_length", None)
    data["spread"] = _SPREAD.get(command) == field.name
    examples = {"move": '{"cell": 4}', "values": '{"steps": 4}'}
    example = examples.get(field.name, "[[0, 0], [20, 10]]")
    return data | {"kind": "data", "default": None, "help": f"JSON, as {example}"}


def _bare(annotation: Any) -> Any:
    """A type without its notes."""
    return annotation.__origin__ if hasattr(annotation, "__metadata__") else annotation
