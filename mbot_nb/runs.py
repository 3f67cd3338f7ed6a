"""Which cell ran when: so that what is noticed later can be told of the cell that did it."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from .cells import shell

__all__ = ["follow", "who"]

_KEPT = 32


class _Run:
    """One run of a cell: its number on the page, and when (`time.monotonic()` seconds)."""

    def __init__(self, number: int | None, begin: float) -> None:
        self.number = number
        self.begin = begin
        self.end = float("inf")


_runs: deque[_Run] = deque(maxlen=_KEPT)


def follow() -> None:
    """Note from now on which cell runs when, in a notebook; the one that runs now counts from now. Once more changes nothing."""
    ipython = shell()
    if ipython is None or _before in ipython.events.callbacks["pre_run_cell"]:
        return
    ipython.events.register("pre_run_cell", _before)
    ipython.events.register("post_run_cell", _after)
    _before()


def who(begin: float, end: float) -> str:
    """Who ran for most of a time: "cell [3]"; "a cell" if that is not known, "something" outside of notebooks."""
    if shell() is None:
        return "something"
    longest = max(_runs, key=lambda run: min(run.end, end) - max(run.begin, begin), default=None)
    if longest is None or longest.number is None or longest.end < begin:
        return "a cell"
    return f"cell [{longest.number}]"


def _before(info: Any = None) -> None:
    numbered = getattr(info, "store_history", True)
    _runs.append(_Run(shell().execution_count if numbered else None, time.monotonic()))


def _after(*_: object) -> None:
    if _runs:
        _runs[-1].end = time.monotonic()
