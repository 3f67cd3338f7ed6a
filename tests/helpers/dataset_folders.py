"""Folders of small recordings, made by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mbot_nb.recording.tables.schema import SCHEMA

WALL = 1_750_000_000.0
_ARROW = {
    "number": pa.float64(),
    "whole": pa.int64(),
    "maybe whole": pa.int64(),
    "maybe flag": pa.bool_(),
}


def rows(table: str, count: int, /, **columns: Sequence[Any]) -> pa.Table:
    """A table of a recording: the columns given, and gaps (or zeros) in the others."""
    made: dict[str, Any] = {}
    for at, column in enumerate(SCHEMA[table]):
        if column.kind == "wall":
            seconds = np.asarray(made[SCHEMA[table][at - 1].name])
            made[column.name] = pa.array(
                ((seconds + WALL) * 1e6).astype("i8"), pa.timestamp("us", tz="UTC")
            )
        elif column.name in columns:
            made[column.name] = pa.array(
                columns[column.name], _ARROW.get(column.kind, pa.large_string())
            )
        elif column.kind in ("number", "whole"):
            made[column.name] = pa.array(np.arange(count), _ARROW[column.kind])
        else:
            made[column.name] = pa.nulls(count, _ARROW.get(column.kind, pa.large_string()))
    return pa.table(made)


def events(count: int, **columns: Sequence[Any]) -> pa.Table:
    """Events called `telemetry`, 0.1 s apart, that carry their number."""
    usual: dict[str, Sequence[Any]] = {
        "time_s": [number / 10 for number in range(count)],
        "name": ["telemetry"] * count,
        "data": [json.dumps({"n": number}) for number in range(count)],
    }
    return rows("events", count, **{**usual, **columns})


def trips(milliseconds: Sequence[float]) -> pa.Table:
    """Round trips that took so long."""
    return rows("latency", len(milliseconds), rtt_ms=milliseconds)


def shelve(folder: Path, tables: Mapping[str, pa.Table], **metadata: Any) -> None:
    """Save a recording, with the metadata that is given."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        told = {b"mbot_nb": json.dumps(metadata).encode()}
        pq.write_table(table.replace_schema_metadata(told), folder / f"{name}.parquet")
