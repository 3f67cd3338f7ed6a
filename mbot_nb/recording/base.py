"""What a live recorder and a finished recording have in common: the tables, and what can be done
with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from .summary import RunSummary, summarise
from .tables.run_tables import RunTables
from .tables.schema import JSON, SCHEMA

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Recorded"]


class Recorded(RunTables):
    """Tables of a run, as pandas DataFrames of the caller's own, and what can be done with them."""

    def _whole(self) -> Recorded:
        """The same with all of its rows, also those that had to leave memory."""
        return self

    @property
    def columns(self) -> pd.DataFrame:
        """What each column of each table means: `table`, `column`, `meaning`."""
        import pandas as pd

        rows = [
            (table, column.name, column.meaning)
            for table, columns in SCHEMA.items()
            for column in columns
        ]
        return pd.DataFrame(rows, columns=["table", "column", "meaning"])

    def summary(self) -> RunSummary:
        """The run in a few numbers: distance driven, events, commands and frames, latency, stalls,
        reconnects."""
        return summarise(self._whole())

    def to_html(self, path: str | Path | None = None) -> str:
        """The run as one page that needs nothing else: summary, pictures, metadata, and the
        beginning of each table.

        Returns the HTML; with ``path`` it is also written there.

        Raises:
            UsageError: it cannot be written there.
        """
        from ..report import html_report

        return html_report(self._whole(), path)

    def expand(self, column: str = "data", *, name: str | None = None) -> pd.DataFrame:
        """A table whose JSON text is decoded into columns of its own: ``rec.expand("data")`` has
        `data.x`, `data.y`, ...

        Args:
            column: `data` (of the events), `value` (of the states) or `waits_ms` (of the batches).
            name: of the events only those of this name, so that only their columns appear.

        Raises:
            UsageError: there is no such column of JSON text.
        """
        from .tables.json_columns import expand_json

        if column not in JSON:
            raise UsageError(f"expand({column!r}): columns of JSON text are {', '.join(JSON)}")
        table, prefix = JSON[column]
        frame = self.table(table)
        if name is not None:
            frame = frame[frame["name"] == name].reset_index(drop=True)
        return expand_json(frame, column, prefix)
