"""Rows as JSON objects and back, for JSON Lines and MCAP. Columns of JSON text stand in them as
what they are, not as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
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
        columns: list[tuple[str, list[Any]]] = []
        for field, values in zip(part.schema, part.columns, strict=True):
            plain = values.to_pylist()
            if field.name in JSON:
                plain = [None if text is None else Raw(text.encode()) for text in plain]
            columns.append((field.name, plain))
        names = [column for column, _ in columns]
        for row in zip(*[values for _, values in columns], strict=True):
            yield _encode(
                {
                    **first,
                    **{
                        column: value
                        for column, value in zip(names, row, strict=True)
                        if value is not None
                    },
                }
            )


@cache
def _struct(name: str) -> Any:
    fields: list[Any] = []
    for column in SCHEMA[name]:
        if column.name in JSON:
            fields.append((column.name, Raw | UnsetType, UNSET))
        elif column.kind == "whole":
            fields.append((column.name, int))
        elif column.kind != "wall":
            fields.append((column.name, _PYTHON[column.kind], None))
    return msgspec.defstruct(name, fields, kw_only=True, tag_field="table", tag=name, gc=False)


@cache
def decoder(*names: str) -> Any:
    """Reads a row of one of these tables; of one alone it need not say which."""
    if len(names) == 1:
        fields = [
            (field.name, field.type, field.default)
            if not field.required
            else (field.name, field.type)
            for field in msgspec.structs.fields(_struct(names[0]))
        ]
        return msgspec.json.Decoder(msgspec.defstruct(names[0], fields, kw_only=True, gc=False))
    together: Any = _struct(names[0])
    for name in names[1:]:
        together = together | _struct(name)
    return msgspec.json.Decoder(together)


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
