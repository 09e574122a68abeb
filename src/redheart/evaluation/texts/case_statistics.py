"""Statistics of the cases: sums from which intervals over groups of variants are made.

Notable: a mean over correlations leaves out a cell whose labels have no spread, and counts one whose answers have no
spread as 0.
"""

import math
from collections.abc import Callable

import numpy as np

from ...configuration.labels import VERDICTS
from ...data.loading import Array
from ...statistics.measures import SMALLEST, Interval, bootstrap

_AUTHOR, _OTHER = VERDICTS.index("author"), VERDICTS.index("other")

_NO_SPREAD = 1e-10  # variance, as a share of the mean square, that rounding alone may leave


def cross_entropies(probabilities: Array, shares: Array) -> Array:
    """The soft cross entropy of each text, in nats, ``(texts,)``; of the shares with themselves their entropy."""
    return np.asarray(-(shares * np.log(np.clip(probabilities.astype(np.float64), SMALLEST, None))).sum(axis=1))


def both_right(groups: Array, shares: Array, right: Array) -> Array:
    """Count pairs of variants, and those with both right, in each group.

    Args:
        groups: Number of the group of each text, ``(texts,)``.
        shares: Shares of the votes, ``(texts, 5)``.
        right: Whether each text is read right, bool ``(texts,)``.

    Returns:
        Pairs, and those with both right, ``(groups, 2)``.
    """
    alone: Array = (shares == shares.max(axis=1, keepdims=True)).sum(axis=1) == 1
    top = shares.argmax(axis=1)
    counts = [
        np.bincount(groups, weights=chosen, minlength=int(groups.max()) + 1)
        for side in (_AUTHOR, _OTHER)
        for chosen in (alone & (top == side), alone & (top == side) & right)
    ]
    return np.stack((counts[0] * counts[2], counts[1] * counts[3]), axis=1)


def moments(predicted: Array, actual: Array) -> Array:
    """What the correlations of some columns are computed from, for each text, to be summed.

    Args:
        predicted: Shape ``(texts, columns)``, NaN where a value is not known.
        actual: Shape ``(texts, columns)``, NaN where a value is not known.

    Returns:
        Shape ``(texts, 6 x columns)``.
    """
    predicted, actual = predicted.astype(np.float64), actual.astype(np.float64)
    known = np.isfinite(predicted) & np.isfinite(actual)
    first = known.argmax(axis=0)
    # Around a value that occurs: differences of equal numbers are exactly 0, and little is lost by squaring.
    x, y = (np.where(known, value - np.take_along_axis(value, first[None], axis=0), 0) for value in (predicted, actual))
    return np.hstack((known.astype(np.float64), x, y, x * x, y * y, x * y))


def correlations(sums: Array) -> tuple[Array, Array]:
    """Pearson's r of each column, and whether the labels have a spread.

    Args:
        sums: `moments`, summed over the texts.

    Returns:
        r, NaN where one side has no spread, and whether the labels have one: ``(columns,)`` each.
    """
    count, x, y, xx, yy, xy = sums.reshape(6, -1)
    spread_x, spread_y = count * xx - x * x, count * yy - y * y
    varied_x, varied_y = spread_x > _NO_SPREAD * count * xx, spread_y > _NO_SPREAD * count * yy
    r, both = np.full(len(count), math.nan), varied_x & varied_y
    r[both] = (count * xy - x * y)[both] / np.sqrt(spread_x[both] * spread_y[both])
    return r, varied_y


def mean_correlation(sums: Array) -> float:
    """The mean r of the columns whose labels have a spread; NaN where the answers of no column have one."""
    r, varied = correlations(sums)
    return float(np.nan_to_num(r[varied]).mean()) if np.isfinite(r).any() else math.nan


def interval(measure: Callable[[Array], float], groups: Array) -> Interval:
    """An interval over groups; none for a single group, or where most resamples leave the measure undefined."""
    try:
        return bootstrap(measure, groups)
    except ValueError:
        return Interval(measure(groups), math.nan, math.nan)


def ratio(sums: Array) -> float:
    """The first sum divided by the second; NaN where that is 0."""
    return float(sums[0] / sums[1]) if sums[1] else math.nan


__all__ = [
    "both_right",
    "correlations",
    "cross_entropies",
    "interval",
    "mean_correlation",
    "moments",
    "ratio",
]
