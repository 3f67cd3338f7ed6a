"""The table of a sweep: what was varied, what was the same, and in which words."""

from __future__ import annotations

import pandas as pd
import pytest

import mbot_nb as mb
from mbot_nb.plots.table import fixed_words, parameter, parameter_words, varying


@pytest.fixture
def table() -> pd.DataFrame:
    table = pd.DataFrame({"network": ["lan", "wifi"], "rate": [50, 50], "repeat": 1, "n": 10})
    table.attrs = {
        "grid": {"network": ["lan", "wifi"], "rate": [50]},
        "parameters": {"duration": 2.5, "work": 0},
        "repeat": 1,
        "seed": 7,
        "missing": 3,
    }
    return table


def test_only_what_differs_was_varied(table: pd.DataFrame) -> None:
    assert varying(table) == ["network"]


def test_of_another_table_the_columns_before_the_figures_count() -> None:
    table = pd.DataFrame({"size": [1, 2], "window": [5, 5], "repeat": [1, 1], "p50": [1.0, 2.0]})
    assert varying(table) == ["size"]
    assert varying(table.drop(columns="repeat")) == []


def test_a_parameter_is_known_also_where_the_sweep_did_not_vary_it(table: pd.DataFrame) -> None:
    assert list(parameter(table, "network")) == ["lan", "wifi"]
    assert list(parameter(table, "duration")) == [2.5, 2.5]
    with pytest.raises(mb.UsageError, match=r"this table has no 'size'.*lab\.sweep"):
        parameter(table, "size")


def test_what_was_the_same_is_said_with_its_unit_and_what_does_nothing_is_not(
    table: pd.DataFrame,
) -> None:
    words = fixed_words(table)
    assert words.endswith("once each, seed 7, 3 points not measured yet")
    assert parameter_words("duration", 2.5) in words
    assert parameter_words("rate", 50) in words
    assert "work" not in words
    assert "duration" not in fixed_words(table, but=("duration",))


def test_an_unknown_parameter_is_said_as_it_is() -> None:
    assert parameter_words("some_name", 3) == "some name 3"
    assert parameter_words("work", 0.002) == "work 2 ms"
