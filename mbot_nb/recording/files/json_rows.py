"""Rows as JSON objects and back, for JSON Lines and MCAP. Columns of JSON text stand in them as
what they are, not as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, reduce
from operator import or_
from types import MappingProxyType
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import UNSET, Raw, UnsetType

from ..tables.arrow import arrow_schema, with_wall
from ..tables.schema import JSON, SCHEMA

__all__ = ["decoder", "json_schema", "rows_of", "table_of"]

_AT_ONCE = 8192
_PYTHON: dict[str, Any] = {
    "number": float | None,
    "whole": int,
    "maybe whole": int | None,
    "text": str | None,
    "label": str | None,
    "maybe flag": bool | None,
}
_JSON_TYPES = {
    "number": "number",
    "whole": "integer",
    "maybe whole": "integer",
    "maybe flag": "boolean",
    "wall": "string",
}

_encode = msgspec.json.Encoder().encode


def rows_of(
    name: str, table: pa.Table, wall_offset: float, first: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[bytes]:
    """Each row as a JSON object, without its gaps; ``first`` stands before its columns."""
    for part in with_wall(name, table, wall_offset).to_batches(max_chunksize=_AT_ONCE):
        columns = {
            column: values.to_pylist()
            for column, values in zip(part.schema.names, part.columns, strict=True)
        }
        for column in JSON.keys() & columns.keys():
            texts = columns[column]
            columns[column] = [None if text is None else Raw(text.encode()) for text in texts]
        for row in zip(*columns.values(), strict=True):
            known = zip(columns, row, strict=True)
            yield _encode(
                {**first, **{column: value for column, value in known if value is not None}}
            )


@cache
def _struct(name: str, *, tagged: bool) -> Any:
    fields: list[Any] = []
    for column in SCHEMA[name]:
        if column.name in JSON:
            fields.append((column.name, Raw | UnsetType, UNSET))
        elif column.kind == "whole":
            fields.append((column.name, int))
        elif column.kind != "wall":
            fields.append((column.name, _PYTHON[column.kind], None))
    tag_field, tag = ("table", name) if tagged else (None, None)
    return msgspec.defstruct(name, fields, kw_only=True, tag_field=tag_field, tag=tag, gc=False)


@cache
def decoder(*names: str) -> Any:
    """Reads a row of one of these tables; of one alone it need not say which."""
    structs = [_struct(name, tagged=len(names) > 1) for name in names]
    return msgspec.json.Decoder(reduce(or_, structs))


def table_of(name: str, rows: list[Any]) -> pa.Table:
    """The table out of rows as a decoder gives them."""
    schema = arrow_schema(SCHEMA[name])
    arrays = []
    for field in schema:
        values = [getattr(row, field.name) for row in rows]
        if field.name in JSON:
            values = [None if value is UNSET else bytes(value).decode() for value in values]
        arrays.append(pa.array(values, field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def json_schema(name: str) -> dict[str, Any]:
    """What a row looks like, as JSON Schema."""
    properties: dict[str, Any] = {}
    for column in SCHEMA[name]:
        properties[column.name] = {"description": column.meaning}
        if column.name not in JSON:
            properties[column.name]["type"] = _JSON_TYPES.get(column.kind, "string")
    return {"type": "object", "title": f"mbot_nb.{name}", "properties": properties}
