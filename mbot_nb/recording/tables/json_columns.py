"""JSON text in a column, decoded into columns of its own."""

from __future__ import annotations

from typing import Any

import msgspec
import pandas as pd

__all__ = ["expand_json"]

_decoder = msgspec.json.Decoder()


def expand_json(frame: pd.DataFrame, column: str, prefix: str) -> pd.DataFrame:
    """The DataFrame with this column replaced: a JSON object becomes a column for each of its
    fields, named ``prefix.field``, objects within it likewise; anything else becomes the column
    ``prefix``. Where a row has none of it there is a gap.
    """
    rows: list[dict[str, Any]] = []
    for text in frame[column].tolist():
        rows.append({})
        if isinstance(text, str):
            _flatten(prefix, _decoder.decode(text), rows[-1])
    columns: dict[str, Any] = {}
    for name in frame.columns:
        if name != column:
            columns[name] = frame[name]
            continue
        for field in dict.fromkeys(field for row in rows for field in row):
            values = pd.Series([row.get(field) for row in rows], index=frame.index)
            columns[field] = values.infer_objects()
    return pd.DataFrame(columns)


def _flatten(name: str, value: Any, row: dict[str, Any]) -> None:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            _flatten(f"{name}.{key}", item, row)
    else:
        row[name] = value
