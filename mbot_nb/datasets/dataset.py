"""Recordings by the hundred as one table for each name, read by DuckDB, or by Dask, without loading
them."""

from __future__ import annotations

import secrets
import tempfile
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..recording.tables.schema import SCHEMA
from .cache import Cache
from .index import Index, LeftOut, TableFile, first_line, read_index

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

__all__ = ["Dataset", "dataset"]

_SQL = {
    "number": "DOUBLE",
    "whole": "BIGINT",
    "maybe whole": "BIGINT",
    "text": "VARCHAR",
    "label": "VARCHAR",
    "maybe flag": "BOOLEAN",
    "wall": "TIMESTAMPTZ",
}
_PANDAS = {
    "number": "float64",
    "whole": "int64",
    "maybe whole": "Int64",
    "text": "str",
    "label": "str",
    "maybe flag": "boolean",
    "wall": "datetime64[us, UTC]",
}
LEADING_COLUMNS = ("recording", "robot")
"""The columns that stand before a table's own."""
DASK = "python -m pip install 'dask[dataframe]'"


def dataset(
    folder: str | Path, *, memory_limit: str | None = None, threads: int | None = None
) -> Dataset:
    """Open a folder of recordings, however many, as one table for each name: see :class:`Dataset`.

    Args:
        folder: where the recordings are, also in folders below it.
        memory_limit: what DuckDB may use, as ``"2GB"``; what does not fit goes to a temporary file.
            Without it: 80 % of all.
        threads: how many DuckDB uses; all cores if it is not said.

    Raises:
        UsageError: there is no such folder, no recording in it, or a limit that DuckDB does not
            understand.

    Example::

        runs = mb.lab.dataset("recordings")
        runs.sql("SELECT robot, quantile_cont(rtt_ms, 0.99) AS p99_ms FROM latency GROUP BY robot")
    """
    return Dataset(Path(folder), memory_limit=memory_limit, threads=threads)


