"""The table of commands: a row is written when a command is sent, and goes on changing until its
end is known."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import islice, takewhile
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from .columns import Chunk, Labels, pack
from .table import Column, ColumnsOf, Spill, Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from .arrow import Part

__all__ = ["CommandTable", "command_columns"]

KEPT_OPEN = 2048
"""A refusal may come after the acknowledgement: the newest commands are kept open at least this
long."""
_changing = attrgetter("sent_at", "acknowledged_at", "answered_at", "outcome")
_FIELDS = ["name", "sequence", "queued_at", "sent_at", "acknowledged_at", "answered_at", "outcome"]
"""What is read of a command as it is, in the order of the schema."""
_FINAL = ("sent", "unsent", "unknown")


def command_columns(commands: Sequence[Any]) -> list[Any]:
    """The columns of these commands, in the order of the schema."""
    # Column by column: a tuple for each row would keep the garbage collector busy.
    columns: list[Any] = [list(map(attrgetter(field), commands)) for field in _FIELDS]
    errors = list(map(attrgetter("error"), commands))
    if errors.count(None) == len(errors):
        return [*columns, None, None]
    return [*columns, [None if error is None else str(error) for error in errors], None]


def _is_final(command: Any) -> bool:
    """Whether nothing about a client's command can change any more."""
    if command.acknowledged_at is not None:
        return command.outcome is not None
    return command.outcome in _FINAL or (
        command.outcome is not None and (command.sent_at is None or command.sequence is None)
    )


