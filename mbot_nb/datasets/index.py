"""A folder of recordings: which files it has, which recording, robot and table each belongs to, and
which cannot be read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from ..errors import MbotError, UsageError
from ..recording.files.formats import FORMATS
from ..recording.tables.schema import METADATA_KEY, SCHEMA
from .cache import CACHE, Cache

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Index", "LeftOut", "RecordingInfo", "TableFile", "first_line", "read_index"]

HIVE = ("recording", "robot")
"""What the names of folders give, as in `robot=r7` (Hive partitioning)."""

PARTS = ("part-", "data_")
"""How the names of files in partitioned data sets begin; they name no recording."""
ANNOUNCED_BYTES = 50_000_000
"""Bytes: reading as many for the first time takes a second or more."""


class TableFile(NamedTuple):
    """One Parquet file: some rows of one table of one recording."""

    path: Path
    table: str
    recording: str
    robot: str | None
    rows: int
    columns: frozenset[str]
    metadata: Mapping[str, Any]


class RecordingInfo(NamedTuple):
    """What is known of a recording without opening it."""

    recording: str
    robot: str | None
    side: str | None
    """Recorded at a client or at a server."""
    started: datetime | None
    seconds: float | None
    rows: dict[str, int]
    cut: str | None
    """What is missing at its end."""


class LeftOut(NamedTuple):
    """A file that is not used, and why."""

    file: str
    reason: str
    is_copy: bool = False
    """Whether its recording is there in another form already; else it is damaged."""


class Index(NamedTuple):
    """What was found."""

    files: list[TableFile]
    damaged: list[LeftOut]

    def recordings(self) -> list[RecordingInfo]:
        """One for each recording, by name."""
        found: dict[str, list[TableFile]] = {}
        for file in self.files:
            found.setdefault(file.recording, []).append(file)
        return [_info(name, files) for name, files in sorted(found.items())]


def read_index(folder: Path, cache: Cache) -> Index:
    """Look at every file below the folder. Of Parquet files only the last few bytes are read; of
    others Parquet files are made.

    Raises:
        UsageError: there is no such folder, or nothing in it that looks like a recording.
    """
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise UsageError(
            f"{folder} {what}: mb.lab.dataset(...) takes the folder that the recordings are in"
        )
    index = Index([], [])
    others: dict[Path, None] = {}
    for path in _files(folder):
        if not path.is_file():
            continue
        if path.suffix.lower() != ".parquet" or (
            _table_of(folder, path) is None and _is_long(path)
        ):
            others[_recording_path(folder, path)] = None
        else:
            _add(index, folder, path)
    already = {file.recording: "tables in Parquet" for file in index.files}
    ordered = sorted(others, key=_preference)
    first = {_name_of(folder, path): path for path in reversed(ordered)}
    new = [
        cache.size(path)
        for name, path in first.items()
        if name not in already and not cache.has(path)
    ]
    if sum(new) > ANNOUNCED_BYTES:
        print(
            f"Reading {len(new)} recordings for the first time ({sum(new) / 1e6:,.0f} MB); next "
            "time they are there at once."
        )
    for path in ordered:
        _add_other_format(index, folder, path, cache, already)
    cache.tidy()
    if not index.files and not index.damaged:
        raise UsageError(
            f"there are no recordings in {folder}: save them there, as with `mb.Recorder(bot, "
            "path=...)`, or name another folder"
        )
    # One file of a recording knowing its robot is enough.
    robots = {file.recording: file.robot for file in index.files if file.robot is not None}
    index.files[:] = [
        file._replace(robot=file.robot or robots.get(file.recording)) for file in index.files
    ]
    return index


def _files(folder: Path) -> list[Path]:
    """Every file below that is called like a recording, in order. Folders are made paths of only
    where they have one."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != CACHE]
        found += [Path(place, name) for name in names if name.lower().endswith(FORMATS)]
    return sorted(found, key=lambda path: path.parts)


def _below(folder: Path, path: Path) -> tuple[str, ...]:
    """The parts of a path that are below the folder."""
    return path.parts[len(folder.parts) :]


