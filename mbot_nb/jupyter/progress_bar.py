"""The progress of long work: a bar with Cancel in a notebook, a line in a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from html import escape
from typing import Any, TypeVar

from ..errors import UsageError
from .cells import shell

__all__ = ["ProgressBar", "progress_bar", "track"]

UPDATE_INTERVAL = 0.1
"""Seconds between two updates of the bar at least: faster ones nobody sees."""
BAR_AFTER = 1.0
"""Seconds of plain work before a bar is shown."""
CLOCK_EVERY = 256
"""Items of plain work between two looks at the clock."""

T = TypeVar("T")


class ProgressBar:
    """Counts and shows nothing. ``cancelled`` is true once somebody pressed Cancel."""

    def __init__(self, total: int, done: int, what: str, advice: str, blocks: bool) -> None:
        self.what = what
        self.total = total
        self.done = done
        self.cancelled = False
        self._advice = advice
        self._blocks = blocks
        self._before = done
        self._begun = time.monotonic()
        self._shown_at = 0.0
        self._end: Callable[[], object] = lambda: None

    def __enter__(self) -> ProgressBar:
        self._show()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc_info: object) -> None:
        self._finish(self.words(stopped=self.cancelled or kind is not None))

    def when_cancelled(self, end: Callable[[], object]) -> None:
        """Call ``end``, in any thread, when somebody presses Cancel."""
        self._end = end

    def advance(self, more: int = 1) -> None:
        """Count so many more as finished, and update the bar."""
        self.done += more
        if time.monotonic() - self._shown_at >= UPDATE_INTERVAL:
            self._show()

    def cancel(self) -> None:
        """Cancel, as the button does; from any thread."""
        self.cancelled = True
        self._end()

    def words(self, *, stopped: bool = False) -> str:
        """Say how far the work is."""
        if self.done >= self.total:
            return f"{self.done}/{self.total} in {time.monotonic() - self._begun:.0f} s"
        if stopped:
            return f"stopped: {self.done}/{self.total} finished; {self._advice}"
        new = self.done - self._before
        left = (time.monotonic() - self._begun) / new * (self.total - self.done) if new else 0.0
        return f"{self.done}/{self.total}" + (f", about {left:.0f} s left" if new else "")

    def _show(self) -> None:
        self._shown_at = time.monotonic()

    def _finish(self, words: str) -> None:
        pass


class _TerminalBar(ProgressBar):
    """Drawn by rich. Ctrl-C stops it."""

    def __enter__(self) -> ProgressBar:
        from rich.progress import BarColumn, Progress, TextColumn

        self._progress = Progress(
            TextColumn(self.what), BarColumn(), TextColumn("{task.fields[words]}")
        )
        self._task = self._progress.add_task(
            self.what, total=self.total, completed=self.done, words=self.words()
        )
        self._progress.start()
        return super().__enter__()

    def _show(self) -> None:
        super()._show()
        self._progress.update(self._task, completed=self.done, words=self.words())

    def _finish(self, words: str) -> None:
        self._progress.update(self._task, completed=self.done, words=words)
        self._progress.stop()


class _NotebookBar(ProgressBar):
    """Plain HTML, which a saved notebook keeps, and for as long as it runs a button where a click
    on it is heard.

    Where none is, the words name the notebook's own stop button, which ends it everywhere.
    """

    def __enter__(self) -> ProgressBar:
        from IPython.display import HTML, display
        from ipywidgets import Button, Layout

        self._html: Any = HTML
        self._bar: Any = display(HTML(self._page(self.words())), display_id=True)  # type: ignore[no-untyped-call]
        self._button: Any = None
        if _handles_clicks(self._blocks):
            self._button = Button(description="Cancel", icon="stop", layout=Layout(width="7rem"))
            self._button.on_click(lambda _: self.cancel())
        instead = self._html("<small>the notebook's stop button (&#9632;) ends it</small>")  # type: ignore[no-untyped-call]
        self._button_area: Any = display(self._button or instead, display_id=True)  # type: ignore[no-untyped-call]
        return super().__enter__()

    def _page(self, words: str) -> str:
        share = 100 * self.done / max(1, self.total)
        return (
            f'<div role="progressbar" aria-label="{escape(self.what)}" aria-valuemin="0" '
            f'aria-valuemax="{self.total}" aria-valuenow="{self.done}">{escape(self.what)} '
            '<span style="display:inline-block;width:16rem;height:.8rem;border:1px solid '
            '#5f6368;vertical-align:middle">'
            f'<span style="display:block;width:{share:.1f}%;height:100%;background:#1f4e79"></span>'
            f"</span> {escape(words)}</div>"
        )

    def _show(self) -> None:
        super()._show()
        self._bar.update(self._html(self._page(self.words())))

    def _finish(self, words: str) -> None:
        self._bar.update(self._html(self._page(words)))
        self._button_area.update(self._html(""))
        if self._button is not None:
            self._button.close()


def progress_bar(
    total: int, done: int, *, what: str, shown: bool, advice: str, blocks: bool = False
) -> ProgressBar:
    """Make the bar that fits where this runs.

    Args:
        total, done: how many items there are, and how many are finished already.
        what: what is done, for the bar's label.
        shown: whether to show it at all.
        advice: how to go on after it was stopped.
        blocks: whether the work is plain code, during which no loop runs.
    """
    kind: Any = ProgressBar
    if shown:
        kind = _NotebookBar if hasattr(shell(), "kernel") else _TerminalBar
    made: ProgressBar = kind(total, done, what, advice, blocks)
    return made


def _handles_clicks(blocks: bool) -> bool:
    """Whether this kernel handles a click while a cell runs: from 7 on if it awaits, and on 7.1 to
    7.3 also if it ``blocks``."""
    version = getattr(sys.modules.get("ipykernel"), "version_info", (0,))
    return (7, 1) <= version < (7, 4) if blocks else version >= (7,)


def track(
    items: Iterable[T], total: int, what: str, size: Callable[[T], int] | None = None
) -> Iterator[T]:
    """Iterate over the items of plain work, with a bar once that has taken a second.

    Args:
        items, total: what to iterate over, and how much that is altogether.
        what: what is done, for the bar's label.
        size: tells how much of the total an item is; without it each is 1.

    Raises:
        UsageError: somebody pressed Cancel.
    """
    begun, done = time.monotonic(), 0
    advice = "do it again to have all of it"
    with ExitStack() as stack:
        shown: ProgressBar | None = None
        for number, item in enumerate(items):
            if number % CLOCK_EVERY == 0:
                if shown is not None:
                    shown.advance(done - shown.done)
                    if shown.cancelled:
                        raise UsageError(
                            f"{what}: you cancelled it. Nothing was changed; {advice}."
                        )
                elif time.monotonic() - begun > BAR_AFTER:
                    shown = stack.enter_context(
                        progress_bar(total, done, what=what, shown=True, advice=advice, blocks=True)
                    )
            done += 1 if size is None else size(item)
            yield item
        if shown is not None:
            shown.advance(total - shown.done)
