"""What everybody in one world shares: what is solid, what lies on the floor, what sounds, what can be sorted."""

from __future__ import annotations

from math import hypot
from typing import Any

import msgspec

from ...errors import UsageError
from .body import Body
from .senses import Floor, Sound
from .space import Space, solid, solids
from .world import Box, Piece, World

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

    def put(self, item: Box | Piece) -> None:
        """Let a box or a piece appear.

        Raises:
            UsageError: if a robot stands where the box shall be.
        """
        if isinstance(item, Piece):
            self._replace(pieces=(*self.world.pieces, item))
            return
        thing = solid(item)
        for body in self.space.bodies:
            if body.shape.push(thing) is not None:
                raise UsageError(f"a robot stands at ({body.x:.0f}, {body.y:.0f}) cm: put the box somewhere else")
        self._replace(boxes=(*self.world.boxes, item))

    def take_away(self, box: Box) -> None:
        """Let a box disappear; :class:`UsageError` if there is none like it."""
        if box not in self.world.boxes:
            raise UsageError("there is no such box: simulation.world.boxes lists those there are")
        boxes = list(self.world.boxes)
        boxes.remove(box)
        self._replace(boxes=boxes)

    def take_pieces(self, x: float, y: float, reach: float) -> list[Piece]:
        """Take the pieces within ``reach`` cm of a point off the floor, the nearest first."""
        taken = sorted(
            (piece for piece in self.world.pieces if hypot(piece.x - x, piece.y - y) <= reach),
            key=lambda piece: hypot(piece.x - x, piece.y - y),
        )
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

    def _replace(self, **changes: Any) -> None:
        self.world = msgspec.structs.replace(self.world, **changes)
        self.space.solids = solids(self.world)
        self._arena = None
        self._touch()

    def _touch(self) -> None:
        """Nobody may trust what he knew about free ways and echoes."""
        for body in self.space.bodies:
            body.clearance = 0.0
        self.changed = True
