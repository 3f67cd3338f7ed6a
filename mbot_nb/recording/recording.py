"""A finished run: its tables, and what has to be known of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .base import Recorded
from .tables.schema import SCHEMA, known
from .tables.state_table import state_from_rows

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Recording"]


class Recording(Recorded):
    """The tables of a finished run, under the same names as a Recorder's, and its :attr:`metadata`.

        run = mb.Recording.load("run.mbot")
        run.events, run.latency, run.states, run.metadata

    ``rec.to_recording()`` takes one from a live recorder. What takes a recorder (`mb.plots`, say)
    takes one as well.
    """

    def __init__(
        self,
        tables: Mapping[str, pa.Table],
        metadata: Mapping[str, Any],
        *,
        cut: str | None = None,
        source: str | None = None,
    ) -> None:
        unknown = tables.keys() - SCHEMA.keys()
        if unknown:
            raise UsageError(
                f"a recording has the tables {', '.join(SCHEMA)}; not {', '.join(sorted(unknown))}"
            )
        self._tables = dict(tables)
        self._metadata = dict(metadata)
        self._frames: dict[str, pd.DataFrame] = {}
        self.cut = cut
        """What is missing at its end, in words; None if it was ended in order."""
        self.source = source
        """The file or folder it came from, None for one from a live recorder."""

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """Open what a recorder has written, or :meth:`save` has: a file or a folder.

        A file whose writer was killed is opened as far as it goes; :attr:`cut` says then what was
        cut off.

        Raises:
            UsageError: there is nothing there, or it is no recording.
        """
        from .files.formats import load

        tables, metadata, cut = load(Path(path))
        return cls(tables, metadata, cut=cut, source=str(path))

    def save(self, path: str | Path, *, folder: str | None = None) -> Path:
        """Write it, with its metadata; :meth:`load` opens each of these again. Returns the path.

        Args:
            path: one file, whose ending says the format: `.mbot` (ours), `.parquet`, `.csv`,
                `.jsonl` (JSON Lines) or `.mcap` (for Foxglove and others). With ``folder`` it is a
                folder.
            folder: ``"parquet"``, ``"csv"``, ``"jsonl"`` or ``"mcap"``: a file in this format for
                each table, as `table=events/part-0.parquet`, which is how DuckDB, Dask and others
                expect it.

        Raises:
            UsageError: no format is called so, or it cannot be written there.
        """
        from .files.formats import save

        place = Path(path)
        # It may have lost its clocks.
        metadata = {"clocks": {"wall_offset_s": self.wall_offset}, **self._metadata}
        if self.cut is not None:
            metadata["cut"] = self.cut
        save(place, {name: self.arrow(name) for name in SCHEMA}, metadata, folder=folder)
        return place

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.total(name)} {name}" for name in SCHEMA if self.total(name))
        place, cut = self._remarks()
        return f"<Recording{place}, {self.seconds:.1f} s: {counts or 'nothing'}{cut}>"

    def _repr_html_(self) -> str:
        from .summary import overview

        rows = [(name, self.total(name), "") for name in SCHEMA]
        place, cut = self._remarks()
        return overview("Recording", f"{self.seconds:.1f} s{place}{cut}", rows, "run")

    def _remarks(self) -> tuple[str, str]:
        """Where it came from, and what is missing, in words."""
        return f" of {self.source}" if self.source else "", f"; {self.cut}" if self.cut else ""

    def table(self, name: str) -> pd.DataFrame:
        if known(name) not in self._frames:
            from .tables.arrow import frame_of

            self._frames[name] = frame_of(SCHEMA[name], self.arrow(name), self.wall_offset)
        return self._frames[name].copy(deep=False)

    def arrow(self, name: str) -> pa.Table:
        """The table of this name as Arrow's, without `wall`, which is :attr:`wall_offset` later
        than the column before it."""
        from .tables.arrow import empty

        table = self._tables.get(name)
        return empty(SCHEMA[name]) if table is None else table

    def total(self, table: str) -> int:
        """How many rows a table (by its name, as ``"events"``) has."""
        return int(self.arrow(table).num_rows)

    @property
    def wall_offset(self) -> float:
        """The Unix time, in seconds, at which the monotonic clock of the recording read 0."""
        return float(self._metadata.get("clocks", {}).get("wall_offset_s", 0.0))

    @property
    def seconds(self) -> float:
        return float(self._metadata.get("seconds", 0.0))

    @property
    def metadata(self) -> dict[str, Any]:
        return dict(self._metadata)

    def state(self) -> dict[str, Any]:
        states = self.arrow("states")
        return state_from_rows(
            zip(states.column("field").to_pylist(), states.column("value").to_pylist(), strict=True)
        )
