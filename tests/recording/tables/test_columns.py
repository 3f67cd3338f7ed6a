"""Rows packed into bytes: small, and without loss."""

from __future__ import annotations

import math
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.recording.tables.columns import (
    NULL,
    NULL_32,
    Kind,
    Labels,
    Text,
    pack,
    pack_texts,
)


def packed(kind: Kind, values: Any, labels: Labels | None = None) -> Any:
    (column,) = pack([kind], [values], [labels])
    return column


def unpacked(text: Text) -> list[str | None]:
    found: list[str | None] = []
    at = 0
    for length in text.lengths:
        if length < 0:
            found.append(None)
        else:
            found.append(text.data[at : at + length].decode())
            at += length
    return found


def test_whole_numbers_take_four_bytes_where_they_fit() -> None:
    assert packed("whole", [1, -2, 3]) == array("i", [1, -2, 3])
    assert packed("whole", [1, 2**40]) == array("q", [1, 2**40])
    assert packed("maybe whole", [1, None]) == array("i", [1, NULL_32])
    assert packed("maybe whole", [2**40, None]) == array("q", [2**40, NULL])


def test_a_number_that_is_missing_is_nan() -> None:
    first, gap = packed("number", [1.5, None])
    assert first == 1.5
    assert math.isnan(gap)


@pytest.mark.parametrize("kind", ["maybe whole", "text", "label", "maybe flag"])
def test_a_column_of_gaps_takes_nothing(kind: Kind) -> None:
    assert packed(kind, [None, None], Labels()) is None


def test_flags_have_three_values() -> None:
    assert list(packed("maybe flag", [True, None, False])) == [1, -1, 0]


def test_labels_are_numbered_as_they_come_and_known_from_chunk_to_chunk() -> None:
    labels = Labels()
    assert list(packed("label", ["b", None, "a", "b"], labels)) == [0, -1, 1, 0]
    assert list(packed("label", ["a", "a"], labels)) == [1, 1]
    assert labels.values_in_order == ["b", "a"]


def test_many_labels_take_more_bytes_and_stay_apart() -> None:
    labels = Labels()
    many = [f"label {n}" for n in range(300)]
    numbers = packed("label", many, labels)
    assert [labels.values_in_order[n] for n in numbers] == many
    assert list(packed("label", ["label 299"] * 3, labels)) == [299] * 3


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_texts_come_back_as_they_were(values: list[str | None]) -> None:
    text = packed("text", values)
    assert (values if text is None else unpacked(text)) == values
    assert (text is None) == (values.count(None) == len(values))


def test_half_a_character_does_not_end_a_recording() -> None:
    assert unpacked(packed("text", ["a\ud800", "b"])) == ["a?", "b"]


def test_what_is_packed_already_stays_as_it_is() -> None:
    ready = array("d", [1.0])
    text = pack_texts([b"one", b"", "ü".encode()])
    assert packed("number", ready) is ready
    assert packed("text", text) is text
    assert unpacked(text) == ["one", "", "ü"]
