"""A sweep's table as plots read it: parameters that vary, those that do not, and the words for
both."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["fixed_words", "parameter", "parameter_words", "varying"]

_WORDS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "batch_window": ("window", lambda value: f"{value * 1e3:g} ms"),
    "max_batch_size": ("size", lambda value: f"{value:g}"),
    "rate": ("rate", lambda value: f"{value:g}/s"),
    "duration": ("duration", lambda value: f"{value:g} s"),
    "work": ("work", lambda value: f"{value * 1e3:g} ms"),
}
"""Names and units of the parameters of `lab.measure_load`; others are shown as they are."""


def parameter_words(name: str, value: Any) -> str:
    """A parameter and its value in words, with the unit."""
    word, show = _WORDS.get(name, (name.replace("_", " "), str))
    return f"{word} {show(value)}"


def parameter(table: pd.DataFrame, name: str) -> pd.Series[Any]:
    """A parameter of each row, also one that the sweep did not vary.

    Raises:
        UsageError: the table does not know it.
    """
    import pandas as pd

    if name in table:
        return table[name]
    fixed = table.attrs.get("parameters", {})
    if name not in fixed:
        raise UsageError(
            f"this table has no {name!r}: it needs a column of that name, or to be what "
            "`lab.sweep` returned"
        )
    return pd.Series([fixed[name]] * len(table), index=table.index)


def varying(table: pd.DataFrame) -> list[str]:
    """The parameters that the sweep varied, in its order; for another table the columns before the
    figures."""
    columns = list(table.columns)
    before = columns[: columns.index("repeat")] if "repeat" in columns else []
    names = table.attrs.get("grid", before)
    return [name for name in names if name in table and table[name].nunique() > 1]


def fixed_words(table: pd.DataFrame, but: tuple[str, ...] = ()) -> str:
    """What was the same in all rows, in one line: settings, repetitions and seed."""
    attrs = table.attrs
    fixed = dict(attrs.get("parameters", {}))
    fixed |= {name: values[0] for name, values in attrs.get("grid", {}).items() if len(values) == 1}
    # No work is not worth a word.
    shown = {name: value for name, value in fixed.items() if name != "work" or value}
    words = [parameter_words(name, value) for name, value in shown.items() if name not in but]
    if "repeat" in attrs:
        words.append(f"repeated {attrs['repeat']} times" if attrs["repeat"] > 1 else "once each")
    if "seed" in attrs:
        words.append(f"seed {attrs['seed']}")
    if attrs.get("missing"):
        words.append(f"{attrs['missing']} points not measured yet")
    return ", ".join(words)
