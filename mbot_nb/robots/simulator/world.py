"""The world as data: a walled arena, what stands, lies and shines in it, and where robots start.

    world = World(boxes=[Box(x=40, y=40)], lights=[Light(x=180, y=20)])
    world = World.from_json('{"width": 300, "boxes": [{"x": 40, "y": 40, "angle": 30}]}')

(0, 0) is at the bottom left, x goes right, y up; lengths are cm, angles degrees counter-clockwise
from the x axis. Every field has a default, and a misspelt one is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from ...errors import UsageError

__all__ = ["COLORS", "Box", "Light", "Line", "Piece", "Start", "Wall", "World", "playground"]

Size = Annotated[float, Meta(ge=40, le=2000, description="cm")]
Place = Annotated[float, Meta(ge=0, le=2000, description="cm")]
Extent = Annotated[float, Meta(ge=2, le=2000, description="cm")]
Percent = Annotated[float, Meta(ge=0, le=100, description="%")]
Color = Literal["red", "green", "blue", "yellow"]

_freeze = msgspec.structs.force_setattr
"""For what is made by hand: lists are as good as tuples, and become them."""

COLORS: tuple[Color, ...] = ("red", "green", "blue", "yellow")


class Item(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something in the world."""


class Wall(Item, frozen=True, kw_only=True):
    """A straight wall between two points."""

    x1: Place
    y1: Place
    x2: Place
    y2: Place
    thickness: Annotated[float, Meta(ge=2, le=50, description="cm")] = 2.0


class Box(Item, frozen=True, kw_only=True):
    """A box that no robot can move: its middle, its size and how far it is turned."""

    x: Place
    y: Place
    width: Extent = 20.0
    height: Extent = 20.0
    angle: float = 0.0


class Line(Item, frozen=True, kw_only=True):
    """A dark line on the floor through ``points``; ``closed`` joins the last one with the first."""

    points: Annotated[Sequence[tuple[float, float]], Meta(min_length=2, max_length=1000)]
    width: Annotated[float, Meta(ge=0.5, le=20, description="cm")] = 2.0
    closed: bool = False

    def __post_init__(self) -> None:
        _freeze(self, "points", tuple(map(tuple, self.points)))


class Light(Item, frozen=True, kw_only=True):
    """A lamp ``height`` cm above the floor that gives ``brightness`` percent right below it."""

    x: Place
    y: Place
    brightness: Percent = 60.0
    height: Annotated[float, Meta(ge=5, le=500, description="cm")] = 40.0


class Piece(Item, frozen=True, kw_only=True):
    """A small coloured piece to sort. It lies flat: robots drive over it."""

    x: Place
    y: Place
    color: Color


class Start(Item, frozen=True, kw_only=True):
    """Where a robot begins: the middle of its body and its heading."""

    x: Place
    y: Place
    heading: float = 0.0


class World(Item, frozen=True, kw_only=True):
    """A walled arena and what is in it; by default empty, with one start in the middle."""

    width: Size = 200.0
    height: Size = 150.0
    walls: Sequence[Wall] = ()
    boxes: Sequence[Box] = ()
    lines: Sequence[Line] = ()
    lights: Sequence[Light] = ()
    pieces: Sequence[Piece] = ()
    ambient_light: Percent = 30.0
    ambient_sound: Percent = 5.0
    starts: Sequence[Start] = ()
    """Where each robot begins; those beyond take the free place nearest to the middle."""

    def __post_init__(self) -> None:
        for name in ("walls", "boxes", "lines", "lights", "pieces", "starts"):
            _freeze(self, name, tuple(getattr(self, name)))

    @classmethod
    def from_dict(cls, data: Any) -> World:
        """The world that plain data says.

        Raises:
            UsageError: with the place in the data and what was expected there.
        """
        try:
            return msgspec.convert(data, cls)
        except msgspec.ValidationError as error:
            more = "docs/simulator.md lists what a world has"
            raise UsageError(f"this is no world: {error}; {more}") from None

    @classmethod
    def from_json(cls, text: str | bytes) -> World:
        """The world that a JSON text says; :class:`UsageError` as in :meth:`from_dict`."""
        try:
            return cls.from_dict(msgspec.json.decode(text))
        except msgspec.DecodeError as error:
            raise UsageError(f"this is no JSON, so no world: {error}") from None

    def to_dict(self) -> dict[str, Any]:
        """Plain data that :meth:`from_dict` reads."""
        data: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return data

    def to_json(self) -> str:
        """JSON that :meth:`from_json` reads."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()


def playground() -> World:
    """The world of a robot that was given none: an oval line, boxes, two lamps, pieces."""
    oval = tuple(
        (round(100 + 68 * cos(2 * pi * i / 48), 1), round(75 + 48 * sin(2 * pi * i / 48), 1))
        for i in range(48)
    )
    return World(
        boxes=(
            Box(x=16, y=132, width=22, height=22),
            Box(x=182, y=134, width=24, height=16, angle=30),
            Box(x=178, y=18, width=18, height=18, angle=15),
        ),
        walls=(Wall(x1=1, y1=22, x2=22, y2=1),),
        lines=(Line(points=oval, closed=True),),
        lights=(Light(x=30, y=120), Light(x=170, y=40, brightness=40)),
        pieces=(
            Piece(x=112, y=92, color="red"),
            Piece(x=88, y=90, color="green"),
            Piece(x=90, y=58, color="blue"),
            Piece(x=115, y=60, color="yellow"),
            Piece(x=60, y=75, color="red"),
            Piece(x=140, y=75, color="blue"),
        ),
        starts=(Start(x=100, y=75),),
    )
