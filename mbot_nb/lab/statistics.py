"""Statistics of delays: percentiles with intervals that say how much to trust them.

Delays are skewed, so percentiles are told, not means. A percentile here is one of the values
measured (no interpolation), the smallest that at least its share of all does not exceed.

Its interval is a bootstrap percentile interval, computed rather than drawn: of a resample of n
values the k-th smallest is a value of known rank, since the k-th smallest of n uniform numbers has
the Beta(k, n + 1 - k) distribution. So it needs no seed and has no resampling noise. Two things
that a plain bootstrap gets wrong are put right:

- Delays that follow one another resemble one another (a queue drains slowly), so n of them tell
  less than n. The count is divided by the autocorrelation time of "at or below this percentile", as
  in Markov chain Monte Carlo (Geyer's initial positive sequence).
- No resample can hold a value larger than the largest. Where even the largest of n is below the
  true percentile with more than the chance allowed, the interval is open: its end is infinite. A
  p99.9 with 95 % needs some 3700 values.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, ndtri

from ..errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CONFIDENCE",
    "PERCENTILES",
    "UNKNOWN",
    "Estimate",
    "Floats",
    "Gaps",
    "Rank",
    "Summary",
    "as_series",
    "autocorrelation_time",
    "gaps",
    "mean",
    "percentile",
    "summarise",
    "table",
    "warm_up",
]

PERCENTILES = (50.0, 90.0, 99.0, 99.9)
CONFIDENCE = 0.95
WARM_UP_SHARE = 0.1
WARM_UP_SECONDS = 1.0

Floats = NDArray[np.float64]


class Estimate(NamedTuple):
    """A number with its interval: from ``low`` to ``high``, an end that the data cannot tell is
    infinite."""

    value: float
    low: float
    high: float

    def scaled(self, factor: float) -> Estimate:
        """In another unit."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)

    def __str__(self) -> str:
        low = f"{self.low:.4g}" if math.isfinite(self.low) else "?"
        high = f"{self.high:.4g}" if math.isfinite(self.high) else "?"
        return f"{self.value:.4g} ({low} to {high})"


UNKNOWN = Estimate(math.nan, math.nan, math.nan)
"""Of no values."""


class Gaps(NamedTuple):
    """Pauses between arrivals: the ``longest`` in seconds, and how many (``number``) were longer
    than ``limit`` seconds."""

    longest: float
    number: int
    limit: float

    def __str__(self) -> str:
        gaps = "1 gap" if self.number == 1 else f"{self.number} gaps"
        return (
            f"{gaps} of more than {self.limit * 1e3:.3g} ms between answers (the longest "
            f"{self.longest:.3g} s)"
        )


class Summary(NamedTuple):
    """What is to be said of one series of delays, in its own unit."""

    n: int
    percentiles: dict[float, Estimate]
    mean: float
    smallest: float
    largest: float
    jitter: Estimate
    """Mean difference between one value and the next, its sign left out (as RFC 3393 takes it)."""

    def row(self) -> dict[str, float]:
        """Flat, as a line of a table: `p50`, `p50_low`, `p50_high`, ..., `jitter`, `mean`, `min`,
        `max`, `n`."""
        row: dict[str, float] = {"n": self.n}
        named = {_name(q): estimate for q, estimate in self.percentiles.items()}
        for name, estimate in {**named, "jitter": self.jitter}.items():
            row |= zip((name, f"{name}_low", f"{name}_high"), estimate, strict=True)
        return {**row, "mean": self.mean, "min": self.smallest, "max": self.largest}


def warm_up(duration: float) -> float:
    """Seconds at the start of an experiment of ``duration`` seconds that are left out of its
    statistics.

    The rule: the first tenth, one second at most. It does not look at what was measured, so that it
    cannot favour a result.
    """
    return min(WARM_UP_SECONDS, WARM_UP_SHARE * duration)


def percentile(values: ArrayLike, q: float, *, confidence: float = CONFIDENCE) -> Estimate:
    """The ``q``-th percentile of ``values`` (one dimension, in the order in which they were
    measured) with its interval.

    Missing values (NaN) are left out. Without any value everything is NaN.

    Raises:
        UsageError: ``q`` is not between 0 and 100, or ``confidence`` not between 0 and 1.
    """
    _check(q, confidence)
    series = as_series(values)
    if not len(series):
        return UNKNOWN
    rank = Rank(series, q / 100)
    tail = (1 - confidence) / 2
    return Estimate(rank.value, rank.low(tail), rank.high(tail))


