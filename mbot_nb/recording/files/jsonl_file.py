"""Recordings as JSON Lines: first the metadata, then a JSON object for each row, which says in
`table` whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from ...jupyter.progress_bar import track
from ..tables.schema import SCHEMA
from .json_rows import decoder, rows_of, table_of

__all__ = ["read", "write", "write_table"]

_METADATA = "metadata"


def write(path: Path, tables: Mapping[str, pa.Table], metadata: Mapping[str, Any]) -> None:
    """One file of all tables."""
    offset = float(metadata["clocks"]["wall_offset_s"])
    with path.open("wb") as file:
        file.write(msgspec.json.encode({"table": _METADATA, _METADATA: metadata}) + b"\n")
        rows = (
            row
            for name, table in tables.items()
            for row in rows_of(name, table, offset, {"table": name})
        )
        for row in track(
            rows, sum(table.num_rows for table in tables.values()), "writing JSON Lines"
        ):
            file.write(row)
            file.write(b"\n")


def write_table(path: Path, name: str, table: pa.Table, metadata: Mapping[str, Any]) -> None:
    """One table."""
    write(path, {name: table}, metadata)


def read(path: Path, name: str | None) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """The tables of a file.

    Raises:
        ValueError: it is no file of ours.
    """
    read_row = decoder(*SCHEMA).decode
    found: dict[str, list[Any]] = {table: [] for table in SCHEMA}
    with path.open("rb") as file:
        try:
            metadata: dict[str, Any] = msgspec.json.decode(file.readline())[_METADATA]
            for line in track(file, path.stat().st_size, "reading JSON Lines", len):
                row = read_row(line)
                found[type(row).__name__].append(row)
        except (msgspec.DecodeError, TypeError, KeyError) as error:
            raise ValueError(f"a line is no row of a recording ({error})") from None
    return {table: table_of(table, rows) for table, rows in found.items() if rows}, metadata
