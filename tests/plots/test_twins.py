"""Two robots that ran one program: their ways over one another, and how soon they began."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from mbot_nb import plots
from mbot_nb.plots.twins import reactions, twin
from tests.helpers.pictures import texts, xs, ys


class Ran(NamedTuple):
    names: tuple[str, str]
    paths: pd.DataFrame
    motions: pd.DataFrame
    difference: str


@pytest.fixture
def ran() -> Ran:
    """The first drove 30 cm straight on, the second half of that, 100 ms later."""
    t = np.arange(0, 3.1, 0.1)
    paths = pd.concat(
        pd.DataFrame({"robot": name, "t_s": t, "x": speed * t, "y": 0.0, "heading": 0.0})
        for name, speed in (("near", 10.0), ("far", 5.0))
    )
    motions = pd.DataFrame(
        {"robot": ["near"] * 3 + ["far"] * 2, "began_ms": [50.0, 60.0, np.nan, 150.0, 170.0]}
    )
    return Ran(("near", "far"), paths, motions, "The far robot drove 50 % less. It began later.")


def test_each_way_is_drawn_with_its_end(ran: Ran) -> None:
    ax = twin(ran)
    ends = {
        str(line.get_label()).partition(" ")[0]: (xs(line)[-1], ys(line)[-1])
        for line in ax.lines
        if str(line.get_label()).endswith("reports)")
    }
    assert ends == {"near": (pytest.approx(30), 0), "far": (pytest.approx(15), 0)}
    assert "The far robot drove 50 % less" in texts(ax)


def test_thin_lines_join_where_they_were_at_the_same_second(ran: Ran) -> None:
    pairs = [tuple(xs(line)) for line in twin(ran).lines if line.get_linewidth() == 0.8]
    assert pairs == [(pytest.approx(10), pytest.approx(5)), (pytest.approx(20), pytest.approx(10))]


def test_reactions_have_a_point_for_each_motion_and_a_bar_at_the_median(ran: Ran) -> None:
    ax = reactions(ran)
    assert [sorted(xs(line)) for line in ax.lines] == [[50, 60], [150, 170]]
    assert "near: median 55 ms, 2 motions; far: median 160 ms, 2 motions" in texts(ax)
    assert ax.get_xlim()[0] == 0


def test_without_a_motion_it_says_why_there_is_nothing(ran: Ran) -> None:
    ax = plots.reactions(ran._replace(motions=ran.motions.iloc[:0]))
    assert "no motion was long enough" in texts(ax)
    assert len(ax.get_yticks()) == 2
