"""All tables of a recording in one: a row says in `table` whose it is, and has gaps where its table
has no such column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..tables.arrow import arrow_schema, empty, wall_offset, with_wall
from ..tables.schema import SCHEMA

__all__ = ["apart", "laid_out", "long_schema"]

TABLE = "table"


def long_schema() -> pa.Schema:
    """`table`, then every column that any table has."""
    own = [with_wall(name, empty(columns), 0.0).schema for name, columns in SCHEMA.items()]
    return pa.unify_schemas([pa.schema([(TABLE, pa.large_string())]), *own])


def laid_out(
    tables: Mapping[str, pa.Table], metadata: Mapping[str, Any]
) -> tuple[pa.Schema, Iterator[pa.Table]]:
    """The rows of a file, and their schema: one table as it is, several in the long form."""
    offset = wall_offset(metadata)
    whole = {name: with_wall(name, table, offset) for name, table in tables.items()}
    if len(whole) == 1:
        [alone] = whole.values()
        return alone.schema, iter([alone])
    schema = long_schema()
    return schema, (_long(schema, name, table) for name, table in whole.items() if len(table))


def _long(schema: pa.Schema, name: str, table: pa.Table) -> pa.Table:
    whose = pa.array([name] * len(table), pa.large_string())
    named = table.add_column(0, TABLE, whose)
    return pa.concat_tables([schema.empty_table(), named], promote_options="default")


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
    known = set(long.column_names)
    return {
        name: long.filter(pc.equal(long.column(TABLE), name)).select(
            [column for column in arrow_schema(columns).names if column in known]
        )
        for name, columns in SCHEMA.items()
    }
