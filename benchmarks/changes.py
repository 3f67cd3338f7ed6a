"""Two runs beside each other: what each figure was and is, and which are worse beyond their spread.

A figure is worse when every round of the new run is worse than every round of the old one. That
asks for more than one round on either side; where one has a single round, nothing is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from .figures import Direction
from .report import number

__all__ = ["Change", "changes", "print_changes"]

Row = dict[str, Any]
"""One figure of a results file."""
Spread = tuple[float, float]


@dataclass(frozen=True)
class Change:
    """What became of one figure."""

    name: str
    old: Row | None
    new: Row | None
    verdict: str
    """``worse`` or ``better`` beyond the spread; "" within it; or why it cannot be said."""
    theirs_too: bool = False
    """Whether the other side has changed the same way, as it does when the machine has."""

    @property
    def worse(self) -> bool:
        """Whether it is worse, or could not be measured any more."""
        return self.verdict in ("worse", "failed")


def changes(
    old: dict[str, Row], new: dict[str, Row], directions: dict[str, Direction]
) -> list[Change]:
    """Compare the figures of two runs, in the order of ``directions``.

    Args:
        old: the rows of a results file, by name; of any version of it.
        new: those of another one.
        directions: which way each figure is better.
    """
    return [
        _change(name, old.get(name), new.get(name), better)
        for name, better in directions.items()
        if name in old or name in new
    ]


def print_changes(found: Sequence[Change], console: Console) -> None:
    """Print one line a figure, then which are worse."""
    table = Table(title="before and after")
    table.add_column("figure", no_wrap=True)
    for heading in ("old (rounds)", "new (rounds)"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("change", justify="right", no_wrap=True)
    table.add_column("beyond its spread")
    for change in found:
        verdict = change.verdict + (", theirs too" if change.theirs_too else "")
        unit = (change.new or {}).get("unit") or (change.old or {}).get("unit", "")
        table.add_row(
            change.name, _cell(change.old), _cell(change.new), unit, _percent(change), verdict
        )
    console.print(table)
    worse = [change.name for change in found if change.worse]
    console.print(
        f"worse beyond its spread, or failed: {', '.join(worse)}"
        if worse
        else "no figure is worse beyond its spread",
        highlight=False,
    )


def _change(name: str, old: Row | None, new: Row | None, better: Direction) -> Change:
    if new is None or "failed" in new:
        return Change(name, old, new, "not measured" if new is None else "failed")
    if old is None or "failed" in old:
        return Change(name, old, new, "new" if old is None else "failed before")
    verdict = _verdict(*_spreads(old, new, better), better)
    if verdict and min(old["rounds"], new["rounds"]) < 2:
        return Change(name, old, new, "unknown: one round")
    both = old.get("theirs_spread") and new.get("theirs_spread") and better != "nearer"
    theirs = _verdict(old["theirs_spread"], new["theirs_spread"], better) if both else ""
    return Change(name, old, new, verdict, bool(verdict) and theirs == verdict)


def _spreads(old: Row, new: Row, better: Direction) -> tuple[Spread, Spread]:
    """The smallest and the largest round of both runs, as distances from the other side for a
    figure that is to be near it."""
    if better != "nearer":
        return tuple(old["ours_spread"]), tuple(new["ours_spread"])
    return _distances(*old["ratio_spread"]), _distances(*new["ratio_spread"])


def _distances(low: float, high: float) -> Spread:
    ends = abs(low - 1), abs(high - 1)
    return (0.0 if low <= 1 <= high else min(ends)), max(ends)


def _verdict(old: Spread, new: Spread, better: Direction) -> str:
    rises, falls = new[0] > old[1], new[1] < old[0]
    if better == "more":
        rises, falls = falls, rises
    return "worse" if rises else "better" if falls else ""


def _cell(row: Row | None) -> str:
    if row is None or "failed" in row:
        return "" if row is None else "failed"
    low, high = row["ours_spread"]
    return f"{number(row['ours'])} ({number(low)} to {number(high)})"


def _percent(change: Change) -> str:
    values = [(row or {}).get("ours") for row in (change.old, change.new)]
    if None in values or not values[0]:
        return ""
    return f"{100 * (values[1] / values[0] - 1):+.1f} %"
