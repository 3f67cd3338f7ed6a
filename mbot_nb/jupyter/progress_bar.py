"""How far long work has come, and how to stop it: a bar with a Cancel button in a notebook, a line
in a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from html import escape
from typing import Any, TypeVar

from ..errors import UsageError
from .cells import shell

__all__ = ["Bar", "bar", "counted"]

PERIOD = 0.1
"""Seconds between two pictures of the bar at least: faster ones nobody sees."""
PATIENT = 1.0
"""Seconds of plain work without a bar."""
EVERY = 256
"""Items of plain work between two looks at the clock."""

T = TypeVar("T")


class Bar:
    """Counts, and says nothing: the base of those that do. ``cancelled`` once somebody pressed
    Cancel."""

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
        self._end: Callable[[], object] = _nothing

    def __enter__(self) -> Bar:
        self._show()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc_info: object) -> None:
        self._finish(self.words(stopped=self.cancelled or kind is not None))

    def when_cancelled(self, end: Callable[[], object]) -> None:
        """Call ``end``, in any thread, when somebody presses Cancel."""
        self._end = end

    def advance(self, more: int = 1) -> None:
        """So many more are finished."""
        self.done += more
        if time.monotonic() - self._shown_at >= PERIOD:
            self._show()

    def cancel(self) -> None:
        """As the button does; from any thread."""
        self.cancelled = True
        self._end()

    def words(self, *, stopped: bool = False) -> str:
        """How far it is, in words."""
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


class _Terminal(Bar):
    """Drawn by rich. Ctrl-C stops it."""

    def __enter__(self) -> Bar:
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


class _Notebook(Bar):
    """Plain HTML, which a saved notebook keeps, and for as long as it runs a button where a click
    on it is heard.

    Where none is, the words name the notebook's own stop button, which ends it everywhere.
    """

    def __enter__(self) -> Bar:
        from IPython.display import HTML, display
        from ipywidgets import Button, Layout

        self._html: Any = HTML
        self._bar: Any = display(HTML(self._page(self.words())), display_id=True)  # type: ignore[no-untyped-call]
        self._button: Any = None
        if _hears_clicks(self._blocks):
            self._button = Button(description="Cancel", icon="stop", layout=Layout(width="7rem"))
            self._button.on_click(lambda _: self.cancel())
        instead = self._html("<small>the notebook's stop button (&#9632;) ends it</small>")  # type: ignore[no-untyped-call]
        self._place: Any = display(self._button or instead, display_id=True)  # type: ignore[no-untyped-call]
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
        self._place.update(self._html(""))
        if self._button is not None:
            self._button.close()


def bar(total: int, done: int, *, what: str, shown: bool, advice: str, blocks: bool = False) -> Bar:
    """The bar that fits where this runs.

    ``advice`` tells how to go on after it was stopped; ``blocks`` that the work is plain code,
    during which no loop runs.
    """
    kind: Any = Bar
    if shown:
        kind = _Notebook if hasattr(shell(), "kernel") else _Terminal
    made: Bar = kind(total, done, what, advice, blocks)
    return made


def _hears_clicks(blocks: bool) -> bool:
    """Whether this kernel hears a click while a cell runs: from 7 on if it awaits, and on 7.1 to
    7.3 also if it ``blocks``."""
    version = getattr(sys.modules.get("ipykernel"), "version_info", (0,))
    return (7, 1) <= version < (7, 4) if blocks else version >= (7,)


def counted(
    items: Iterable[T], total: int, what: str, size: Callable[[T], int] | None = None
) -> Iterator[T]:
    """The items of plain work, with a bar once that has taken a second; ``size`` tells how much of
    the total each is.

    Raises:
        UsageError: somebody pressed Cancel.
    """
    begun, done = time.monotonic(), 0
    advice = "do it again to have all of it"
    with ExitStack() as stack:
        shown: Bar | None = None
        for number, item in enumerate(items):
            if number % EVERY == 0:
                if shown is not None:
                    shown.advance(done - shown.done)
                    if shown.cancelled:
                        raise UsageError(
                            f"{what}: you cancelled it. Nothing was changed; {advice}."
                        )
                elif time.monotonic() - begun > PATIENT:
                    shown = stack.enter_context(
                        bar(total, done, what=what, shown=True, advice=advice, blocks=True)
                    )
            done += 1 if size is None else size(item)
            yield item
        if shown is not None:
            shown.advance(total - shown.done)


def _nothing() -> None:
    pass
