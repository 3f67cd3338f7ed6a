"""Recordings as Parquet: one file in the long form, or a file for each table. The metadata are in
each file's schema, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ..tables.arrow import with_wall
from .long_form import apart, long_schema, together

__all__ = ["read", "write", "write_table"]

KEY = b"mbot_nb"
"""Under this name a Parquet file carries its recording's metadata."""


def write(path: Path, tables: Mapping[str, pa.Table], metadata: Mapping[str, Any]) -> None:
    """One file in the long form, with row groups of its own for each table."""
    schema = long_schema().with_metadata(_schema_metadata(metadata))
    with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as writer:
        for table in together(tables, _offset(metadata)):
            writer.write_table(table.replace_schema_metadata(_schema_metadata(metadata)))


def write_table(path: Path, name: str, table: pa.Table, metadata: Mapping[str, Any]) -> None:
    """One table."""
    whole = with_wall(name, table, _offset(metadata)).replace_schema_metadata(
        _schema_metadata(metadata)
    )
    pq.write_table(whole, path, compression="zstd", write_page_checksum=True)


def read(path: Path, name: str | None) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """The tables of a file: that of this name, or those of the long form.

    Raises:
        ValueError: it is no file of ours.
    """
    with pq.ParquetFile(path) as file:
        table = file.read()
        found = (file.schema_arrow.metadata or {}).get(KEY)
    return apart(table, name), {} if found is None else msgspec.json.decode(found)


def _schema_metadata(metadata: Mapping[str, Any]) -> dict[bytes, bytes]:
    return {KEY: msgspec.json.encode(metadata)}


def _offset(metadata: Mapping[str, Any]) -> float:
    return float(metadata["clocks"]["wall_offset_s"])
