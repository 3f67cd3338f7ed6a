"""What recording costs: both sides keep the same rows, and a sample that lost some is none."""

from __future__ import annotations

import pytest

from benchmarks import ours, recorder


@pytest.mark.parametrize("side", [recorder._record, recorder._collect])
async def test_each_side_is_measured(side: recorder.Side) -> None:
    assert 0 < await recorder._append(side, 1000) < 1e6
    assert 50 < await recorder._memory(side, 1000) < 10_000


async def test_a_side_that_loses_rows_is_found_out() -> None:
    with pytest.raises(RuntimeError, match="worth nothing"):
        recorder._check(([{}] * 9, [{}] * 10), 10)


async def test_frames_are_the_rows_that_were_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "_ROWS", 2000)
    assert await recorder._frame() > 0
    assert await recorder._frame_of_dicts() > 0


async def test_recording_is_on_while_its_overhead_is_measured() -> None:
    assert await ours.send_rate(10, 1000, 100, recorded=True) > 0
