"""The table of commands: a row is written when a command is sent, and goes on changing until its end is known."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from ..protocol.outgoing import Outgoing
from .tables import Column, Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CommandTable"]

LATE = 2048
"""A refusal may come after the acknowledgement: the newest commands are kept open at least this long."""
_FINAL = ("sent", "unsent", "unknown")


class CommandTable:
    """Holds commands that may still change as they are, and writes them down, in order, when they cannot."""

    def __init__(self, columns: Sequence[Column], *, max_rows: int, wall_offset: float) -> None:
        self.columns = tuple(columns)
        self.max_rows = max_rows
        self._wall_offset = wall_offset
        self._done = Table("commands", columns, max_rows=max_rows, wall_offset=wall_offset)
        self._open: dict[Outgoing, None] = {}

    def __len__(self) -> int:
        return min(len(self._done) + len(self._open), self.max_rows)

    @property
    def total(self) -> int:
        """Commands recorded so far, with those that are gone."""
        return self._done.total + len(self._open)

    @property
    def dropped(self) -> int:
        """Older commands that had to go."""
        return self.total - len(self)

    def sent(self, commands: Sequence[Outgoing]) -> None:
        """These were handed to the transport; a command that is sent again keeps its row."""
        self._open.update(dict.fromkeys(commands))
        if len(self._open) > 2 * LATE:
            self._write_down()

    def settled(self, command: Outgoing) -> None:
        """The end of this one is known; one that was never sent gets its row now."""
        if command.sent_at is None:
            self._open[command] = None

    def clear(self) -> None:
        """Forget all rows."""
        self._done.clear()
        self._open.clear()

    def frame(self) -> pd.DataFrame:
        """All rows as a DataFrame of the caller's own."""
        import pandas as pd

        while True:
            total = self._done.total
            still_open = list(self._open)
            done = self._done.frame()
            if self._done.total == total:
                break  # nothing was written down while this thread looked
        newest = Table("commands", self.columns, max_rows=len(still_open) + 1, wall_offset=self._wall_offset)
        newest.extend([_row(command) for command in still_open])
        frame = newest.frame()
        if len(done):
            frame = pd.concat([done, frame], ignore_index=True)
        return frame.iloc[-self.max_rows :].reset_index(drop=True) if len(frame) > self.max_rows else frame

    def _write_down(self) -> None:
        spare = list(islice(self._open, len(self._open) - LATE))
        # Rows stay in order: what comes after an unfinished one waits, unless it would wait for ever.
        if len(self._open) <= self.max_rows + LATE:
            spare = list(takewhile(_is_final, spare))
        self._done.extend([_row(command) for command in spare])
        for command in spare:
            del self._open[command]


def _is_final(command: Outgoing) -> bool:
    if command.acknowledged_at is not None:
        return command.outcome is not None
    return command.outcome in _FINAL or (command.outcome is not None and (command.sent_at is None or command.sequence is None))


def _row(command: Outgoing) -> tuple[object, ...]:
    return (
        command.name,
        command.sequence,
        command.queued_at,
        command.sent_at,
        command.acknowledged_at,
        command.answered_at,
        command.outcome,
        None if command.error is None else str(command.error),
        None,
    )
