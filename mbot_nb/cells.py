"""What a notebook's cells mean to servers and clients: which cell made them, and whether a later run has let go of them."""

from __future__ import annotations

import re
import sys
import weakref
from collections.abc import Iterable, Mapping
from types import FrameType, ModuleType
from typing import Any, NamedTuple, Protocol

from .home import Call, Home

__all__ = ["Cell", "current", "keep", "shell"]

_OWN_NAMES = re.compile(r"_+|_\d+|_i+|_i\d+|_oh|_dh|_ih|Out|In")
"""What IPython remembers by itself is not held by the user."""
_LARGE = 10_000


class Closable(Protocol):
    """A server or a client."""

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

    def is_again(self, earlier: Cell) -> bool:
        """Whether this is another run of the same cell."""
        return self.id == earlier.id and self.run != earlier.run


_made: weakref.WeakKeyDictionary[Closable, Cell] = weakref.WeakKeyDictionary()
"""What cells have made."""


def shell() -> Any:
    """IPython's shell, or None outside of notebooks."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def current() -> Cell | None:
    """The notebook cell that is running this code, also in a task that it started; None outside of notebooks."""
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
            text = frame.f_code.co_filename  # a cell's file is named after its text; the outermost frame is the cell's
        frame = frame.f_back
    id = (executing and request.get("metadata", {}).get("cellId")) or text
    return Cell(str(id), text, str(header.get("msg_id") if executing else ipython.execution_count)) if id else None


def keep(made: Closable, cell: Cell | None) -> None:
    """Remember what a cell has made. What its earlier runs made and no name holds any more is closed when the cell ends."""
    if cell is None:
        return
    earlier = [thing for thing, place in _made.items() if not thing.closed and cell.is_again(place)]
    _made[made] = cell
    if not earlier:
        return
    events = shell().events

    def after(*_: object) -> None:
        events.unregister("post_run_cell", after)
        names = shell().user_ns
        for thing in earlier:
            if not thing.closed and not _is_held(thing, names):
                thing.home.submit(thing.close())

    events.register("post_run_cell", after)


def _is_held(thing: object, names: Mapping[str, object]) -> bool:
    values = [value for name, value in list(names.items()) if not _OWN_NAMES.fullmatch(name)]
    return _is_within(thing, values, depth=3)


def _is_within(thing: object, values: Iterable[object], depth: int) -> bool:
    return any(value is thing or (depth > 0 and _is_within(thing, _parts(value), depth - 1)) for value in values)


def _parts(value: object) -> list[object]:
    """What a user's list, dict or object holds."""
    if isinstance(value, (ModuleType, type, str, bytes)):
        return []
    if isinstance(value, Mapping):
        return list(value.values()) if len(value) < _LARGE else []
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value) if len(value) < _LARGE else []
    return list(getattr(value, "__dict__", {}).values())