class CommandTable:
    """Holds commands that may still change as they are, and packs them, in order, when they
    cannot.

    Args:
        columns_of: makes columns of commands.
        is_final: whether a command cannot change any more.
    """

    name = "commands"

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        max_rows: int,
        wall_offset: float,
        columns_of: ColumnsOf = command_columns,
        is_final: Callable[[Any], bool] = _is_final,
    ) -> None:
        self.columns = tuple(columns)
        self.max_rows = max_rows
        self._wall_offset = wall_offset
        self._columns_of = columns_of
        self._is_final = is_final
        self._done = Table(
            "commands", columns, max_rows=max_rows, wall_offset=wall_offset, columns_of=columns_of
        )
        self._open: dict[Any, None] = {}
        """The first of them has the number that the next row of ``_done`` gets."""
        self._lock = threading.RLock()
        """Held for a moment: rows do not go from one to the other meanwhile."""
        self._in_tail: dict[Any, tuple[Any, ...]] = {}
        self._tail: Part | None = None
        """The open ones as rows, as they were when somebody asked last."""
        self._last_frame: tuple[int, int, pa.Table, pd.DataFrame] | None = None
        """What was given to who asked last, and of what it was made."""

    def __len__(self) -> int:
        return min(len(self._done) + len(self._open), self.max_rows)

    @property
    def total(self) -> int:
        """Commands recorded so far, with those that were dropped or cleared."""
        return self._done.total + len(self._open)

    @property
    def cleared(self) -> int:
        """Commands that :meth:`clear` has forgotten: the numbers below this one."""
        return self._done.cleared

    @property
    def recorded(self) -> int:
        """Commands recorded since the last :meth:`clear`, with those that were dropped."""
        return self.total - self.cleared

    @property
    def dropped(self) -> int:
        """Older commands that had to go."""
        return self.recorded - len(self)

    @property
    def spill(self) -> Spill | None:
        """Is given the rows that have to go."""
        return self._done.spill

    @spill.setter
    def spill(self, spill: Spill | None) -> None:
        self._done.spill = spill

    def on_started(self, commands: Sequence[Any]) -> None:
        """These were handed to the transport, or to a handler; one that is sent again keeps its
        row."""
        self._open.update(dict.fromkeys(commands))
        if len(self._open) > 2 * KEPT_OPEN:
            self._pack_final()

    def on_settled(self, command: Any) -> None:
        """The end of this one is known; one that was never sent gets its row now."""
        if command.sent_at is None:
            self._open[command] = None

    def clear(self) -> None:
        """Forget all rows; the counting goes on."""
        with self._lock:
            after = self.total
            self._open.clear()
            self._done.clear(after)

    def frame(self) -> pd.DataFrame:
        """All rows as a DataFrame of the caller's own. Only what came or has changed since the last
        time is converted."""
        import pandas as pd

        from .arrow import frame_of

        with self._lock:
            tail = self._tail_now()
            begin, end = self.cleared, self._done.total
            last = self._last_frame
            if last is not None and last[:2] == (begin, end) and last[2] is tail:
                return last[3].copy(deep=False)
            frame = self._done.frame()
            if tail.num_rows:
                newest = frame_of(self.columns, tail, self._wall_offset)
                frame = pd.concat([frame, newest], ignore_index=True) if len(frame) else newest
            if len(frame) > self.max_rows:
                frame = frame.iloc[-self.max_rows :].reset_index(drop=True)
            self._last_frame = begin, end, tail, frame
        return frame.copy(deep=False)

    def _tail_now(self) -> pa.Table:
        """The open commands as rows; the same object as long as nothing has changed."""
        import numpy as np
        import pyarrow as pa

        from .arrow import batch, empty, in_order

        first = self._done.total
        numbers, rows = self._tail or (np.empty(0, "i8"), empty(self.columns))
        changed = self.under_way(self._in_tail)
        if changed is not None:
            changed_rows = pa.Table.from_batches([batch(self.columns, *changed[1:])])
            numbers, rows = in_order([(np.array(changed[0]), changed_rows), (numbers, rows)], first)
        elif len(numbers) and numbers[0] < first:
            numbers, rows = in_order([(numbers, rows)], first)
        if len(numbers) != len(self._in_tail):
            # One that was written down or forgotten and is sent again, without any change, has
            # another number now.
            self._in_tail.clear()
            self._tail = None
            return self._tail_now()
        self._tail = numbers, rows
        return rows

    def packed(self) -> list[tuple[Chunk, list[tuple[str, ...] | None]]]:
        """All rows that are in memory, and what the labels in them mean."""
        with self._lock:
            found = self._done.packed()
            under_way = self.under_way({})
        return found if under_way is None else [*found, under_way[1:]]

    def chunks(self, since: int = 0) -> list[Chunk]:
        """The rows from this number on that cannot change any more, packed."""
        return self._done.chunks(since)

    def labels(self) -> list[tuple[str, ...] | None]:
        """What the numbers in packed columns of labels stand for."""
        return self._done.labels()

    def under_way(
        self, known: dict[Any, tuple[Any, ...]]
    ) -> tuple[list[int], Chunk, list[tuple[str, ...] | None]] | None:
        """Return the commands that may still change and differ from ``known``, which is updated.

        Returns:
            Their numbers, their rows packed, and what the labels in them mean; None if there are
            none.
        """
        with self._lock:
            first = self._done.total
            commands = list(self._open)
        now = dict(zip(commands, map(_changing, commands), strict=True))
        changed = [
            (number, command)
            for number, command in enumerate(commands, first)
            if known.get(command) != now[command]
        ]
        known.clear()
        known.update(now)
        if not changed:
            return None
        numbers = [number for number, _ in changed]
        stored = self._done.stored
        labels = [Labels() if column.kind == "label" else None for column in stored]
        columns = self._columns_of([command for _, command in changed])
        packed = pack([column.kind for column in stored], columns, labels)
        meanings = [None if some is None else tuple(some.values_in_order) for some in labels]
        return numbers, Chunk(numbers[0], numbers[0] + len(numbers), packed), meanings

    def _pack_final(self) -> None:
        if not self._lock.acquire(blocking=False):
            return  # somebody looks: the next time
        try:
            spare = list(islice(self._open, len(self._open) - KEPT_OPEN))
            # Rows stay in order: what comes after an unfinished one waits, unless it would wait for
            # ever.
            if len(self._open) <= self.max_rows + KEPT_OPEN:
                spare = list(takewhile(self._is_final, spare))
            self._done.extend(spare)
            for command in spare:
                del self._open[command]
        finally:
            self._lock.release()
