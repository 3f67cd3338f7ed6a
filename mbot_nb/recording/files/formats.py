"""Recordings as files: which format a path means, and what can go wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from ...errors import UsageError
from ..tables.schema import SCHEMA

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FORMATS", "load", "save"]

FORMATS = (".mbot", ".parquet", ".csv", ".jsonl", ".mcap")
METADATA = "metadata.json"
"""In a folder of tables, for those that are no program of ours; each file has the same inside."""


def save(
    path: Path,
    tables: Mapping[str, pa.Table],
    metadata: Mapping[str, Any],
    *,
    folder: str | None = None,
) -> None:
    """Write a recording into one file, whose format its name says; or into a folder, with a file in
    this format for each table.

    Raises:
        UsageError: no format is called so, or it cannot be written there.
    """
    suffix = path.suffix.lower() if folder is None else f".{folder.lower().lstrip('.')}"
    if suffix not in FORMATS or (folder is not None and suffix == ".mbot"):
        known = ", ".join(FORMATS if folder is None else (name.lstrip(".") for name in FORMATS[1:]))
        what = (
            f"{path.name!r} says no format" if folder is None else f"folder={folder!r} is no format"
        )
        raise UsageError(f"{what} in which a recording can be saved: {known}")
    write = partial(_module(suffix).write, metadata=metadata)
    # A link is followed, not replaced.
    files: dict[Path, Callable[[Path], Any]] = {path.resolve(): partial(write, tables=tables)}
    if folder is not None:
        files = {path / METADATA: partial(_write_metadata, metadata=metadata)}
        for name, table in tables.items():
            if table.num_rows or name == "events":  # so that a recording of nothing is one, too
                part = path / f"table={name}" / f"part-0{suffix}"
                files[part] = partial(write, tables={name: table})
    try:
        _write_all(files)
        for old in () if folder is None else path.glob("table=*/part-*"):
            if old not in files:
                old.unlink()  # of an earlier recording in the same folder
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(
            f"{path} cannot be written ({why}): choose another place, or make room there"
        ) from None


def load(path: Path) -> tuple[dict[str, pa.Table], dict[str, Any], str | None]:
    """Read a recording: its tables, its metadata, and what is missing at its end.

    Raises:
        UsageError: there is nothing there, or it is no recording.
    """
    import pyarrow as pa

    try:
        return _load_folder(path) if path.is_dir() else _load_file(path, None)
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(f"{path} cannot be read ({why}): is this the right folder?") from None
    except (ValueError, KeyError, pa.ArrowException) as error:
        raise UsageError(f"{path} is no recording that this version can read: {error}") from None


def _module(suffix: str) -> ModuleType:
    """What reads and writes this format."""
    from . import csv_file, jsonl_file, mbot_file, mcap_file, parquet_file

    return {
        ".mbot": mbot_file,
        ".parquet": parquet_file,
        ".csv": csv_file,
        ".jsonl": jsonl_file,
        ".mcap": mcap_file,
    }[suffix]


def _load_file(
    path: Path, name: str | None
) -> tuple[dict[str, pa.Table], dict[str, Any], str | None]:
    from ..tables.arrow import conformed

    suffix = path.suffix.lower()
    if suffix in FORMATS[1:]:
        named = path.parent.name.partition("table=")[2] or path.stem
        tables, metadata = _module(suffix).read(path, name or named)
        found = {owner: conformed(owner, table) for owner, table in tables.items()}
        return found, metadata, metadata.get("cut")
    from . import mbot_file

    contents = mbot_file.read(path.read_bytes())
    return contents.tables, contents.full_metadata(), contents.missing_at_end()


def _write_metadata(path: Path, metadata: Mapping[str, Any]) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(metadata)))


def _write_all(files: Mapping[Path, Callable[[Path], Any]]) -> None:
    """Call each with the path to write to, all of them beside their places first: what goes wrong,
    or is cancelled, leaves what was there as it was."""
    made: list[Path] = []
    """Folders that were not there."""
    beside: dict[Path, Path] = {}
    try:
        for place, write in files.items():
            if not place.parent.exists():
                place.parent.mkdir(parents=True)
                made.append(place.parent)
            # Whoever reads this folder meanwhile knows no format of this name.
            beside[place] = place.with_name(f".{place.name}.part")
            write(beside[place])
        for place, written in beside.items():
            written.replace(place)
    except BaseException:
        for written in beside.values():
            written.unlink(missing_ok=True)
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()  # unless somebody else has put something there
        raise


def _load_folder(path: Path) -> tuple[dict[str, pa.Table], dict[str, Any], str | None]:
    import pyarrow as pa

    from ..tables.arrow import empty

    found: dict[str, list[pa.Table]] = {}
    metadata: dict[str, Any] = {}
    cut: str | None = None
    for name in SCHEMA:
        for file in sorted([*path.glob(f"table={name}/*"), *path.glob(f"{name}.*")]):
            if file.suffix in FORMATS[1:]:
                tables, metadata, cut = _load_file(file, name)
                found.setdefault(name, []).append(tables.get(name, empty(SCHEMA[name])))
    if not found:
        raise ValueError(
            "this folder has no tables: neither `table=events/...` nor `events.parquet` or the like"
        )
    return {name: pa.concat_tables(parts) for name, parts in found.items()}, metadata, cut
