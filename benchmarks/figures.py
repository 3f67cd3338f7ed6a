"""A figure: what is compared with what, what is to be reached, and what came out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .harness import Contender, Samples

__all__ = ["Comparison", "Figure", "Goal", "compare"]


@dataclass(frozen=True)
class Goal:
    """What a figure has to reach: limits of the ratio ours / theirs, and a least value of our own."""

    ratio_at_least: float | None = None
    ratio_at_most: float | None = None
    ours_at_least: float | None = None

    def met(self, ours: float, ratio: float) -> bool:
        """Whether every limit that is set is kept."""
        return (
            (self.ratio_at_least is None or ratio >= self.ratio_at_least)
            and (self.ratio_at_most is None or ratio <= self.ratio_at_most)
            and (self.ours_at_least is None or ours >= self.ours_at_least)
        )

    def __str__(self) -> str:
        parts = []
        if self.ratio_at_least is not None:
            parts.append(f"≥ {self.ratio_at_least:g} x")
        if self.ratio_at_most is not None:
            parts.append(f"≤ {self.ratio_at_most:g} x")
        if self.ours_at_least is not None:
            parts.append(f"≥ {self.ours_at_least:,.0f}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Comparison:
    """One row to be measured. Without a goal it is there for information."""

    name: str
    ours: Contender
    theirs: Contender
    unit: str
    how: str
    goal: Goal | None = None


@dataclass(frozen=True)
class Figure:
    """One row that was measured: medians, their ratio, the smallest and largest of the rounds, and whether the goal is met."""

    name: str
    ours: float
    theirs: float
    ratio: float
    unit: str
    goal: str | None
    met: bool | None
    how: str
    ours_spread: tuple[float, float]
    theirs_spread: tuple[float, float]
    ratio_spread: tuple[float, float]
    rounds: int
    against: str

    def as_dict(self) -> dict[str, Any]:
        """As it goes into the results file: four significant digits, more would be noise."""
        return {key: _rounded(value) for key, value in vars(self).items()}


def compare(comparison: Comparison, samples: dict[str, Samples]) -> Figure:
    """The figure that the samples of a comparison's two sides give."""
    ours, theirs = samples[comparison.ours.name], samples[comparison.theirs.name]
    ratio = ours.median / theirs.median
    by_round = Samples([mine / other for mine, other in zip(ours.values, theirs.values, strict=True)])
    goal = comparison.goal
    return Figure(
        name=comparison.name,
        ours=ours.median,
        theirs=theirs.median,
        ratio=ratio,
        unit=comparison.unit,
        goal=None if goal is None else str(goal),
        met=None if goal is None else goal.met(ours.median, ratio),
        how=comparison.how,
        ours_spread=ours.spread,
        theirs_spread=theirs.spread,
        ratio_spread=by_round.spread,
        rounds=len(ours.values),
        against=comparison.theirs.name,
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_rounded(part) for part in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value
