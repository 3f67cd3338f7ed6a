"""All tables of a recording in one, and apart again."""

from __future__ import annotations

import pyarrow as pa
import pytest

from mbot_nb.recording.files.long_form import apart, laid_out, long_schema
from mbot_nb.recording.tables.arrow import arrow_schema
from mbot_nb.recording.tables.schema import SCHEMA

METADATA = {"clocks": {"wall_offset_s": 0.0}}


@pytest.fixture
def tables() -> dict[str, pa.Table]:
    def one(whose: str, /, **values: list[object]) -> pa.Table:
        schema = arrow_schema(SCHEMA[whose])
        count = len(next(iter(values.values())))
        return pa.table(
            {field.name: values.get(field.name, [None] * count) for field in schema}, schema=schema
        )

    return {
        "events": one("events", time_s=[1.0, 2.0], name=["a", "b"], data=["1", None]),
        "latency": one("latency", sent_s=[1.0], received_s=[1.5], id=[7], rtt_ms=[500.0]),
        "batches": arrow_schema(SCHEMA["batches"]).empty_table(),
    }


def test_each_row_says_whose_it_is_and_has_gaps_elsewhere(tables: dict[str, pa.Table]) -> None:
    schema, parts = laid_out(tables, METADATA)
    long = pa.concat_tables(parts)
    assert long.schema == schema == long_schema()
    assert long.column("table").to_pylist() == ["events", "events", "latency"]
    assert long.column("rtt_ms").to_pylist() == [None, None, 500.0]
    assert long.column("name").to_pylist() == ["a", "b", None]


def test_apart_again_they_are_as_they_were(tables: dict[str, pa.Table]) -> None:
    _, parts = laid_out(tables, METADATA)
    found = apart(pa.concat_tables(parts), None)
    assert set(found) == set(SCHEMA)
    for name, table in tables.items():
        assert found[name].to_pydict() == table.to_pydict(), name


def test_a_file_of_one_table_is_known_by_its_name(tables: dict[str, pa.Table]) -> None:
    schema, (alone,) = laid_out({"events": tables["events"]}, METADATA)
    assert "table" not in schema.names
    assert alone.select(tables["events"].column_names).to_pydict() == tables["events"].to_pydict()
    assert apart(tables["events"], "events") == {"events": tables["events"]}
    for name in ("holiday", None):
        with pytest.raises(ValueError, match="no column `table`"):
            apart(tables["events"], name)
