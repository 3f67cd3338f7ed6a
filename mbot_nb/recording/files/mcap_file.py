"""Recordings as MCAP, the log format of robotics: a topic for each table, a JSON message for each
row, for Foxglove and others.

Log times are Unix nanoseconds of `wall`; a message's sequence is the number of its row. Nothing is
compressed, so that readers need nothing beside themselves.
"""

from __future__ import annotations

import heapq
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from ...jupyter.progress_bar import track
from ...version import __version__
from ..tables.arrow import micros, wall_at, wall_offset
from ..tables.schema import SCHEMA
from .json_rows import decoder, json_schema, rows_of, table_of

__all__ = ["read", "write"]

_METADATA = "mbot_nb"


def write(path: Path, tables: Mapping[str, pa.Table], metadata: Mapping[str, Any]) -> None:
    """One file of these tables, in the order of time."""
    from mcap.writer import CompressionType, Writer

    offset = wall_offset(metadata)
    with path.open("wb") as file:
        writer = Writer(file, compression=CompressionType.NONE)
        writer.start(profile="", library=f"mbot_nb {__version__}")
        writer.add_metadata(_METADATA, {"metadata": msgspec.json.encode(metadata).decode()})
        channels = {}
        for name in tables:
            schema = writer.register_schema(
                f"mbot_nb.{name}", "jsonschema", msgspec.json.encode(json_schema(name))
            )
            channels[name] = writer.register_channel(f"/{name}", "json", schema)
        messages = heapq.merge(*[_messages(name, table, offset) for name, table in tables.items()])
        total = sum(map(len, tables.values()))
        for time, name, number, row in track(messages, total, "writing MCAP"):
            writer.add_message(channels[name], time, row, time, number)
        writer.finish()  # type: ignore[no-untyped-call]


def read(path: Path, name: str | None) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """The tables of a file.

    Raises:
        ValueError: it is no file of ours.
    """
    from mcap.exceptions import McapError
    from mcap.reader import make_reader

    found: dict[str, list[tuple[int, Any]]] = {}
    with path.open("rb") as file:
        try:
            reader = make_reader(file)
            described = [
                record.metadata["metadata"]
                for record in reader.iter_metadata()
                if record.name == _METADATA
            ]
            if not described:
                raise ValueError("it is an MCAP file without metadata of mbot_nb")
            counted = getattr(reader.get_summary(), "statistics", None)
            total = 0 if counted is None else counted.message_count
            for _, channel, message in track(reader.iter_messages(), total, "reading MCAP"):
                table = channel.topic.removeprefix("/")
                if table in SCHEMA:
                    found.setdefault(table, []).append(
                        (message.sequence, decoder(table).decode(message.data))
                    )
        except (McapError, msgspec.DecodeError, struct.error) as error:
            raise ValueError(f"it is no MCAP file of a recording ({error})") from None
    tables = {}
    for table, rows in found.items():
        rows.sort(key=lambda numbered: numbered[0])
        tables[table] = table_of(table, [row for _, row in rows])
    return tables, msgspec.json.decode(described[-1])


def _messages(name: str, table: pa.Table, offset: float) -> Iterator[tuple[int, str, int, bytes]]:
    """Its rows in the order of time: log time, table, number, row."""
    times = micros(table.column(wall_at(name) - 1).to_numpy(), offset)
    order = np.argsort(times, kind="stable")
    rows = rows_of(name, table.take(pa.array(order)), offset)
    for number, row in zip(order.tolist(), rows, strict=True):
        yield int(times[number]) * 1000, name, number, row
