"""Recordings as CSV: one file in the long form, or a file for each table. The first line is
`# mbot_nb` and the metadata as JSON.

Texts stand in quotes and numbers do not, so that an empty text and a gap are two things.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.csv

from ..tables.arrow import with_wall
from .long_form import apart, long_schema, together

__all__ = ["read", "write", "write_table"]

_HEAD = b"# mbot_nb "


def write(path: Path, tables: Mapping[str, pa.Table], metadata: Mapping[str, Any]) -> None:
    """One file in the long form."""
    _write(
        path, long_schema(), together(tables, float(metadata["clocks"]["wall_offset_s"])), metadata
    )


def write_table(path: Path, name: str, table: pa.Table, metadata: Mapping[str, Any]) -> None:
    """One table."""
    whole = with_wall(name, table, float(metadata["clocks"]["wall_offset_s"]))
    _write(path, whole.schema, [whole], metadata)


def _write(
    path: Path, schema: pa.Schema, tables: Iterable[pa.Table], metadata: Mapping[str, Any]
) -> None:
    with path.open("wb") as file:
        file.write(_HEAD + msgspec.json.encode(metadata) + b"\n")
        with pyarrow.csv.CSVWriter(file, schema) as writer:
            for table in tables:
                writer.write_table(table)


def read(path: Path, name: str | None) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """The tables of a file: that of this name, or those of the long form.

    Raises:
        ValueError: it is no file of ours.
    """
    with path.open("rb") as file:
        head = file.readline()
        if not head.startswith(_HEAD):
            raise ValueError("its first line is not `# mbot_nb` and metadata")
        types = {field.name: field.type for field in long_schema()}
        table = pyarrow.csv.read_csv(
            file,
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=types,
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=[""],
            ),
        )
    return apart(table, name), msgspec.json.decode(head[len(_HEAD) :])
