"""The world as data: how large the arena is and where robots start."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["Start", "World"]

Size = Annotated[float, Meta(ge=40, le=2000, description="cm")]
Place = Annotated[float, Meta(ge=0, le=2000, description="cm")]


class Start(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a robot begins: the middle of its body in cm, its heading in degrees counter-clockwise from the x axis."""

    x: Place
    y: Place
    heading: float = 0.0


class World(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A walled arena. Its corner (0, 0) is at the bottom left; x goes to the right, y up; lengths are cm."""

    width: Size = 200.0
    height: Size = 150.0
    starts: tuple[Start, ...] = (Start(x=100, y=75),)
    """Where the first, second, ... robot begins."""
