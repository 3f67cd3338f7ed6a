"""Recordings as JSON Lines: first the metadata, then a JSON object for each row, which says in
`table` whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from ...jupyter.progress_bar import track
from ..tables.arrow import wall_offset
from ..tables.schema import SCHEMA
from .json_rows import decoder, rows_of, table_of

__all__ = ["read", "write"]

_METADATA = "metadata"


def write(path: Path, tables: Mapping[str, pa.Table], metadata: Mapping[str, Any]) -> None:
    """One file of these tables."""
    offset = wall_offset(metadata)
    with path.open("wb") as file:
        file.write(msgspec.json.encode({"table": _METADATA, _METADATA: metadata}) + b"\n")
        rows = (
            row + b"\n"
            for name, table in tables.items()
            for row in rows_of(name, table, offset, {"table": name})
        )
        file.writelines(track(rows, sum(map(len, tables.values())), "writing JSON Lines"))


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
