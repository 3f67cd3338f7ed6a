"""The state as rows: what the rows lead to is the state that was told."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.recording.tables.state_table import StateReport, StateRows, state_from_rows

SECTIONS = st.sampled_from(["pose", "leds", "arena"])
KEYS = st.sampled_from(["x", "y", "mode"])
VALUES = st.none() | st.booleans() | st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=2)
STATES = st.dictionaries(SECTIONS, VALUES | st.dictionaries(KEYS, VALUES, max_size=3), max_size=3)


def rows(made: StateRows, *reports: tuple[bool, dict[str, Any]]) -> list[tuple[str, str | None]]:
    columns = made.columns([StateReport(1.0, whole, told, 3) for whole, told in reports])
    return list(zip(columns[1], columns[2], strict=True))


@given(st.lists(STATES, min_size=1, max_size=4))
def test_the_rows_of_whole_states_lead_to_the_last_one(states: list[dict[str, Any]]) -> None:
    made = StateRows()
    found = [row for state in states for row in rows(made, (True, state))]
    assert state_from_rows(found) == states[-1]


def test_a_row_is_one_field_with_its_time_and_revision() -> None:
    columns = StateRows().columns([StateReport(1.5, True, {"pose": {"x": 1, "y": 2}, "a": 3}, 7)])
    assert list(zip(*columns, strict=True)) == [
        (1.5, "pose.x", "1", 7),
        (1.5, "pose.y", "2", 7),
        (1.5, "a", "3", 7),
    ]
    assert StateRows().columns([]) == [(), (), (), ()]


def test_changes_are_rows_and_what_is_gone_has_no_value() -> None:
    made = StateRows()
    rows(made, (True, {"pose": {"x": 1, "y": 2}, "mode": "rest"}))
    change = {"changes": [{"field": "pose.x", "value": 5}, {"field": "pose.y"}, {"field": "mode"}]}
    assert rows(made, (False, change)) == [("pose.x", "5"), ("pose.y", None), ("mode", None)]
    assert rows(made, (False, {"field": "mode", "value": [1]})) == [("mode", "[1]")]


def test_fields_of_a_section_that_is_replaced_or_gone_are_told_as_gone() -> None:
    made = StateRows()
    rows(made, (True, {"pose": {"x": 1, "y": 2}, "leds": {"a": 1}}))
    assert rows(made, (True, {"pose": {"x": 1}})) == [
        ("leds.a", None),
        ("pose.y", None),
        ("pose.x", "1"),
    ]


def test_an_empty_section_that_gets_a_field_is_not_empty_any_more() -> None:
    made = StateRows()
    found = rows(made, (True, {"pose": {}}), (False, {"field": "pose.x", "value": 1}))
    assert found == [("pose", "{}"), ("pose", None), ("pose.x", "1")]
    assert state_from_rows(found) == {"pose": {"x": 1}}
