"""What is said of two runs beside each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as command
from benchmarks.changes import changes
from benchmarks.figures import Direction


def row(
    *ours: float, theirs: tuple[float, ...] | None = None, ratio: tuple[float, ...] | None = None
) -> dict[str, Any]:
    def spread(values: tuple[float, ...] | None) -> list[float] | None:
        return None if values is None else [min(values), max(values)]

    return {
        "ours": sorted(ours)[len(ours) // 2],
        "ours_spread": spread(ours),
        "theirs_spread": spread(theirs),
        "ratio_spread": spread(ratio),
        "rounds": len(ours),
        "unit": "ms",
    }


@pytest.mark.parametrize(
    ("better", "old", "new", "verdict"),
    [
        ("less", row(1, 2, 3), row(3, 4, 5), ""),
        ("less", row(1, 2, 3), row(3.1, 4, 5), "worse"),
        ("less", row(3.1, 4, 5), row(1, 2, 3), "better"),
        ("more", row(1, 2, 3), row(3.1, 4, 5), "better"),
        ("more", row(3.1, 4, 5), row(1, 2, 3), "worse"),
        ("less", row(1), row(2, 3, 4), "unknown: one round"),
        ("less", row(1), row(1), ""),
        ("less", {"failed": "RuntimeError: x"}, row(1, 2), "failed before"),
        ("less", row(1, 2), {"failed": "RuntimeError: x"}, "failed"),
        ("nearer", row(1, 2, ratio=(1.01, 1.02)), row(1, 2, ratio=(0.95, 0.97)), "worse"),
        ("nearer", row(1, 2, ratio=(1.01, 1.02)), row(1, 2, ratio=(0.95, 1.01)), ""),
        ("nearer", row(1, 2, ratio=(1.02, 1.03)), row(1, 2, ratio=(0.99, 1.01)), "better"),
    ],
)
def test_a_figure_is_worse_when_every_round_is_worse_than_every_round_before(
    better: Direction, old: dict[str, Any], new: dict[str, Any], verdict: str
) -> None:
    (change,) = changes({"a": old}, {"a": new}, {"a": better, "never measured": "less"})
    assert change.verdict == verdict
    assert change.worse is (verdict in ("worse", "failed"))


def test_a_machine_that_has_slowed_down_is_seen_by_the_other_side() -> None:
    old, new = row(1, 2, theirs=(10, 11)), row(3, 4, theirs=(12, 13))
    (change,) = changes({"a": old}, {"a": new}, {"a": "less"})
    assert (change.verdict, change.theirs_too) == ("worse", True)


def test_two_files_are_compared_and_nothing_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, again, new = (tmp_path / f"{name}.json" for name in ("old", "again", "new"))
    for path, rows in (
        (old, {"sim_step": row(200, 201), "sync_call": row(1, 2), "fan_out": row(5, 6)}),
        (again, {"fan_out": row(1, 2)}),
        (new, {"sim_step": row(100, 101), "sync_call": row(2, 3), "fan_out": row(2, 3)}),
    ):
        figures = [{"name": name, **values} for name, values in rows.items()]
        path.write_text(json.dumps({"figures": figures}), encoding="utf-8")
    arguments = ["--results", str(new), "--against", str(old), "--against", str(again)]
    assert command.main(arguments) == 1
    said = capsys.readouterr().out
    assert "-49.8 %" in said
    assert "worse beyond its spread, or failed: sim_step\n" in said
    assert command.main(["sync_call", "fan_out", *arguments]) == 0
    assert "no figure is worse" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        command.main(["--against", str(tmp_path / "none.json")])
    assert "cannot be read" in capsys.readouterr().err
