"""Are two series of delays different, and by how much?"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from html import escape
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import ndtri

from ..errors import UsageError
from .statistics import CONFIDENCE, UNKNOWN, Estimate, Floats, Rank, as_series, autocorrelation_time

__all__ = ["Comparison", "compare"]

DRAWS = 10_000


class Comparison(NamedTuple):
    """How ``b`` differs from ``a``. Differences are b minus a, in the unit of the values."""

    a: str
    b: str
    n_a: int
    n_b: int
    confidence: float
    p50: Estimate
    """Difference of the medians."""
    p99: Estimate
    """Difference of the 99th percentiles."""
    ratio: Estimate
    """The median of b divided by that of a."""
    effect: Estimate
    """Cliff's delta: the chance that a value of b is larger than one of a, less the chance that it
    is smaller; -1 to 1."""

    @property
    def differs(self) -> bool:
        """Whether the interval of the effect leaves out zero."""
        return self.effect.low > 0 or self.effect.high < 0

    @property
    def verdict(self) -> str:
        """Which of them is slower, in words."""
        if not self.differs:
            return "no difference shown"
        return f"{self.b} is {'slower' if self.effect.value > 0 else 'faster'}"

    def __repr__(self) -> str:
        return (
            f"<{self.b} against {self.a}: {self.verdict}; effect {self.effect}, median "
            f"{self.p50.scaled(1e3)} ms, "
            f"p99 {self.p99.scaled(1e3)} ms, ratio {self.ratio}; {self.confidence:.0%}, "
            f"n={self.n_b} and {self.n_a}>"
        )

    def _repr_html_(self) -> str:
        rows = {
            "effect (Cliff's delta)": self.effect,
            "median, ms": self.p50.scaled(1e3),
            "p99, ms": self.p99.scaled(1e3),
            "ratio of medians": self.ratio,
        }
        cells = "".join(f"<tr><td>{name}</td><td>{one}</td></tr>" for name, one in rows.items())
        title = (
            f"{self.b} against {self.a}, {self.confidence:.0%} intervals, n={self.n_b} and "
            f"{self.n_a}"
        )
        return f"<table><caption>{escape(title)}</caption>{cells}</table>"


def compare(a: Any, b: Any, *, confidence: float = CONFIDENCE, seed: int = 0) -> Comparison:
    """Compare two series of delays, or two runs of the lab: ``b`` against ``a``.

    Of a run it takes the delays counted from the intended send times, without warm-up and without
    what a stalled loop has held up. Percentiles are compared by bootstrap (10,000 resamples from
    ``seed``), the effect size is Cliff's delta with Newcombe's interval (method 5 of Statistics in
    Medicine 25, 2006), which also holds where no value overlaps. In all of them values that
    resemble their neighbours count for less; see `mbot_nb.lab.statistics`.

    Args:
        a, b: seconds, in the order in which they were measured; or results of `lab.ping` and
            `lab.load`.

    Raises:
        UsageError: one of them has less than two values.
    """
    (first, name_a), (second, name_b) = _values(a, "a"), _values(b, "b")
    for series, name in ((first, name_a), (second, name_b)):
        if len(series) < 2:
            raise UsageError(
                f"{name} has {len(series)} values: two are the least that can be compared, some "
                "hundred make sense"
            )
    generator = np.random.default_rng(seed)
    medians = Rank(first, 0.5), Rank(second, 0.5)
    tails = Rank(first, 0.99), Rank(second, 0.99)
    return Comparison(
        a=name_a,
        b=name_b,
        n_a=len(first),
        n_b=len(second),
        confidence=confidence,
        p50=_resampled(*medians, confidence, generator, operator.sub, -math.inf),
        p99=_resampled(*tails, confidence, generator, operator.sub, -math.inf),
        ratio=_resampled(*medians, confidence, generator, _ratio, 0.0)
        if medians[0].value > 0
        else UNKNOWN,
        effect=cliffs_delta(first, second, confidence=confidence),
    )


def cliffs_delta(a: ArrayLike, b: ArrayLike, *, confidence: float = CONFIDENCE) -> Estimate:
    """P(b > a) - P(b < a) for values drawn from each, with Newcombe's interval."""
    first, second = np.sort(as_series(a)), as_series(b)
    below = np.searchsorted(first, second, side="left").sum()
    at_most = np.searchsorted(first, second, side="right").sum()
    superior = float(below + at_most) / (2 * len(first) * len(second))
    m, n = (
        len(series) / autocorrelation_time(series.argsort().argsort())
        for series in (as_series(a), second)
    )
    z = float(ndtri((1 + confidence) / 2))
    shared = (m + n) / 2 - 1

    def distance(theta: float) -> float:
        """How far ``theta`` is from what was found, less z standard errors that it would have if it
        were true."""
        variance = (
            theta
            * (1 - theta)
            * (1 + shared * (1 - theta) / (2 - theta) + shared * theta / (1 + theta))
            / (m * n)
        )
        return abs(theta - superior) - z * math.sqrt(max(0.0, variance))

    # At 0 and 1 nothing varies, which is a solution, but not the one that is looked for.
    low = brentq(distance, 0.0, min(superior, 1 - 1e-9)) if superior > 0 else 0.0
    high = brentq(distance, max(superior, 1e-9), 1.0) if superior < 1 else 1.0
    return Estimate(2 * superior - 1, 2 * low - 1, 2 * high - 1)


def _resampled(
    a: Rank,
    b: Rank,
    confidence: float,
    generator: np.random.Generator,
    of: Callable[[Any, Any], Any],
    least: float,
) -> Estimate:
    """``of`` the percentiles of b and a, with its bootstrap interval; ``least`` is the lowest that
    it can be."""
    tail = (1 - confidence) / 2
    drawn = of(b.draw(generator, DRAWS), a.draw(generator, DRAWS))
    low, high = (float(end) for end in np.quantile(drawn, (tail, 1 - tail)))
    # What one side cannot tell, both together cannot tell either.
    low = least if math.isinf(b.low(tail)) or math.isinf(a.high(tail)) else low
    high = math.inf if math.isinf(b.high(tail)) or math.isinf(a.low(tail)) else high
    return Estimate(float(of(b.value, a.value)), low, high)


def _ratio(b: Any, a: Any) -> Any:
    return b / np.maximum(a, np.finfo(float).tiny)


def _values(data: Any, name: str) -> tuple[Floats, str]:
    """The delays of a run, or the series as it is."""
    delays = getattr(data, "delays", None)
    return (as_series(delays()), data.name or name) if callable(delays) else (as_series(data), name)
