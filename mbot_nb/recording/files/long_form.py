"""All tables of a recording in one: a row says in `table` whose it is, and has gaps where its table
has no such column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..tables.arrow import arrow_schema, with_wall
from ..tables.schema import SCHEMA

__all__ = ["apart", "long_schema", "together"]

TABLE = "table"


def long_schema() -> pa.Schema:
    """`table`, then every column that any table has."""
    fields = {TABLE: pa.field(TABLE, pa.large_string())}
    for name in SCHEMA:
        for field in with_wall(name, arrow_schema(SCHEMA[name]).empty_table(), 0.0).schema:
            fields.setdefault(field.name, field)
    return pa.schema(list(fields.values()))


def together(tables: Mapping[str, pa.Table], wall_offset: float) -> Iterator[pa.Table]:
    """The tables one after the other, each in the long form."""
    schema = long_schema()
    for name in SCHEMA:
        table = tables.get(name)
        if table is None or not table.num_rows:
            continue
        own = with_wall(name, table, wall_offset)
        whose = pa.array([name] * len(own), pa.large_string())
        columns: list[Any] = [whose]
        for field in list(schema)[1:]:
            known = field.name in own.column_names
            columns.append(own.column(field.name) if known else pa.nulls(len(own), field.type))
        yield pa.Table.from_arrays(columns, schema=schema)


def apart(long: pa.Table, name: str | None) -> dict[str, pa.Table]:
    """The tables out of the long form; or the one table of this name, if it is not in the long
    form.

    Raises:
        ValueError: it is neither.
    """
    if TABLE not in long.column_names:
        if name not in SCHEMA:
            raise ValueError("it has no column `table`, and its name is no table's")
        return {name: long}
    found = {}
    for name in SCHEMA:
        schema = arrow_schema(SCHEMA[name])
        rows = long.filter(pc.equal(long.column(TABLE), name))
        found[name] = rows.select(
            [field.name for field in schema if field.name in rows.column_names]
        )
    return found
