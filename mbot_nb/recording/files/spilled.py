"""A recorder's rows, from its file, from what is on the way there and from memory, as whole
tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ..tables.arrow import Part, arrow_schema, batch, in_order
from ..tables.columns import Chunk
from ..tables.schema import SCHEMA

if TYPE_CHECKING:
    from ..tables.command_table import CommandTable
    from ..tables.table import Table
    from .writer import Writer

__all__ = ["with_spilled"]

Packed = tuple[Chunk, list[tuple[str, ...] | None]]
"""Rows, and what the labels in them mean."""


def with_spilled(
    tables: Mapping[str, Table | CommandTable], writer: Writer
) -> tuple[dict[str, pa.Table], int]:
    """All rows there are, in order; and how many are missing, because they left memory and could
    not be written."""
    # In this order, which is the way that rows go, also while they are looked for: what moves on in
    # between is found twice, and not never. Of each number the row that was found first counts; in
    # memory it is the latest.
    here = {name: table.packed() for name, table in tables.items()}
    left = any(table.dropped for table in tables.values())
    if left:
        writer.sync()
    waiting = writer.waiting()
    contents = writer.read() if left else None
    whole: dict[str, pa.Table] = {}
    missing = 0
    for name, table in tables.items():
        parts = [
            _part(name, here[name]),
            _part(name, [(chunk, table.labels()) for chunk in waiting.get(name, [])]),
        ]
        if contents is not None and name in contents.tables:
            parts.append((contents.numbers[name], contents.tables[name]))
        numbers, whole[name] = in_order(parts, table.cleared)
        if len(numbers):
            missing += int(numbers[-1]) + 1 - table.cleared - len(numbers)
    return whole, missing


def _part(name: str, packed: Sequence[Packed]) -> Part:
    columns = SCHEMA[name]
    numbers = [np.arange(chunk.first, chunk.end) for chunk, _ in packed]
    batches = [batch(columns, chunk, labels) for chunk, labels in packed]
    rows = pa.Table.from_batches(batches, schema=arrow_schema(columns))
    return np.concatenate([np.empty(0, "i8"), *numbers]), rows
