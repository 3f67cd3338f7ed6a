"""A recorder's rows, from memory and from its file, as whole tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from .arrow import arrow_schema, batch
from .schema import SCHEMA

if TYPE_CHECKING:
    from .commands import CommandTable
    from .tables import Table
    from .writer import Writer

__all__ = ["assembled"]


def assembled(tables: Mapping[str, Table | CommandTable], writer: Writer) -> dict[str, pa.Table]:
    """All rows there are, in order."""
    left = any(table.dropped for table in tables.values())
    if left:
        writer.sync()
    opened = writer.read() if left else None
    whole: dict[str, pa.Table] = {}
    for name, table in tables.items():
        columns, schema = SCHEMA[name], arrow_schema(SCHEMA[name])
        packed = table.packed()
        here = pa.Table.from_batches([batch(columns, chunk, labels) for chunk, labels in packed], schema=schema)
        first = packed[0][0].first if packed else table.total
        earlier = None if opened is None else opened.tables.get(name)
        if opened is not None and earlier is not None:
            here = pa.concat_tables([earlier.filter(pa.array(opened.numbers[name] < first)), here])
        whole[name] = here.combine_chunks()
    return whole
