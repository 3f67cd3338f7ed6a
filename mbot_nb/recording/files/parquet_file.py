"""Recordings as Parquet: one file in the long form, or a file for each table. The metadata are in
each file's schema, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ..tables.schema import METADATA_KEY
from .long_form import apart, laid_out

__all__ = ["read", "write"]


def write(path: Path, tables: Mapping[str, pa.Table], metadata: Mapping[str, Any]) -> None:
    """One table as it is, or several in the long form, with row groups of its own for each."""
    schema, parts = laid_out(tables, metadata)
    schema = schema.with_metadata({METADATA_KEY: msgspec.json.encode(metadata)})
    with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as writer:
        for part in parts:
            writer.write_table(part.replace_schema_metadata(schema.metadata))


def read(path: Path, name: str | None) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """The tables of a file: that of this name, or those of the long form.

    Raises:
        ValueError: it is no file of ours.
    """
    with pq.ParquetFile(path) as file:
        table = file.read()
        found = (file.schema_arrow.metadata or {}).get(METADATA_KEY)
    return apart(table, name), {} if found is None else msgspec.json.decode(found)
