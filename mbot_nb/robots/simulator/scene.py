"""What all robots of one world share: solid things, the floor, sounds, and pieces to sort."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from typing import Any

import msgspec

from ...errors import UsageError
from .body import Body
from .senses import Floor, Sound
from .space import Space, solid, solids
from .world import Box, Item, Line, Piece, World

__all__ = ["Scene"]


class Scene:
    """A world as it is now: boxes can come and go, pieces are taken, sounds fade."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.space = Space(world)
        self.floor = Floor(world.lines)
        self.sounds: list[Sound] = []
        self.changed = False
        """Something came or went since the sensors were last read."""
        self._arena: dict[str, Any] | None = None

    def put(self, item: Box | Piece | Line) -> None:
        """Let a box, a piece or a line appear.

        Raises:
            UsageError: if a robot stands where the box shall be.
        """
        if isinstance(item, Piece):
            self._replace(pieces=(*self.world.pieces, item))
        elif isinstance(item, Line):
            self._replace(lines=(*self.world.lines, item))
        else:
            self._must_be_free(item)
            self._replace(boxes=(*self.world.boxes, item))

    def take_away(self, item: Box | Line) -> None:
        """Let a box or a line disappear; :class:`UsageError` if there is none like it."""
        if isinstance(item, Line):
            self._replace(lines=_without(self.world.lines, item, "line"))
        else:
            self._replace(boxes=_without(self.world.boxes, item, "box"))

    def move(self, box: Box, x: float, y: float, angle: float | None = None) -> Box:
        """Let a box stand somewhere else, under the same number; returns it as it stands now.

        Raises:
            UsageError: there is none like it, a robot stands there, or its middle would be outside
                of the arena.
        """
        boxes = list(self.world.boxes)
        if box not in boxes:
            raise UsageError(_NO_SUCH.format("box", "boxes"))
        if not (0 <= x <= self.world.width and 0 <= y <= self.world.height):
            where = f"({x:.0f}, {y:.0f}) cm is outside of the arena"
            raise UsageError(f"{where}: put the middle of the box into it")
        moved = msgspec.structs.replace(box, x=x, y=y, angle=box.angle if angle is None else angle)
        self._must_be_free(moved)
        boxes[boxes.index(box)] = moved
        self._replace(boxes=boxes)
        return moved

    def take_pieces(self, x: float, y: float, radius: float) -> list[Piece]:
        """Take the pieces within ``radius`` cm of a point off the floor, the nearest first."""

        def distance(piece: Piece) -> float:
            return hypot(piece.x - x, piece.y - y)

        near = [piece for piece in self.world.pieces if distance(piece) <= radius]
        taken = sorted(near, key=distance)
        if taken:
            self._replace(pieces=tuple(piece for piece in self.world.pieces if piece not in taken))
        return taken

    def fade(self, t: float) -> None:
        """Forget the sounds that are over; whoever heard them hears that next."""
        lasting = [sound for sound in self.sounds if sound.until > t]
        if len(lasting) < len(self.sounds):
            self.sounds = lasting
            self.changed = True

    def arena(self) -> dict[str, Any]:
        """The world as plain data, without the starting places: what a picture of it needs."""
        if self._arena is None:
            self._arena = self.world.to_dict()
            del self._arena["starts"]
        return dict(self._arena)

    def enter(self, body: Body) -> None:
        """Let a robot in."""
        self.space.bodies.append(body)
        self._touch()

    def _must_be_free(self, box: Box) -> None:
        thing = solid(box)
        for body in self.space.bodies:
            if body.shape.push(thing) is not None:
                where = f"({body.x:.0f}, {body.y:.0f}) cm"
                raise UsageError(f"a robot stands at {where}: put the box somewhere else")

    def _replace(self, **changes: Any) -> None:
        self.world = msgspec.structs.replace(self.world, **changes)
        if "lines" in changes:
            self.floor = Floor(self.world.lines)
        self.space.solids = solids(self.world)
        self._arena = None
        self._touch()

    def _touch(self) -> None:
        """Known clearances and echoes are out of date."""
        for body in self.space.bodies:
            body.clearance = 0.0
        self.changed = True


_NO_SUCH = "there is no such {}: simulation.world.{} lists those there are"


def _without(items: Sequence[Item], item: Item, what: str) -> list[Item]:
    """All but one."""
    left = list(items)
    if item not in left:
        raise UsageError(_NO_SUCH.format(what, f"{what}es" if what == "box" else f"{what}s"))
    left.remove(item)
    return left
