"""What a recording was at any of its moments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mbot_nb as mb
from mbot_nb.recording.replay.timeline import Timeline
from tests.helpers.recordings import BEGIN, made

GONE = object()


def test_a_field_has_its_last_value() -> None:
    timeline = Timeline(
        made(states=[(0, "pose.x", 1), (0, "pose.y", 2), (1, "pose.x", 3), (2, "mode", "calm")])
    )
    assert timeline.duration == 2
    assert timeline.begin == BEGIN
    assert timeline.state(0) == timeline.state(0.99) == {"pose": {"x": 1, "y": 2}}
    assert timeline.state(1) == {"pose": {"x": 3, "y": 2}}
    assert timeline.state(2) == {"pose": {"x": 3, "y": 2}, "mode": "calm"}
    assert timeline.state(0.5) == {"pose": {"x": 1, "y": 2}}, "and it can be looked at backwards"


def test_a_section_told_as_a_whole_replaces_its_fields() -> None:
    timeline = Timeline(
        made(
            states=[(0, "led.r", 1), (1, "led", {"g": 2}), (2, "led.b", 3), (3, "led", None)],
            gone=GONE,
        ),
    )
    assert [timeline.state(at) for at in range(4)] == [
        {"led": {"r": 1}},
        {"led": {"g": 2}},
        {"led": {"g": 2, "b": 3}},
        {"led": None},
    ]


def test_what_went_away_is_not_there() -> None:
    timeline = Timeline(
        made(
            states=[
                (0, "game.score", 1),
                (0, "arena", {}),
                (1, "game.score", GONE),
                (1, "arena", GONE),
            ],
            gone=GONE,
        )
    )
    assert timeline.state(0) == {"game": {"score": 1}, "arena": {}}
    assert timeline.state(1) == {}


def test_the_first_state_holds_from_the_beginning() -> None:
    timeline = Timeline(
        made(
            [(0, "hello", {})], [(0.2, "mode", "calm"), (0.2, "pose.x", 1), (0.4, "mode", "alert")]
        )
    )
    assert timeline.state(0) == {"mode": "calm", "pose": {"x": 1}}
    assert timeline.state(0.4)["mode"] == "alert"


def test_rows_that_stand_out_of_order_are_put_in_order() -> None:
    timeline = Timeline(
        made([(2, "b", 2), (1, "a", 1), (2, "c", 3)], [(1, "x", "new"), (0, "x", "old")])
    )
    assert [timeline.event(index) for index in range(3)] == [(1, "a", 1), (2, "b", 2), (2, "c", 3)]
    assert timeline.state(0.5) == {"x": "old"}


def test_events_are_found_by_their_time() -> None:
    timeline = Timeline(made([(0, "a", 1), (1, "b", None), (1, "c", [1]), (3, "d", {"x": 1})]))
    assert len(timeline) == 4
    assert [timeline.first_event(at) for at in (0, 0.5, 1, 2, 3, 4)] == [0, 1, 1, 3, 3, 4]
    assert [timeline.events_until(at) for at in (0, 0.5, 1, 2, 3)] == [1, 1, 3, 3, 4]


def test_telemetry_is_the_last_that_had_come() -> None:
    timeline = Timeline(
        made([(0, "a", {}), (1, "telemetry", {"x": 1}), (2, "telemetry", {"x": 2}), (3, "b", {})])
    )
    assert [timeline.telemetry(at) for at in (0, 1, 1.5, 2, 3)] == [
        {"x": 1},
        {"x": 1},
        {"x": 1},
        {"x": 2},
        {"x": 2},
    ]
    assert Timeline(made([(0, "a", {})])).telemetry(0) == {}


def test_answers_and_earlier_replays_are_left_out() -> None:
    timeline = Timeline(
        made(
            [(0, "command_result", {"ok": True}), (1, "replay_changed", {}), (2, "a", {})],
            [(0, "replay.speed", 2), (0, "x", 1)],
        )
    )
    assert [timeline.event(index).name for index in range(len(timeline))] == ["a"]
    assert timeline.state(9) == {"x": 1}


def test_a_recording_of_nothing_cannot_be_replayed() -> None:
    with pytest.raises(mb.UsageError, match=r"run\.mbot has no states and no events"):
        Timeline(made(), "run.mbot")


@given(
    st.lists(
        st.tuples(
            st.integers(0, 20),
            st.sampled_from(["s.x", "s.y", "t.x"]),
            st.integers(0, 3) | st.just(GONE),
        ),
        min_size=1,
    ),
    st.floats(0, 20),
)
def test_it_is_what_applying_the_rows_one_by_one_gives(
    rows: list[tuple[int, str, Any]], position: float
) -> None:
    rows = sorted(rows, key=lambda row: row[0])
    timeline = Timeline(made(states=rows, gone=GONE))
    begin = rows[0][0]
    reached = max(begin + position, float(begin))
    expected: dict[str, Any] = {}
    for at, field, value in rows:
        if at > reached:
            break
        section, _, key = field.partition(".")
        if value is GONE:
            expected.get(section, {}).pop(key, None)
        else:
            expected.setdefault(section, {})[key] = value
    assert timeline.state(position) == {
        section: inside for section, inside in expected.items() if inside
    }


def test_a_million_rows_are_looked_at_quickly() -> None:
    """What one look costs does not depend on how much lies before it: no row is gone through."""
    import pandas as pd

    count = 1_000_000
    fields = np.array([f"s.{number}" for number in range(40)])[np.arange(count) % 40]
    states = pd.DataFrame(
        {
            "time_s": np.arange(count) / 1e3,
            "field": pd.array(fields, dtype="str"),
            "value": pd.array(["1"] * count, dtype="str"),
        }
    )
    timeline = Timeline(made([(0, "a", {})])._replace(states=states))
    assert len(timeline.state(0)) == 1
    assert len(timeline.state(999.0)["s"]) == 40
    calls = 0
    original = Timeline._state_after

    def counted(self: Timeline, rows: int) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        return original(self, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Timeline, "_state_after", counted)
        for position in (999.0, 999.0, 12.0, 12.0):
            timeline.state(position)
    assert calls == 1, "and not made anew while nothing changes"
