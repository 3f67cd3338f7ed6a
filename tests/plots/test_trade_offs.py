"""What batching costs and gains: the closed form is drawn over the measured points."""

from __future__ import annotations

import pandas as pd
import pytest

from mbot_nb import plots
from mbot_nb.protocol.batching import mean_wait
from tests.helpers.pictures import texts, xs, ys


def test_the_closed_form_is_drawn_over_the_points(sweep_table: pd.DataFrame) -> None:
    table = sweep_table[(sweep_table.network == "lan") & (sweep_table.batch_window == 0.1)]
    ax = plots.waits(table, x="rate")
    (curve,) = (line for line in ax.lines if len(xs(line)) > 100)
    for rate, wait in zip(xs(curve), ys(curve), strict=True):
        assert wait == pytest.approx(mean_wait(rate, 0.1, 10) * 1e3)
    assert "off by 2.0% in the median, 2.0% at most" in texts(ax)
    adaptive = table.copy()
    adaptive.attrs = {
        **table.attrs,
        "parameters": {**table.attrs["parameters"], "policy": "adaptive"},
    }
    assert not [line for line in plots.waits(adaptive, x="rate").lines if len(xs(line)) > 100]
