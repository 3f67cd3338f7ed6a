"""Rows packed into columns of plain bytes, as small as they can be without losing anything.

Filling tables needs nothing but the standard library, so that recording in a live loop never waits
for NumPy, Arrow or pandas to load. What reads the tables turns these columns into theirs without
looking at single values.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

__all__ = ["NULL", "NULL_32", "Chunk", "Column", "Kind", "Labels", "Text", "pack", "pack_texts"]

Kind = Literal["number", "whole", "maybe whole", "text", "label", "maybe flag", "wall"]
"""What a column holds: float64, int64, Int64 (with gaps), str (with gaps), str of few different
values, boolean (with gaps), or UTC timestamps made from the column before it, which is in monotonic
seconds."""

NULL = -(2**63)
"""Stands for a gap among whole numbers; the protocol's own are within 2**53."""
NULL_32 = -(2**31)
"""The same where they have 32 bits."""
_NAN = float("nan")


class Column(NamedTuple):
    """One column: its name with the unit in it, what it holds, and what that means."""

    name: str
    kind: Kind
    meaning: str


class Text(NamedTuple):
    """Texts one after the other in UTF-8, and how many bytes each has: -1 for a gap."""

    data: bytes
    lengths: Any  # whole numbers of 32 bits, as an array


class Chunk(NamedTuple):
    """Some rows of a table: the number of the first, of the one after the last, and each column but
    the wall clock's."""

    first: int
    end: int
    columns: list[Any]


class Labels(dict[Any, int]):
    """The different values of a column and their numbers, in the order in which they came."""

    def __init__(self) -> None:
        super().__init__({None: -1})
        self.values_in_order: list[str] = []

    def __missing__(self, label: str) -> int:
        number = self[label] = len(self.values_in_order)
        self.values_in_order.append(label)
        return number


def pack(
    kinds: Sequence[Kind], columns: Sequence[Any], labels: Sequence[Labels | None]
) -> list[Any]:
    """Columns of values, as bytes; None for one that has nothing but gaps. What is packed already
    stays as it is."""
    return [
        values
        if values is None or isinstance(values, (array, Text))
        else _PACKERS[kind](values, known)
        for kind, values, known in zip(kinds, columns, labels, strict=True)
    ]


def pack_texts(values: Sequence[bytes]) -> Text:
    """Texts that are UTF-8 already, without gaps."""
    return Text(b"".join(values), array("i", map(len, values)))


def _numbers(values: Sequence[Any], _: Any) -> array[float]:
    try:
        return array("d", values)
    except TypeError:
        return array("d", [_NAN if value is None else value for value in values])


def _wholes(values: Sequence[Any], _: Any) -> array[int] | range | None:
    if isinstance(values, range):
        return values
    gaps = values.count(None)
    if gaps == len(values):
        return None
    try:
        return array(
            "i", [NULL_32 if value is None else value for value in values] if gaps else values
        )
    except OverflowError:
        return array(
            "q", [NULL if value is None else value for value in values] if gaps else values
        )


def _flags(values: Sequence[Any], _: Any) -> array[int] | None:
    if values.count(None) == len(values):
        return None
    return array("b", [-1 if value is None else value for value in values])


def _labels(values: Sequence[Any], labels: Labels) -> array[int] | None:
    first, count = values[0], len(values)
    if values.count(first) == count:
        return None if first is None else array(_code(labels[first]), (labels[first],)) * count
    try:
        return array("b", map(labels.__getitem__, values))
    except OverflowError:
        return array("i", map(labels.__getitem__, values))


def _code(label: int) -> str:
    return "b" if label < 128 else "i"


def _texts(values: Sequence[Any], _: Any) -> Text | None:
    gaps = values.count(None)
    if gaps == len(values):
        return None
    if not gaps:
        joined = "".join(values)
        if joined.isascii():
            return Text(joined.encode(), array("i", map(len, values)))
    # A lone surrogate (half a character) can stand in an error's words; it must not end a
    # recording.
    encoded = [None if value is None else value.encode(errors="replace") for value in values]
    lengths = array("i", [-1 if value is None else len(value) for value in encoded])
    return Text(b"".join([value for value in encoded if value]), lengths)


_PACKERS: dict[Kind, Callable[[Sequence[Any], Any], Any]] = {
    "number": _numbers,
    "whole": _wholes,
    "maybe whole": _wholes,
    "text": _texts,
    "label": _labels,
    "maybe flag": _flags,
}
