"""End the widgets of a cell's earlier run, which the new ones replace."""

from __future__ import annotations

import weakref
from typing import Any, Protocol

from ...jupyter import reachability
from ...jupyter.cells import RERUN_DEPTH, Cell, at_cell_end, current, shell
from ...local.runtime import Slot

__all__ = ["RERUN_REASON", "end_earlier_runs"]

RERUN_REASON = "Its cell was run again, and shows a new one."


class Shown(Protocol):
    """A widget that follows a robot until it ends."""

    @property
    def ended(self) -> bool: ...

    def end(self, reason: str) -> None: ...


_cells: Slot[weakref.WeakKeyDictionary[Any, Cell]] = Slot(weakref.WeakKeyDictionary)
"""Which cell has made each widget."""


def end_earlier_runs(widget: Shown) -> None:
    """Remember which cell made a widget, and end what an earlier run of that cell made and no name
    holds when this run is over."""
    cell = current()
    if cell is None:
        return
    earlier = [
        weakref.ref(one)
        for one, place in _cells().items()
        if cell.is_rerun_of(place) and not one.ended
    ]
    _cells()[widget] = cell
    if not earlier:
        return

    def end_unnamed() -> None:
        names = reachability.named_objects(shell().user_ns)
        for known in earlier:
            one = known()
            if one is None or one.ended:
                continue
            if not reachability.is_reachable(one, names, RERUN_DEPTH):
                one.end(RERUN_REASON)

    at_cell_end(end_unnamed)
