"""Plain work that takes long: how far it is, and an end before its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb.jupyter import progress_bar as bars
from mbot_nb.jupyter.progress_bar import ProgressBar, progress_bar, track


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[ProgressBar]:
    """The bars that were shown; everything takes long, and is looked at after each item."""
    made: list[ProgressBar] = []

    def make(*args: Any, **options: Any) -> ProgressBar:
        made.append(progress_bar(*args, **options))
        return made[-1]

    monkeypatch.setattr(bars, "progress_bar", make)
    monkeypatch.setattr(bars, "BAR_AFTER", -1.0)
    monkeypatch.setattr(bars, "CLOCK_EVERY", 1)
    return made


def test_what_is_quick_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track("abc", 3, "counting")) == ["a", "b", "c"]
    assert capsys.readouterr().out == ""


def test_what_takes_long_is_counted_to_its_end(
    shown: list[ProgressBar], capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(track(["a", "bb", "ccc"], 6, "counting", len)) == ["a", "bb", "ccc"]
    assert [(one.done, one.total) for one in shown] == [(6, 6)]
    out = capsys.readouterr().out
    assert "counting" in out
    assert "6/6 in" in out


def test_cancelled_it_says_so(shown: list[ProgressBar], capsys: pytest.CaptureFixture[str]) -> None:
    items = track(range(5), 5, "counting")
    assert [next(items), next(items)] == [0, 1]
    shown[0].cancel()
    with pytest.raises(mb.UsageError, match="counting: you cancelled it"):
        next(items)
    assert "stopped: 2/5 finished; do it again" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["mcap", "jsonl"])
def test_a_cancelled_export_leaves_the_file_before_it(
    suffix: str, shown: list[ProgressBar], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        mb.sync.serve(port=0) as server,
        mb.sync.connect(server) as bot,
        mb.Recorder(bot, ping_rate=0) as rec,
    ):
        for n in range(3):
            server.emit("count", {"n": n})
        bot.ping()
    path = tmp_path / f"run.{suffix}"
    rec.save(path)
    before = path.read_bytes()
    assert shown[-1].done == shown[-1].total
    with monkeypatch.context() as patch:
        patch.setattr(
            ProgressBar,
            "cancelled",
            property(lambda self: True, lambda self, value: None),
            raising=False,
        )
        with pytest.raises(mb.UsageError, match="you cancelled it"):
            rec.save(path)
        with pytest.raises(mb.UsageError, match="you cancelled it"):
            mb.Recording.load(path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert len(mb.Recording.load(path).events) == len(rec.events)
