"""A folder of recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.dataset_folders import events, shelve, trips


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two recordings of robot `a` and one of `b`, one of them without round trips."""
    folder = tmp_path / "recordings"
    started = {"started": "2026-11-25T20:00:00.500+00:00"}
    shelve(
        folder / "monday",
        {"events": events(10), "latency": trips([1.0, 2.0, 3.0])},
        robot={"robotId": "a"},
        side="client",
        seconds=1.5,
        clocks=started,
    )
    shelve(
        folder / "class 7" / "first",
        {"events": events(5), "latency": trips([10.0])},
        robot={"robotId": "a"},
    )
    shelve(
        folder / "class 7" / "second",
        {"events": events(3)},
        robot={"robotId": "b"},
        cut="the last second is missing",
    )
    return folder
