"""The path of a robot: it ends where the robot is, and leaps are not drawn."""

from __future__ import annotations

import numpy as np
import pytest

import mbot_nb as mb
from mbot_nb import plots
from tests.helpers.pictures import texts


async def test_path_ends_where_the_robot_is_within_the_walls(rec: mb.Recorder) -> None:
    ax = plots.path(rec)
    robot = rec.client.state.pose
    way = max(
        (line for line in ax.lines if line.get_linewidth() == 2),
        key=lambda line: np.size(line.get_xdata()),
    )
    xs, ys = np.asarray(way.get_xdata()), np.asarray(way.get_ydata())
    assert (xs[-1], ys[-1]) == pytest.approx((robot["x"], robot["y"]), abs=0.5)
    assert xs[-1] > xs[0] + 5
    arena = rec.client.state.arena
    assert ax.get_xlim()[1] > arena.width
    assert f"n = {(rec.events.name == 'telemetry').sum()}" in texts(ax)


async def test_a_leap_is_not_drawn_as_a_way(rec: mb.Recorder) -> None:
    from mbot_nb.plots.driving import _stretches

    places = [(0.0, 0.0, 0.0), (4.0, 0.0, 0.0), (100.0, 0.0, 0.0), (104.0, 0.0, 0.0)]
    assert _stretches(places) == [places[:2], places[2:]]
