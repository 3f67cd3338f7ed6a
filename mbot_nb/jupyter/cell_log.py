"""Which cell ran when, so that a later finding can name the cell that caused it."""

from __future__ import annotations

import contextvars
import math
import time
from collections import deque
from typing import Any

from ..local.runtime import Slot
from .cells import shell

__all__ = ["CellLog", "cell_log"]

MAX_RUNS = 32
"""Runs of cells that are remembered."""


class _Run:
    """One run of a cell, in `time.monotonic()` seconds, and its number once that is known."""

    def __init__(self, count: int) -> None:
        self.count = count
        """IPython's count when it began: the number, or with some versions one more."""
        self.number: int | None = None
        self.begin = time.monotonic()
        self.end = float("inf")


class CellLog:
    """Notes which cell of the notebook runs when, from :meth:`start` on."""

    def __init__(self) -> None:
        self._runs: deque[_Run] = deque(maxlen=MAX_RUNS)
        self._context = contextvars.Context()
        """That of the cell that began last: what is printed in it comes below that cell."""

    def start(self) -> None:
        """Note which cell runs when, in a notebook, beginning with this one. Idempotent."""
        ipython = shell()
        if ipython is None or self._cell_began in ipython.events.callbacks["pre_run_cell"]:
            return
        ipython.events.register("pre_run_cell", self._cell_began)
        ipython.events.register("post_run_cell", self._cell_ended)
        self._cell_began()

    def close(self) -> None:
        """Note nothing any more. Idempotent."""
        ipython = shell()
        if ipython is not None and self._cell_began in ipython.events.callbacks["pre_run_cell"]:
            ipython.events.unregister("pre_run_cell", self._cell_began)
            ipython.events.unregister("post_run_cell", self._cell_ended)

    def culprit(self, begin: float, end: float) -> str:
        """Name what ran for most of a time: "cell [3]"; "a cell" if its number is not known,
        "something" outside of notebooks."""
        if shell() is None:
            return "something"
        runs = list(self._runs)
        run = max(runs, key=lambda run: min(run.end, end) - max(run.begin, begin), default=None)
        if run is None or run.end < begin:
            return "a cell"
        number = run.number
        if number is None and math.isinf(run.end):
            # It still runs. By how much the count is ahead, those that have ended tell.
            ahead = [run.count - run.number for run in runs if run.number is not None]
            number = run.count - ahead[-1] if ahead else None
        return "a cell" if number is None else f"cell [{number}]"

    def context(self) -> contextvars.Context:
        """A context in which to print, so that it comes below the cell that ran last; without it,
        a click that came since would have it."""
        return self._context.copy()

    def _cell_began(self, *_: object) -> None:
        self._context = contextvars.copy_context()
        self._runs.append(_Run(shell().execution_count))

    def _cell_ended(self, result: Any = None) -> None:
        if self._runs:
            self._runs[-1].end = time.monotonic()
            self._runs[-1].number = getattr(result, "execution_count", None)


cell_log: Slot[CellLog] = Slot(CellLog, close=CellLog.close)
"""This notebook's."""
