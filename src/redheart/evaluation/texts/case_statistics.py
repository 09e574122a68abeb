"""Statistics of the cases: sums of which intervals over groups of variants are made.

Notable: in a mean over correlations, a cell without a spread in its labels has no part, and one without a spread in the
answers counts as 0.
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
    """The soft cross entropy of each text, in nats, (texts,); of the shares with themselves their entropy."""
    return np.asarray(-(shares * np.log(np.clip(probabilities.astype(np.float64), SMALLEST, None))).sum(axis=1))


def both_right(groups: Array, shares: Array, right: Array) -> Array:
    """Pairs of variants and those of them with both right, in each group, (groups, 2).

    groups: (texts,), numbers of groups. shares: (texts, 5). right: bool (texts,).
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
    """What the correlations of some columns are made of, for each text, to be summed: (texts, 6 x columns).

    Both (texts, columns), NaN where a value is not known.
    """
    predicted, actual = predicted.astype(np.float64), actual.astype(np.float64)
    known = np.isfinite(predicted) & np.isfinite(actual)
    first = known.argmax(axis=0)
    # Around a value that occurs: differences of equal numbers are exactly 0, and little is lost by squaring.
    x, y = (np.where(known, value - np.take_along_axis(value, first[None], axis=0), 0) for value in (predicted, actual))
    return np.hstack((known.astype(np.float64), x, y, x * x, y * y, x * y))


def correlations(sums: Array) -> tuple[Array, Array]:
    """Pearson's r of each column, NaN where one side has no spread, and whether the labels have one: (columns,) each.

    sums: of `moments`, over the texts.
    """
    count, x, y, xx, yy, xy = sums.reshape(6, -1)
    spread_x, spread_y = count * xx - x * x, count * yy - y * y
    varied_x, varied_y = spread_x > _NO_SPREAD * count * xx, spread_y > _NO_SPREAD * count * yy
    r, both = np.full(len(count), math.nan), varied_x & varied_y
    r[both] = (count * xy - x * y)[both] / np.sqrt(spread_x[both] * spread_y[both])
    return r, varied_y


def mean_correlation(sums: Array) -> float:
    """The mean r of the columns whose labels have a spread; NaN where no answer has one."""
    r, varied = correlations(sums)
    return float(np.nan_to_num(r[varied]).mean()) if np.isfinite(r).any() else math.nan


def interval(measure: Callable[[Array], float], groups: Array) -> Interval:
    """Over groups; without an interval for a single one, or where most resamples leave the measure undefined."""
    try:
        return bootstrap(measure, groups)
    except ValueError:
        return Interval(measure(groups), math.nan, math.nan)


def ratio(sums: Array) -> float:
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
