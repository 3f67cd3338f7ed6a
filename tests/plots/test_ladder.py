"""The ladder of reconnects is that of the connection."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mbot_nb import plots
from mbot_nb.lab import PingRun
from tests.helpers.pictures import line_of, texts


def test_the_ladder_is_that_of_the_connection(ping_run: Callable[..., PingRun]) -> None:
    ax = plots.reconnects(ping_run())
    attempts = line_of(ax, "1: the cable was pulled")
    assert attempts.get_xdata() == pytest.approx([0, 1.01])
    assert attempts.get_ydata() == pytest.approx([1, 2])
    assert "back after 1.02 s" in str(attempts.get_label())
    assert "n = 1 cut, 2 attempts, 1 back" in texts(ax)
    planned = line_of(ax, "as planned")
    assert planned.get_xdata()[1:3] == pytest.approx([0, 1])
    run = ping_run()
    run.connection = run.connection.iloc[:0]
    assert "not lost yet" in texts(plots.reconnects(run))
