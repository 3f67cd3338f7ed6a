"""Every column of every table has a name with its unit, a type and an explanation."""

from __future__ import annotations

import json
from itertools import pairwise

import mbot_nb as mb
from mbot_nb.recording.tables.schema import SCHEMA


async def test_frames_are_typed_before_anything_happens(bot: mb.Client) -> None:
    rec = mb.Recorder(bot, ping_rate=0)
    rec.stop()
    for name, columns in SCHEMA.items():
        frame = getattr(rec, name)
        assert list(frame.columns) == [column.name for column in columns]
        if name == "states":
            assert set(frame.revision) == {bot.revision}, "it begins with the state as it was"
        else:
            assert len(frame) == 0
        assert str(frame.dtypes["wall"]) == "datetime64[us, UTC]"
    empty = rec.events.dtypes.astype(str).to_dict()
    assert empty == {
        "time_s": "float64",
        "wall": "datetime64[us, UTC]",
        "name": "str",
        "sequence": "Int64",
        "data": "str",
    }
    summary = rec.summary()
    assert (summary.events, summary.commands, summary.frames) == (0, 0, 0)
    assert summary.distance_cm is None
    assert summary.latency_p50_ms is None
    assert "not measured" in str(summary)


def test_docstrings_name_their_columns() -> None:
    for name, columns in SCHEMA.items():
        words = getattr(mb.Recorder, name).__doc__
        for column in columns:
            assert f"`{column.name}`" in words, f"Recorder.{name} does not tell of {column.name}"


async def test_every_column_is_explained(bot: mb.Client) -> None:
    columns = mb.Recorder(bot, ping_rate=0).columns
    assert set(columns.table) == set(SCHEMA)
    assert columns.meaning.str.len().min() > 5


def test_units_are_in_the_names_and_every_column_is_explained() -> None:
    for name, columns in SCHEMA.items():
        assert len({column.name for column in columns}) == len(columns), name
        for column in columns:
            assert column.meaning, f"{name}.{column.name}"
            if column.kind == "number":
                assert column.name.endswith(("_s", "_ms")), (
                    f"{name}.{column.name} has no unit in its name"
                )
        for before, column in pairwise(columns):
            if column.kind == "wall":
                assert before.name.endswith("_s"), (
                    f"{name}: wall follows the monotonic time that it tells"
                )
    assert json.dumps(SCHEMA)  # plain data: files can carry it
