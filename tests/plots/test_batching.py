"""Batches: every frame is drawn, with the reason why it left."""

from __future__ import annotations

import numpy as np

import mbot_nb as mb
from mbot_nb import plots
from tests.helpers.pictures import labels, texts


async def test_batches_draws_every_frame_and_why_it_left(rec: mb.Recorder) -> None:
    ax = plots.batches(rec)
    batches = rec.batches
    heights = np.concatenate(
        [np.asarray(line.get_ydata()) for line in ax.lines if line.get_linestyle() == "None"]
    )
    assert sorted(heights) == sorted(batches.messages)
    legend = " ".join(labels(ax))
    assert "it was full (1)" in legend
    assert "urgent: a stop (1)" in legend
    assert f"n = {batches.messages.sum()} commands in {len(batches)} frames" in texts(ax)


async def test_every_reason_has_a_sign_of_its_own() -> None:
    """Readable without colour, and none that could come is missing."""
    from typing import get_args

    from mbot_nb.plots.batching import _REASONS
    from mbot_nb.protocol.batching import FlushReason

    assert set(_REASONS) == set(get_args(FlushReason))
    assert len({marker for marker, _, _ in _REASONS.values()}) == len(_REASONS)