def _is_long(path: Path) -> bool:
    """Whether a Parquet file holds all tables of a recording, which have a name in the column
    `table`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException):
        return False
    return "table" in schema.names and METADATA_KEY in (schema.metadata or {})


def _recording_path(folder: Path, path: Path) -> Path:
    """The recording that a file is, or its folder, if the file is one of its tables."""
    if path.parent.name.removeprefix("table=") in SCHEMA and path.parent != folder:
        return path.parent.parent
    return path.parent if path.stem in SCHEMA else path


def _name_of(folder: Path, path: Path) -> str:
    """The name of the recording that a file is, or a folder of tables: its path, without what says
    the format."""
    place = path.relative_to(folder)
    name = (place if path.is_dir() else place.with_suffix("")).as_posix()
    return folder.resolve().name if name == "." else name


def _preference(path: Path) -> int:
    """Of several forms of one recording the first that can be read counts: what was written first,
    and loses nothing."""
    suffix = path.suffix.lower()
    return FORMATS.index(suffix) if path.is_file() and suffix in FORMATS else len(FORMATS)


def _add_other_format(
    index: Index, folder: Path, path: Path, cache: Cache, already: dict[str, str]
) -> None:
    """Add a recording that is one file, or a folder of tables in another format than Parquet,
    unless it is there ``already``: in which form, is said there.
    """
    name, recording = path.relative_to(folder).as_posix(), _name_of(folder, path)
    if recording in already:
        reason = f"its recording, {recording}, is there already as {already[recording]}"
        index.damaged.append(LeftOut(name, reason, is_copy=True))
        return
    try:
        tables = cache.tables_of(path)
    except (MbotError, OSError) as error:
        index.damaged.append(LeftOut(name, first_line(error)))
        return
    already[recording] = name
    found = Index([], [])
    for part in sorted(tables.rglob("*.parquet")):
        _add(found, tables, part)
    own: dict[str, Any] = {"recording": recording, **dict(_hive(folder, path))}
    index.files.extend(file._replace(**own) for file in found.files)
    index.damaged.extend(
        LeftOut(name, f"its tables in {CACHE}: {one.reason}") for one in found.damaged
    )


def _add(index: Index, folder: Path, path: Path) -> None:
    """Add a Parquet file with one table, or why it is none."""
    found = _table_file(folder, path)
    if isinstance(found, TableFile):
        index.files.append(found)
    else:
        index.damaged.append(LeftOut("/".join(_below(folder, path)), found))


def _table_file(folder: Path, path: Path) -> TableFile | str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = _table_of(folder, path)
    if table is None:
        return f"it is no table of a recording: those are called {', '.join(SCHEMA)}"
    try:
        with pq.ParquetFile(path) as file:
            rows, schema = file.metadata.num_rows, file.schema_arrow
        metadata = _metadata(schema)
    except (OSError, pa.ArrowException, ValueError) as error:
        return f"it cannot be read: {first_line(error)}"
    if (first := SCHEMA[table][0].name) not in schema.names:
        return f"it has no column {first}, so it is no table of {table}"
    hive = dict(_hive(folder, path))
    recording = hive.get("recording") or _recording_of(folder, path, table)
    robot = hive.get("robot") or _robot_of(metadata)
    return TableFile(path, table, recording, robot, rows, frozenset(schema.names), metadata)


def _table_of(folder: Path, path: Path) -> str | None:
    """By the file's name, as `events.parquet`, or by the name of a folder around it, as
    `table=events` or `events`."""
    names = [path.stem, *reversed(_below(folder, path)[:-1])]
    return next((name for part in names if (name := part.removeprefix("table=")) in SCHEMA), None)


def _recording_of(folder: Path, path: Path, table: str) -> str:
    """What is left of the path when the table's name is taken out of it."""
    parts = [*_below(folder, path)[:-1], path.stem]
    kept = [part for part in parts if part.removeprefix("table=") != table]
    if len(kept) < len(parts) and path.stem.startswith(PARTS):
        kept.pop()
    return "/".join(kept) or folder.resolve().name


def _hive(folder: Path, path: Path) -> Iterator[tuple[str, str]]:
    for part in _below(folder, path):
        key, equals, value = part.partition("=")
        if equals and key in HIVE:
            yield key, unquote(value)


def _metadata(schema: pa.Schema) -> dict[str, Any]:
    text = (schema.metadata or {}).get(METADATA_KEY)
    metadata = json.loads(text) if text is not None else {}
    return metadata if isinstance(metadata, dict) else {}


def _robot_of(metadata: Mapping[str, Any]) -> str | None:
    robot = metadata.get("robot")
    found = robot.get("robotId") if isinstance(robot, dict) else robot
    return found if isinstance(found, str) else None


def _info(name: str, files: list[TableFile]) -> RecordingInfo:
    metadata = next((file.metadata for file in files if file.metadata), {})
    rows = dict.fromkeys(SCHEMA, 0)
    for file in files:
        rows[file.table] += file.rows
    clocks = metadata.get("clocks")
    text = clocks.get("started") if isinstance(clocks, dict) else None
    started = datetime.fromisoformat(text).astimezone(UTC) if isinstance(text, str) else None
    recorded = metadata.get("seconds")
    seconds = float(recorded) if isinstance(recorded, (int, float)) else None
    side, cut = metadata.get("side"), metadata.get("cut")
    return RecordingInfo(name, files[0].robot, side, started, seconds, rows, cut)


def first_line(error: BaseException) -> str:
    """The first line of an error's message."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
