"""Which cells made which clients, and which clients nobody can use any more."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, NamedTuple, Protocol

from ..local.runtime import Slot
from ..loops.call import Call
from ..loops.home import Home
from ..loops.kernel import shell
from . import reachability

__all__ = ["Cell", "at_cell_end", "close_when_unreachable", "current", "shell"]

RERUN_DEPTH = 3
"""Steps through lists, dicts and objects to what an earlier run of the same cell made."""
IN_USE_DEPTH = 8
"""Steps that are searched for what another cell made."""


class Closable(Protocol):
    """A client."""

    home: Home

    @property
    def closed(self) -> bool: ...

    def close(self) -> Call[None]: ...


class Cell(NamedTuple):
    """One run of a notebook's cell."""

    id: str
    """The cell's own, which stays when it is edited, where the page tells it; else its text's."""
    text: str
    """Stands for what is written in it."""
    run: str
    """Another one at each run."""

    def is_rerun_of(self, earlier: Cell) -> bool:
        """Whether this is another run of the same cell."""
        return self.id == earlier.id and self.run != earlier.run


class _Origin:
    """The cell that made a client, and whether a name has stood for it since."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.was_named = False


_origins: Slot[weakref.WeakKeyDictionary[Closable, _Origin]] = Slot(weakref.WeakKeyDictionary)
"""Where the clients were made that cells have made."""


def current() -> Cell | None:
    """The cell that runs this code, also in a task that it started; None outside of notebooks."""
    ipython = shell()
    if ipython is None:
        return None
    request = ipython.get_parent() if hasattr(ipython, "get_parent") else {}
    header = request.get("header", {})
    executing = header.get("msg_type") == "execute_request"
    text = ""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals is ipython.user_ns:
            # A cell's file is named after its text; the outermost frame is the cell's.
            text = frame.f_code.co_filename
        frame = frame.f_back
    id = (executing and request.get("metadata", {}).get("cellId")) or text
    run = header.get("msg_id") if executing else ipython.execution_count
    return Cell(str(id), text, str(run)) if id else None


def close_when_unreachable(client: Closable, cell: Cell | None) -> None:
    """Remember which cell made a client, and close those that nobody can use any more when the cell
    ends.

    That is what earlier runs of this cell made and no name holds, and what another cell made and a
    name held until now: `bot = await mb.connect()` leaves one client, in whatever cell it is
    written again.
    """
    if cell is None:
        return
    _origins()[client] = _Origin(cell)
    at_cell_end(lambda: _close_unreachable(cell))


def at_cell_end(action: Callable[[], object]) -> None:
    """Call ``action`` once, when the notebook's cell that runs now has ended."""
    events = shell().events

    def after(*_: object) -> None:
        events.unregister("post_run_cell", after)
        action()

    events.register("post_run_cell", after)


def _close_unreachable(cell: Cell) -> None:
    names = shell().user_ns
    for client, origin in list(_origins().items()):
        if client.closed:
            continue
        if reachability.is_reachable(client, reachability.named_objects(names), RERUN_DEPTH):
            origin.was_named = True
        elif cell.is_rerun_of(origin.cell):
            client.home.submit(client.close())
        elif origin.was_named and not _is_in_use(client, names):
            print(
                f"Closed, since no name stands for it any more: {client!r}. To keep both, give "
                "them different names."
            )
            client.home.submit(client.close())


def _is_in_use(client: object, names: Mapping[str, Any]) -> bool:
    roots = [
        *reachability.named_objects(names),
        *reachability.live_widgets(),
        *reachability.objects_in_running_code(names),
    ]
    return reachability.is_reachable(client, roots, IN_USE_DEPTH)
