"""The numbers of a run, for people and for programs."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from mbot_nb.recording.summary import MIME_TYPE, RunSummary, distance_driven

SUMMARY = RunSummary(
    seconds=12.5,
    distance_cm=170.4,
    events=90,
    commands=22,
    frames=13,
    round_trips=164,
    held_up=1,
    latency_p50_ms=0.39,
    latency_p99_ms=3.21,
    stalls=1,
    longest_stall_ms=512.3,
    reconnects=2,
)


def test_people_and_programs_are_told_the_same() -> None:
    bundle = SUMMARY._repr_mimebundle_()
    text, html = bundle["text/plain"], bundle["text/html"]
    for words in (
        "12.5 s",
        "170.4 cm",
        "22 in 13 frames, 1.7 a frame",
        "p50 0.39 ms, p99 3.21 ms",
        "without 1 held up",
        "once",
        "512 ms",
    ):
        assert words in text
        assert words in html
    carried = json.loads(json.dumps(bundle[MIME_TYPE]))
    assert RunSummary.from_dict(carried) == SUMMARY


def test_what_could_not_be_measured_is_said() -> None:
    empty = RunSummary(
        **{
            **SUMMARY.to_dict(),
            "distance_cm": None,
            "latency_p50_ms": None,
            "commands": 0,
            "frames": 0,
        }
    )
    assert "not told" in str(empty)
    assert "not measured" in str(empty)
    assert empty.commands_per_frame == 0
    assert RunSummary.from_dict(json.loads(json.dumps(empty.to_dict()))) == empty


@pytest.mark.parametrize(
    ("driven", "expected"),
    [
        ([], None),
        ([5.0], 0.0),
        ([5.0, 7.5, 7.5, 10.0], 5.0),
        ([5.0, 8.0, 0.0, 2.0], 5.0),  # a robot that began anew
        ([5.0, None, 6.0], 1.0),
    ],
)
def test_the_distance_is_what_the_robot_s_counter_went_on(
    driven: list[float | None], expected: float | None
) -> None:
    rows: list[dict[str, Any]] = [
        {"name": "telemetry", "data": json.dumps({} if d is None else {"driven": d})}
        for d in driven
    ]
    rows.append({"name": "other", "data": json.dumps([1, 2])})
    recorder: Any = SimpleNamespace(events=pd.DataFrame(rows))
    assert distance_driven(recorder) == expected
