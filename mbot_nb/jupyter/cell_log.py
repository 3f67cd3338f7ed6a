"""Which cell ran when: so that what is noticed later can be told of the cell that did it."""

from __future__ import annotations

import contextvars
import math
import time
from collections import deque
from typing import Any

from .cells import shell

__all__ = ["below", "follow", "who"]

_KEPT = 32


class _Run:
    """One run of a cell: when (`time.monotonic()` seconds), and its number on the page, once that
    is known."""

    def __init__(self, count: int) -> None:
        self.count = count
        """IPython's count when it began: the number, or with some versions one more."""
        self.number: int | None = None
        self.begin = time.monotonic()
        self.end = float("inf")


_runs: deque[_Run] = deque(maxlen=_KEPT)
_last = contextvars.Context()
"""That of the cell that began last: what is printed in it comes below that cell."""


def follow() -> None:
    """Note from now on which cell runs when, in a notebook; the one that runs now counts from now.
    Once more changes nothing."""
    ipython = shell()
    if ipython is None or _before in ipython.events.callbacks["pre_run_cell"]:
        return
    ipython.events.register("pre_run_cell", _before)
    ipython.events.register("post_run_cell", _after)
    _before()


def who(begin: float, end: float) -> str:
    """Who ran for most of a time: "cell [3]"; "a cell" if its number is not known, "something"
    outside of notebooks."""
    if shell() is None:
        return "something"
    run = max(_runs, key=lambda run: min(run.end, end) - max(run.begin, begin), default=None)
    if run is None or run.end < begin:
        return "a cell"
    number = run.number
    if number is None and math.isinf(run.end):
        # It still runs. By how much the count is ahead, those that have ended tell.
        number = next(
            (
                run.count + before.number - before.count
                for before in reversed(_runs)
                if before.number is not None
            ),
            None,
        )
    return "a cell" if number is None else f"cell [{number}]"


def below() -> contextvars.Context:
    """In what to print so that it comes below the cell that ran last; without one, a click that
    came since would have it."""
    return _last.copy()


def _before(*_: object) -> None:
    global _last
    _last = contextvars.copy_context()
    _runs.append(_Run(shell().execution_count))


def _after(result: Any = None) -> None:
    if _runs:
        _runs[-1].end = time.monotonic()
        _runs[-1].number = getattr(result, "execution_count", None)