class Dataset:
    """A folder of recordings as tables: those of a Recorder, with the columns ``recording`` and
    ``robot`` before the others.

        runs = mb.lab.dataset("recordings")
        runs.events, runs.latency, ...   # DuckDB relations: .filter(...), .aggregate(...), .df()
        runs.sql("SELECT ... FROM events JOIN recordings USING (recording)")
        runs.to_pandas("latency")        # a DataFrame with a Recorder's types
        runs.dask("latency")             # the same for Dask's workers
        runs.recordings, runs.damaged    # DataFrames: what there is, and what cannot be read

    Nothing is loaded when it is opened: a question reads the columns and the rows it needs, on all
    cores, and need not fit into memory. Recordings that are not in Parquet are read once, and kept
    as such in the hidden folder `.mbot_nb-tables`. A file that is damaged is left out and named in
    :attr:`damaged`. ``recording`` is the path below the folder; `time_s` is each recording's own
    monotonic clock, so across recordings compare `wall`, or differences.

    It holds a DuckDB connection of its own, until :meth:`close` or the end of a ``with`` block.
    """

    def __init__(
        self, folder: Path, *, memory_limit: str | None = None, threads: int | None = None
    ) -> None:
        self.folder = folder
        self._cache = Cache(folder)
        weakref.finalize(self, self._cache.close)
        index = read_index(folder, self._cache)
        self._files = index.files
        self._damaged = index.damaged
        self._infos = index.recordings()
        self._connection = _connect(memory_limit, threads)
        self._closed = False
        self._define()

    # What it looks like.

    def __repr__(self) -> str:
        return f"<Dataset of {self._headline()}>"

    def _repr_html_(self) -> str:
        left = "style='text-align:left'"
        rows = "".join(
            f"<tr><td {left}><code>runs.{name}</code></td><td>{count:,}</td></tr>"
            for name, count in self._counts().items()
            if count
        )
        shown = "".join(
            f"<li><code>{escape(file)}</code>: {escape(reason)}</li>"
            for file, reason, _ in self._damaged[:5]
        )
        more = ""
        if len(self._damaged) > 5:
            more = f"<li>and {len(self._damaged) - 5} more: <code>runs.damaged</code></li>"
        damaged = f"<p>left out:</p><ul>{shown}{more}</ul>" if shown else ""
        return (
            f"<div><p><b>Dataset</b> of {escape(self._headline(counts=False))}</p><table>"
            f"<tr><th {left}>table</th><th>rows</th></tr>{rows}</table>{damaged}</div>"
        )

    def _headline(self, *, counts: bool = True) -> str:
        robots = len({info.robot for info in self._infos if info.robot is not None})
        recordings = _many(len(self._infos), "recording")
        words = [f"{self.folder}: {recordings} of {_many(robots, 'robot')}"]
        if counts:
            words += [f"{count:,} {name}" for name, count in self._counts().items() if count]
        if cut := sum(info.cut is not None for info in self._infos):
            words.append(f"{cut} cut off at the end")
        if copies := sum(file.is_copy for file in self._damaged):
            words.append(f"{_many(copies, 'file')} left out as another form of a recording")
        if len(self._damaged) > copies:
            words.append(f"{_many(len(self._damaged) - copies, 'file')} damaged and left out")
        return ", ".join(words)

    def _counts(self) -> dict[str, int]:
        return {name: sum(info.rows[name] for info in self._infos) for name in SCHEMA}

    # Tables.

    @property
    def events(self) -> duckdb.DuckDBPyRelation:
        """All events of all recordings."""
        return self.table("events")

    @property
    def commands(self) -> duckdb.DuckDBPyRelation:
        """All commands."""
        return self.table("commands")

    @property
    def latency(self) -> duckdb.DuckDBPyRelation:
        """All round trips."""
        return self.table("latency")

    @property
    def batches(self) -> duckdb.DuckDBPyRelation:
        """All batches."""
        return self.table("batches")

    @property
    def states(self) -> duckdb.DuckDBPyRelation:
        """All changes of the robots' states, one row for each field."""
        return self.table("states")

    @property
    def connection(self) -> duckdb.DuckDBPyRelation:
        """All changes of connections."""
        return self.table("connection")

    @property
    def frames(self) -> duckdb.DuckDBPyRelation:
        """All messages on the wire."""
        return self.table("frames")

    @property
    def stalls(self) -> duckdb.DuckDBPyRelation:
        """All times in which an event loop was blocked."""
        return self.table("stalls")

    def table(self, name: str) -> duckdb.DuckDBPyRelation:
        """A table of this name, as a DuckDB relation: nothing is read until its rows are asked for.

        Raises:
            UsageError: there is no such table, or the dataset was closed.
        """
        return self._opened().table(_known(name))

    def sql(self, query: str, params: Sequence[Any] | None = None) -> duckdb.DuckDBPyRelation:
        """Ask a question in SQL; the tables are those of a Recorder, and ``recordings``. ``params``
        are for `?` in it.

        The answer is a DuckDB relation: shown as a table, and a DataFrame with ``.df()``.

        Raises:
            UsageError: DuckDB does not understand the question, or the dataset was closed.
        """
        import duckdb

        connection = self._opened()
        try:
            return connection.sql(query, params=params)
        except duckdb.ProgrammingError as error:
            raise UsageError(f"{error}\nThe tables are recordings, {', '.join(SCHEMA)}.") from None

    def to_pandas(self, query: str) -> pd.DataFrame:
        """A whole table, by its name, or the answer to a question in SQL, as a DataFrame.

        Raises:
            UsageError: DuckDB does not understand the question, or a file turns out to be damaged
                inside.
        """
        import duckdb

        damage = (duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException)
        name = query.strip()
        relation = self.table(name) if name in SCHEMA else self.sql(query)
        try:
            frame: pd.DataFrame = relation.df()
        except duckdb.Error as error:
            # What is read of a damaged page may look like anything: then DuckDB has no class for
            # it.
            if type(error) is not duckdb.Error and not isinstance(error, damage):
                raise
            raise UsageError(
                f"a file is damaged inside ({first_line(error)}): `verify()` reads every file to "
                "its end, leaves out those that are damaged and names them"
            ) from None
        return frame.astype(_types(name)) if name in SCHEMA else frame

    def dask(self, name: str) -> Any:
        """A whole table as a Dask DataFrame with one partition for each file: the same columns, for
        one machine or many.

        Dask's workers open the files by the paths they have here.

        Raises:
            UsageError: there is no such table, or Dask is not installed.
        """
        _known(name)
        try:
            import dask.dataframe as dd
        except ImportError as error:
            raise UsageError(f"Dask is not installed here ({error}). To have it: {DASK}") from None
        files = self._files_of(name)
        nothing = _frame(name, None, None, None)
        if not files:
            return dd.from_pandas(nothing, npartitions=1)  # type: ignore[no-untyped-call]
        paths, recordings, robots = zip(
            *[(str(file.path), file.recording, file.robot) for file in files], strict=True
        )
        return dd.from_map(_Read(name), paths, recordings, robots, meta=nothing)  # type: ignore[no-untyped-call]

    # What there is.

    @property
    def recordings(self) -> pd.DataFrame:
        """One row for each recording: `recording`, `robot`, `side`, `started` (UTC), `seconds`,
        `cut`, and how many rows its tables have.
        """
        import pandas as pd

        rows = [{**info._asdict(), **info.rows} for info in self._infos]
        own = ["recording", "robot", "side", "started", "seconds", "cut"]
        frame = pd.DataFrame(rows, columns=[*own, *SCHEMA])
        types = dict.fromkeys(("recording", "robot", "side", "cut"), "str")
        types |= {"started": "datetime64[us, UTC]", "seconds": "float64"}
        return frame.astype({**types, **dict.fromkeys(SCHEMA, "int64")})

    @property
    def damaged(self) -> pd.DataFrame:
        """The files that are left out, since they could not be read or have a recording once more:
        `file`, `reason`."""
        import pandas as pd

        rows = [(one.file, one.reason) for one in self._damaged]
        return pd.DataFrame(rows, columns=["file", "reason"], dtype="str")

    def verify(self) -> pd.DataFrame:
        """Read every file to its last byte, leave out those that are damaged inside, and return
        :attr:`damaged`."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._opened()
        whole = []
        for file in self._files:
            try:
                with pq.ParquetFile(file.path, page_checksum_verification=True) as opened:
                    for _ in opened.iter_batches():
                        pass
            except (OSError, pa.ArrowException) as error:
                inside = file.path.is_relative_to(self.folder)
                name = file.path.relative_to(self.folder).as_posix() if inside else str(file.path)
                self._damaged.append(LeftOut(name, f"it is damaged inside: {first_line(error)}"))
            else:
                whole.append(file)
        if len(whole) < len(self._files):
            self._files = whole
            self._infos = Index(whole, self._damaged).recordings()
            self._define()
        return self.damaged

    # Its end.

    def close(self) -> None:
        """Give the connection back; relations that came from it cannot be read any more.
        Idempotent."""
        self._closed = True
        self._connection.close()
        self._cache.close()

    def __enter__(self) -> Dataset:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # Inside.

    def _opened(self) -> duckdb.DuckDBPyConnection:
        if self._closed:
            raise UsageError(
                f"this dataset was closed: open it again with mb.lab.dataset({str(self.folder)!r})"
            )
        return self._connection

    def _define(self) -> None:
        """Tell DuckDB of the tables."""
        connection = self._connection
        connection.register("given", self.recordings)
        connection.execute("CREATE OR REPLACE TABLE recordings AS FROM given").fetchall()
        connection.unregister("given")
        for name in SCHEMA:
            connection.execute(_view(name, self._files_of(name))).fetchall()

    def _files_of(self, name: str) -> list[TableFile]:
        return [file for file in self._files if file.table == name]


@dataclass(frozen=True)
class _Read:
    """Reads one file for Dask, or the columns of it that are needed."""

    name: str

    def __call__(
        self, path: str, recording: str, robot: str | None, columns: Sequence[str] | None = None
    ) -> pd.DataFrame:
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            own = [name for name in file.schema_arrow.names if columns is None or name in columns]
            return _frame(self.name, file.read(columns=own), recording, robot, columns)


def _frame(
    name: str,
    rows: pa.Table | None,
    recording: str | None,
    robot: str | None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Rows of one file as a DataFrame with all the columns of its table, or those that are
    wanted."""
    import pandas as pd

    types = _types(name)
    wanted = list(types if columns is None else columns)
    index = pd.RangeIndex(0 if rows is None else rows.num_rows)
    values: dict[str, Any] = {"recording": recording, "robot": robot}
    if rows is not None:
        for column in rows.column_names:
            values[column] = rows.column(column).to_pandas(integer_object_nulls=True)
    found = {
        column: pd.Series(values.get(column), index=index, dtype=types[column]) for column in wanted
    }
    return pd.DataFrame(found, columns=wanted, index=index)


