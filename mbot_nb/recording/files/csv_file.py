"""Recordings as CSV: one file in the long form, or a file for each table. The first line is
`# mbot_nb` and the metadata as JSON.

Texts stand in quotes and numbers do not, so that an empty text and a gap are two things.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.csv

from .long_form import apart, laid_out, long_schema

__all__ = ["read", "write"]

_HEAD = b"# mbot_nb "


def write(path: Path, tables: Mapping[str, pa.Table], metadata: Mapping[str, Any]) -> None:
    """One table as it is, or several in the long form."""
    schema, parts = laid_out(tables, metadata)
    with path.open("wb") as file:
        file.write(_HEAD + msgspec.json.encode(metadata) + b"\n")
        with pyarrow.csv.CSVWriter(file, schema) as writer:
            for part in parts:
                writer.write_table(part)


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
