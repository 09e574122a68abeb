"""Intervals of shares, means and differences, at 95 %.

Notable: a share has Wilson's interval, which stays within 0..1 and is not empty at its ends; a mean has Student's, and
a difference of two means Welch's. Rows must be independent of each other.
"""

import math
from collections.abc import Sequence

import numpy as np
import scipy.stats

from .measures import Array, Interval

LEVEL = 0.95
ANY = (-math.inf, math.inf)


def share(count: int, rows: int) -> Interval:
    """The share of rows with its interval (Wilson 1927); NaN without rows."""
    if not rows:
        return Interval(math.nan, math.nan, math.nan)
    ends = scipy.stats.binomtest(count, rows).proportion_ci(LEVEL, method="wilson")
    return Interval(count / rows, float(ends.low), float(ends.high))


def mean(values: Array, span: tuple[float, float] = ANY) -> Interval:
    """The mean with its interval (Student 1908); the ends are NaN for fewer than 2 values.

    Args:
        values: Shape ``(rows,)``, finite.
        span: Lowest and highest value that there can be; the interval ends there, as that of few values would not.

    Returns:
        The mean and its interval.
    """
    if len(values) < 2:
        return Interval(float(values[0]) if len(values) else math.nan, math.nan, math.nan)
    average, error = float(values.mean()), float(scipy.stats.sem(values))
    half = error * float(scipy.stats.t.ppf((1 + LEVEL) / 2, len(values) - 1))
    return Interval(average, max(average - half, span[0]), min(average + half, span[1]))


def difference(first: Array, second: Array, span: tuple[float, float] = ANY) -> tuple[Interval, float]:
    """How far the mean of the first lies above that of the second (Welch 1947).

    Args:
        first: Shape ``(rows,)``, finite; 0 and 1 for a share.
        second: Shape ``(rows,)``, finite.
        span: As in `mean`.

    Returns:
        The difference with its interval, and the p-value of no difference; both ends and the p-value are NaN where
        there are fewer than 2 rows, or none of them differ.
    """
    apart = float(first.mean() - second.mean()) if len(first) and len(second) else math.nan
    if min(len(first), len(second)) < 2 or not (np.ptp(first) or np.ptp(second)):
        return Interval(apart, math.nan, math.nan), math.nan
    test = scipy.stats.ttest_ind(first, second, equal_var=False)
    ends = test.confidence_interval(LEVEL)
    most = span[1] - span[0]
    return Interval(apart, max(float(ends.low), -most), min(float(ends.high), most)), float(test.pvalue)


def discoveries(p_values: Sequence[float], rate: float = 0.05) -> list[bool]:
    """Which of several differences can be believed (Benjamini & Hochberg 1995).

    Args:
        p_values: One for each difference; NaN for one that was not tested.
        rate: Share of those named that may be chance, on average.

    Returns:
        For each, whether it is named.
    """
    known = [place for place, value in enumerate(p_values) if not math.isnan(value)]
    adjusted = scipy.stats.false_discovery_control([p_values[place] for place in known]) if known else []
    named = {place for place, value in zip(known, adjusted, strict=True) if value <= rate}
    return [place in named for place in range(len(p_values))]


__all__ = ["LEVEL", "difference", "discoveries", "mean", "share"]