def _connect(memory_limit: str | None, threads: int | None) -> duckdb.DuckDBPyConnection:
    import duckdb

    # DuckDB makes this folder when it needs it, and takes it away again.
    room = Path(tempfile.gettempdir(), f"mbot_nb-dataset-{secrets.token_hex(8)}")
    # What it needs is built in, and nothing is fetched from elsewhere.
    settings: dict[str, Any] = {
        "autoinstall_known_extensions": "false",
        "temp_directory": str(room),
        "TimeZone": "UTC",
    }
    if memory_limit is not None:
        settings["memory_limit"] = memory_limit
    if threads is not None:
        settings["threads"] = threads
    try:
        return duckdb.connect(config=settings)
    except duckdb.Error as error:
        raise UsageError(
            f"DuckDB does not take memory_limit={memory_limit!r}, threads={threads!r}: {error}"
        ) from None


def _view(name: str, files: Sequence[TableFile]) -> str:
    """The statement that makes one table of many files, with every column that it has by now."""
    known = frozenset[str]().union(*(file.columns for file in files))
    alike = all(file.columns == known for file in files)
    # A file of an earlier version may lack a column.
    columns = ", ".join(
        (f'rows."{column.name}"' if column.name in known else "NULL")
        + f'::{_SQL[column.kind]} AS "{column.name}"'
        for column in SCHEMA[name]
    )
    if not files:
        return (
            f"CREATE OR REPLACE VIEW {name} AS SELECT NULL::VARCHAR AS recording, "
            f"NULL::VARCHAR AS robot, {columns} WHERE false"
        )
    paths = ", ".join(_quoted(_literal(str(file.path))) for file in files)
    # By the file's place in the list: a join by its name would cost a tenth of a question.
    own = ", ".join(
        f"({_texts(getattr(file, column) for file in files)})[rows.file_index::BIGINT + 1] "
        f"AS {column}"
        for column in LEADING_COLUMNS
    )
    return (
        f"CREATE OR REPLACE VIEW {name} AS SELECT {own}, {columns} "
        f"FROM read_parquet([{paths}], hive_partitioning = false, union_by_name "
        f"= {str(not alike).lower()}) AS rows"
    )


def _texts(values: Iterable[str | None]) -> str:
    """A list of texts in SQL."""
    quoted = ", ".join("NULL" if value is None else _quoted(value) for value in values)
    return f"[{quoted}]::VARCHAR[]"


def _literal(path: str) -> str:
    """A path in which no letter stands for others."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _types(name: str) -> dict[str, str]:
    return {
        **dict.fromkeys(LEADING_COLUMNS, "str"),
        **{column.name: _PANDAS[column.kind] for column in SCHEMA[name]},
    }


def _known(name: str) -> str:
    if name not in SCHEMA:
        raise UsageError(
            f"there is no table {name!r}; there are {', '.join(SCHEMA)}, and for questions in SQL "
            "also recordings"
        )
    return name


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
