"""The stages of a command add up to its round trip."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import mbot_nb as mb
from mbot_nb import plots
from mbot_nb.lab import LoadRun
from tests.helpers.pictures import labels, texts


def test_the_stages_add_up(load_run: Callable[..., LoadRun]) -> None:
    ax = plots.stages(load_run("one"), load_run("two", scale=2))
    widths = [patch.get_width() for patch in ax.patches]  # type: ignore[attr-defined]
    assert sum(widths[:6]) == pytest.approx(48)
    assert sum(widths[6:]) == pytest.approx(96)
    assert "waits in the batch" in labels(ax)
    assert "n = 180, 180" in texts(ax)
    assert "96 ms" in texts(ax)
    with pytest.raises(mb.UsageError, match=r"lab\.load"):
        plots.stages()
