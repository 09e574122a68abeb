"""Statistics on short series, such as a loss at each evaluation of a run.

Notable: pure functions on plain numbers. With few values a normal approximation is off, so the Mann-Kendall test counts
the arrangements of the values exactly, ties included, up to `EXACT_UP_TO` values; `scipy.stats.kendalltau` is exact
without ties only.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from scipy.stats import norm, theilslopes

# Up to so many values the null distribution is counted exactly; beyond, it is taken as normal.
EXACT_UP_TO = 30


class Trend(NamedTuple):
    """Result of the Mann-Kendall test on a series.

    Attributes:
        statistic: S, pairs that rise minus pairs that fall, -n(n-1)/2..n(n-1)/2.
        p_rise: Probability of this S or a higher one if the order of the values were chance, 0..1.
        p_fall: Probability of this S or a lower one, 0..1.
    """

    statistic: int
    p_rise: float
    p_fall: float


def mann_kendall(values: Sequence[float]) -> Trend:
    """One-sided tests for a monotonic trend (Mann 1945; Kendall 1975).

    The null hypothesis is that the values are independent and identically distributed. Up to `EXACT_UP_TO` values the
    p-values are exact, given the ties; beyond, they come from the normal approximation with the variance corrected for
    ties and a continuity correction.

    Args:
        values: In the order of time, at least 2, finite.

    Returns:
        The statistic and its two p-values.

    Raises:
        ValueError: For fewer than 2 values and for values that are not finite.
    """
    check(values, 2)
    statistic = sum(
        (later > earlier) - (later < earlier) for i, earlier in enumerate(values) for later in values[i + 1 :]
    )
    ties = list(Counter(values).values())
    if len(values) <= EXACT_UP_TO:
        return Trend(statistic, *_exact(statistic, ties))
    return Trend(statistic, *_normal(statistic, ties))


def _exact(statistic: int, ties: Sequence[int]) -> tuple[float, float]:
    """P(S >= statistic) and P(S <= statistic) over all arrangements of values that are equal in groups of ``ties``.

    The arrangements with d falling pairs are the coefficients of the q-multinomial of n over the ties (MacMahon 1915),
    and S = untied pairs - 2 d.

    Returns:
        Both probabilities, 0..1.
    """
    counts = [1]
    for size in range(2, sum(ties) + 1):
        counts = _times(counts, size)
    for tie in ties:
        for size in range(2, tie + 1):
            counts = _divided(counts, size)
    untied = len(counts) - 1
    falling = (untied - statistic) // 2
    total = sum(counts)
    return sum(counts[: falling + 1]) / total, sum(counts[falling:]) / total


def _times(counts: Sequence[int], size: int) -> list[int]:
    """The polynomial times 1 + q + ... + q^(size-1)."""
    product = [0] * (len(counts) + size - 1)
    for power, count in enumerate(counts):
        for shift in range(size):
            product[power + shift] += count
    return product


def _divided(counts: Sequence[int], size: int) -> list[int]:
    """The polynomial divided by 1 + q + ... + q^(size-1), which divides it."""
    quotient: list[int] = []
    for power in range(len(counts) - size + 1):
        quotient.append(counts[power] - sum(quotient[max(0, power - size + 1) : power]))
    return quotient


def _normal(statistic: int, ties: Sequence[int]) -> tuple[float, float]:
    deviation = math.sqrt(variance(ties))
    if not deviation:  # all values are equal
        return 1.0, 1.0
    return float(norm.sf((statistic - 1) / deviation)), float(norm.sf((-statistic - 1) / deviation))


def variance(ties: Sequence[int]) -> float:
    """Variance of the Mann-Kendall statistic (Kendall 1975); ``ties`` says how often each distinct value occurs."""
    n = sum(ties)
    return (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18


def sen_slope(values: Sequence[float]) -> float:
    """Median slope of all pairs, in units per step (Theil 1950; Sen 1968).

    Args:
        values: In the order of time, at least 2, finite.

    Returns:
        The slope.

    Raises:
        ValueError: As `mann_kendall`.
    """
    check(values, 2)
    return float(theilslopes(values).slope)


def noise(values: Sequence[float]) -> float:
    """Standard deviation of the noise around a smooth course, in units of the values.

    Each value is compared with the mean of its neighbours, so that a straight course has no noise (pseudo-residuals:
    Gasser, Sroka & Jennen-Steinmetz 1986); their median absolute size makes a few sharp bends count little.

    Args:
        values: In the order of time, at least 3, finite.

    Returns:
        The standard deviation, 0 or above.

    Raises:
        ValueError: For fewer than 3 values and for values that are not finite.
    """
    check(values, 3)
    residuals = [
        abs((before + after) / 2 - value) for before, value, after in zip(values, values[1:], values[2:], strict=False)
    ]
    # 1.4826 makes a median absolute deviation a standard deviation; a residual's variance is 1.5 of a value's.
    return 1.4826 * median(residuals) / math.sqrt(1.5)


def cusum(values: Sequence[float], target: float, slack: float, scale: float = 1.0) -> list[float]:
    """Upper cumulative sums of how far the values lie above ``target`` (Page 1954).

    C[t] = max(0, C[t-1] + (value[t] - target) / scale - slack).

    Args:
        values: In the order of time, finite.
        target: Level above which a value counts.
        slack: Distance above the target that does not count, in standard deviations.
        scale: Standard deviation of a value, above 0.

    Returns:
        One sum per value, 0 or above, in standard deviations.

    Raises:
        ValueError: For values that are not finite, and a scale that is not finite and above 0.
    """
    check(values, 0)
    _check_scale(scale)
    sums: list[float] = []
    for value in values:
        sums.append(max(0.0, (sums[-1] if sums else 0.0) + (value - target) / scale - slack))
    return sums


def rises_over_best(values: Sequence[float], slack: float, scale: float = 1.0, most: float = math.inf) -> list[float]:
    """As `cusum`, with the lowest value so far as the target; a new lowest value starts the sum again at 0.

    Args:
        values: In the order of time, finite.
        slack: Distance above the target that does not count, in standard deviations.
        scale: Standard deviation of a value, above 0.
        most: The most that one value adds, so that one outlier decides nothing (robust CUSUM: Lucas & Crosier 1982).

    Returns:
        One sum per value, 0 or above, in standard deviations.

    Raises:
        ValueError: As `cusum`.
    """
    check(values, 0)
    _check_scale(scale)
    sums: list[float] = []
    best = math.inf
    for value in values:
        if value < best:
            best = value
            sums.append(0.0)
        else:
            sums.append(max(0.0, sums[-1] + min((value - best) / scale - slack, most)))
    return sums


def generalisation_gap(
    validation: Mapping[str, float], training: Mapping[str, float], units: Mapping[str, float]
) -> float | None:
    """Mean of how far each validation loss lies above the training loss of the same name, in its own unit.

    Args:
        validation: Loss by name; holds every name of ``units``.
        training: Loss by name.
        units: By name, the size that counts as 1.

    Returns:
        The gap; None when a training loss is missing or not finite, for then it is not known.
    """
    if any(not math.isfinite(training.get(name, math.nan)) for name in units):
        return None
    return scaled_mean({name: validation[name] - training[name] for name in units}, units)


def unit_of(value: float) -> float:
    """The unit for a metric that starts at ``value``: its size, or 1 when it starts at 0."""
    return abs(value) or 1.0


def scaled_mean(metrics: Mapping[str, float], units: Mapping[str, float]) -> float:
    """Mean of the metrics that ``units`` names, each divided by its unit, so that none dominates by its size."""
    return sum(metrics[name] / unit for name, unit in units.items()) / len(units)


def relative_gain(before: float, after: float) -> float:
    """How much lower ``after`` is than ``before``, as a share of the size of ``before``; below 0 when it is higher."""
    if before == after:
        return 0.0
    return (before - after) / abs(before) if before else math.copysign(math.inf, before - after)


def check(values: Sequence[float], least: int) -> None:
    """Check the length of a series and that its values are finite.

    Args:
        values: The series.
        least: Fewest values that are accepted.

    Raises:
        ValueError: For fewer than ``least`` values and for values that are not finite.
    """
    if len(values) < least:
        raise ValueError(f"A series of {len(values)} values is too short; at least {least} are needed.")
    for place, value in enumerate(values):
        if not math.isfinite(value):
            raise ValueError(f"Value {place} of the series is {value}; all must be finite.")


def _check_scale(scale: float) -> None:
    if not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"`scale` must be finite and above 0, got {scale}.")


__all__ = [
    "EXACT_UP_TO",
    "Trend",
    "check",
    "cusum",
    "generalisation_gap",
    "mann_kendall",
    "noise",
    "relative_gain",
    "rises_over_best",
    "scaled_mean",
    "sen_slope",
    "unit_of",
    "variance",
]
