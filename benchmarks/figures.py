"""A figure: what is compared with what, what is to be reached, and what came out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from .harness import Contender, Samples

__all__ = ["Comparison", "Direction", "Failure", "Figure", "Goal", "compare"]

Direction: TypeAlias = Literal["more", "less", "nearer"]
"""Which way a value is better; "nearer" is to that of the other side."""


@dataclass(frozen=True)
class Goal:
    """What a figure has to reach: limits of the ratio ours / theirs, of our own value, and of what
    it is more than theirs."""

    ratio_at_least: float | None = None
    ratio_at_most: float | None = None
    ours_at_least: float | None = None
    ours_at_most: float | None = None
    more_at_most: float | None = None

    def __post_init__(self) -> None:
        if self.ours_at_least is None and self.ours_at_most is None and not self.compares:
            raise ValueError("a goal without a limit would always be met")

    @property
    def compares(self) -> bool:
        """Whether it needs the other side."""
        return any(
            limit is not None
            for limit in (self.ratio_at_least, self.ratio_at_most, self.more_at_most)
        )

    @property
    def better(self) -> Direction:
        """Which way leads to it; between two limits it is nearer to the other side."""
        least = self.ratio_at_least is not None or self.ours_at_least is not None
        most = (self.ratio_at_most, self.ours_at_most, self.more_at_most) != (None, None, None)
        return "nearer" if least and most else "more" if least else "less"

    def met(self, ours: float, theirs: float | None) -> bool:
        """Whether every limit that is set is kept.

        Raises:
            ValueError: without the other side, when a limit compares.
        """
        if (self.ours_at_least is not None and ours < self.ours_at_least) or (
            self.ours_at_most is not None and ours > self.ours_at_most
        ):
            return False
        if not self.compares:
            return True
        if theirs is None:
            raise ValueError(
                f"the goal {self} compares with something, and nothing was measured beside it"
            )
        return (
            (self.ratio_at_least is None or ours / theirs >= self.ratio_at_least)
            and (self.ratio_at_most is None or ours / theirs <= self.ratio_at_most)
            and (self.more_at_most is None or ours - theirs <= self.more_at_most)
        )

    def __str__(self) -> str:
        parts = []
        if self.ratio_at_least is not None:
            parts.append(f"≥ {self.ratio_at_least:g} x")
        if self.ratio_at_most is not None:
            parts.append(f"≤ {self.ratio_at_most:g} x")
        if self.ours_at_least is not None:
            parts.append(f"≥ {self.ours_at_least:,.0f}")
        if self.ours_at_most is not None:
            parts.append(f"≤ {self.ours_at_most:,g}")
        if self.more_at_most is not None:
            parts.append(f"≤ theirs + {self.more_at_most:,g}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Comparison:
    """One row to be measured, beside something else or alone. Without a goal it is there for
    information."""

    name: str
    ours: Contender
    theirs: Contender | None
    unit: str
    how: str
    goal: Goal | None = None
    browser: bool = False
    """Whether it needs a browser."""

    @property
    def against(self) -> str | None:
        """The name of the other side."""
        return None if self.theirs is None else self.theirs.name

    @property
    def better(self) -> Direction:
        """Which way is better: as the goal says, or else the unit."""
        if self.goal is not None:
            return self.goal.better
        return "more" if self.unit.endswith("/s") else "less"


@dataclass(frozen=True)
class Figure:
    """One row that was measured: medians, their ratio, the smallest and largest of the rounds, and
    whether the goal is met.

    What was measured alone has None for all of the other side.
    """

    name: str
    ours: float
    theirs: float | None
    ratio: float | None
    unit: str
    goal: str | None
    met: bool | None
    how: str
    ours_spread: tuple[float, float]
    theirs_spread: tuple[float, float] | None
    ratio_spread: tuple[float, float] | None
    rounds: int
    against: str | None
    better: Direction

    def as_dict(self) -> dict[str, Any]:
        """As it goes into the results file: four significant digits, more would be noise."""
        return {key: _rounded(value) for key, value in vars(self).items()}


@dataclass(frozen=True)
class Failure:
    """One row that could not be measured, and why."""

    name: str
    failed: str

    def as_dict(self) -> dict[str, Any]:
        """As it goes into the results file."""
        return dict(vars(self))


def compare(comparison: Comparison, samples: dict[str, Samples]) -> Figure | Failure:
    """The figure that the samples of a comparison's two sides give, or why there is none."""
    ours = samples[comparison.ours.name]
    theirs = None if comparison.theirs is None else samples[comparison.theirs.name]
    for side in (ours, theirs):
        if side is not None and side.error is not None:
            return Failure(comparison.name, f"{type(side.error).__name__}: {side.error}")
    if theirs is not None and not all(theirs.values):
        return Failure(comparison.name, f"{comparison.against} gave 0: there is no ratio to it")
    goal = comparison.goal
    beside = None if theirs is None else theirs.median
    by_round = None
    if theirs is not None:
        by_round = Samples(
            [mine / other for mine, other in zip(ours.values, theirs.values, strict=True)]
        )
    return Figure(
        name=comparison.name,
        ours=ours.median,
        theirs=beside,
        ratio=None if beside is None else ours.median / beside,
        unit=comparison.unit,
        goal=None if goal is None else str(goal),
        met=None if goal is None else goal.met(ours.median, beside),
        how=comparison.how,
        ours_spread=ours.spread,
        theirs_spread=None if theirs is None else theirs.spread,
        ratio_spread=None if by_round is None else by_round.spread,
        rounds=len(ours.values),
        against=comparison.against,
        better=comparison.better,
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_rounded(part) for part in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value
