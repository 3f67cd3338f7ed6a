"""Whether a notebook's handler is an earlier one again, and whether it was cancelled."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import Any

from .cells import Cell

__all__ = ["is_cancelled", "is_replacement"]

_log = logging.getLogger("mbot_nb")


def is_replacement(old: Any, old_cell: Cell | None, new: Any, new_cell: Cell | None) -> bool:
    """Whether a handler takes an earlier one's place.

    It does if it is the same; if the same notebook cell made both, in two runs; or, where that
    cannot be known, if it is a function of the same name, or the same piece of code holding equal
    values. So handlers made in a loop stay apart.
    """
    if old is new or old == new:
        return True
    if old_cell is not None and new_cell is not None and old_cell.id == new_cell.id:
        return old_cell.run != new_cell.run
    if not (inspect.isfunction(old) and inspect.isfunction(new)):
        return False
    if (old.__module__, old.__qualname__) != (new.__module__, new.__qualname__):
        return False
    one, other = old.__code__, new.__code__
    same_code = one == other and one.co_filename == other.co_filename
    if not new.__qualname__.isidentifier() and not same_code:
        return False
    try:
        return _captured_values(old) == _captured_values(new)
    except Exception as error:
        # What they hold cannot be compared (an array, a cell that is still empty), so nobody can
        # say that they are the same.
        _log.debug("%r and %r cannot be compared: %s", old, new, error)
        return False


def _captured_values(function: Any) -> tuple[Any, ...]:
    """The values that a function brings with it."""
    closure = [cell.cell_contents for cell in function.__closure__ or ()]
    return closure, function.__defaults__, function.__kwdefaults__


def is_cancelled(error: BaseException) -> bool:
    """Whether this task itself was cancelled, and not only something it awaited."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling() > 0)