def summarise(
    values: ArrayLike, *, percentiles: Iterable[float] = PERCENTILES, confidence: float = CONFIDENCE
) -> Summary:
    """Percentiles, mean, extremes and jitter of a series of delays, in the order in which they were
    measured; NaN is left out."""
    series = as_series(values)
    if not len(series):
        nothing = dict.fromkeys(percentiles, UNKNOWN)
        return Summary(0, nothing, math.nan, math.nan, math.nan, UNKNOWN)
    return Summary(
        n=len(series),
        percentiles={q: percentile(series, q, confidence=confidence) for q in percentiles},
        mean=float(series.mean()),
        smallest=float(series.min()),
        largest=float(series.max()),
        jitter=mean(np.abs(np.diff(series)), confidence),
    )


def table(series: Mapping[Any, ArrayLike], *, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """One line of :meth:`Summary.row` for each named series."""
    import pandas as pd

    return pd.DataFrame(
        {name: summarise(values, confidence=confidence).row() for name, values in series.items()}
    ).T.astype({"n": int})


def gaps(times: ArrayLike, expected: float, *, factor: float = 3.0) -> Gaps:
    """Pauses in arrivals at ``times`` (s) that were expected every ``expected`` seconds, longer
    than ``factor`` times that."""
    arrivals = np.sort(as_series(times))
    limit = factor * expected
    between = np.diff(arrivals)
    if not len(between):
        return Gaps(math.nan, 0, limit)
    return Gaps(float(between.max()), int((between > limit).sum()), limit)


def autocorrelation_time(values: ArrayLike) -> float:
    """How many values in a row tell as much as one independent one: 1 if they are independent, n at
    most.

    1 + 2 times the sum of the autocorrelations, up to where the sum of two neighbours is no longer
    positive (Geyer 1992).
    """
    series = as_series(values)
    n = len(series)
    centred = series - series.mean() if n else series
    if n < 4 or not centred.any():
        return 1.0
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    covariance = np.fft.irfft(spectrum * spectrum.conj(), size)[:n]
    correlation = covariance / covariance[0]
    pairs = correlation[: n - n % 2].reshape(-1, 2).sum(axis=1)
    ends = np.flatnonzero(pairs <= 0)
    first = int(ends[0]) if len(ends) else len(pairs)
    return float(min(max(1.0, 2 * pairs[:first].sum() - 1), n))


class Rank:
    """One percentile of a series, by the rank that it has in a resample."""

    def __init__(self, series: Floats, share: float) -> None:
        self._sorted = np.sort(series)
        n = len(series)
        k = min(n, max(1, math.ceil(share * n - 1e-9)))
        self.value = float(self._sorted[k - 1])
        self._share = share
        effective = n / autocorrelation_time(series <= self.value)
        self._effective = effective
        centre = k / (n + 1)
        self.a, self.b = centre * (effective + 1), (1 - centre) * (effective + 1)

    def at(self, uniform: Any) -> Any:
        """The value whose rank is at this share of all."""
        n = len(self._sorted)
        return self._sorted[np.clip(np.ceil(np.asarray(uniform) * n).astype(int), 1, n) - 1]

    def low(self, tail: float) -> float:
        """The lower end of the interval that leaves out so much below it."""
        if (1 - self._share) ** self._effective > tail:
            return -math.inf
        return float(self.at(betaincinv(self.a, self.b, tail)))

    def high(self, tail: float) -> float:
        """The upper end of the interval that leaves out so much above it."""
        if self._share**self._effective > tail:
            return math.inf
        return float(self.at(betaincinv(self.a, self.b, 1 - tail)))

    def draw(self, generator: np.random.Generator, count: int) -> Floats:
        """What ``count`` resamples give."""
        drawn: Floats = self.at(generator.beta(self.a, self.b, count))
        return drawn


def mean(values: ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """A mean with its interval: normal, for as many values as are independent. NaN is left out."""
    series = as_series(values)
    if not len(series):
        return UNKNOWN
    value = float(series.mean())
    if len(series) < 2:
        return Estimate(value, -math.inf, math.inf)
    effective = len(series) / autocorrelation_time(series)
    half = float(ndtri((1 + confidence) / 2)) * float(series.std(ddof=1)) / math.sqrt(effective)
    return Estimate(value, value - half, value + half)


def as_series(values: ArrayLike) -> Floats:
    """Values of one dimension, without NaN.

    Raises:
        UsageError: they have another shape.
    """
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1:
        raise UsageError(
            f"a series of delays has one dimension, this one has {series.ndim}: pass one column"
        )
    return series[~np.isnan(series)]


def _check(q: float, confidence: float) -> None:
    if not 0 < q < 100:
        raise UsageError(f"a percentile is between 0 and 100, not {q!r}: the median is 50")
    if not 0 < confidence < 1:
        raise UsageError(f"a confidence is between 0 and 1, not {confidence!r}: 0.95 is usual")


def _name(q: float) -> str:
    """`p50`, `p99`, `p99_9`."""
    return f"p{q:g}".replace(".", "_")
