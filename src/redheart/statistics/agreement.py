"""Krippendorff's alpha: how far several readings of each text agree, beyond what chance would give.

Notable: computed from differences within the units, without a coincidence matrix, so that scores with thousands of
values cost no more than a few labels (ratio level excepted). Ordinal is the interval level on middle ranks: the sum of
frequencies by which Krippendorff defines it is a difference of those.
"""

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias, get_args

import numpy as np

from .measures import Array, Interval, bootstrap

Level: TypeAlias = Literal["nominal", "ordinal", "interval", "ratio"]


@dataclass(frozen=True, eq=False)
class MeanAlpha:
    """Alpha of several scores of the same units.

    Attributes:
        value: Mean over the scores that have an alpha; NaN when none has.
        alphas: Alpha of each score, ``(scores,)``; NaN where undefined.
        undefined: Number of scores that are the same everywhere.
    """

    value: float
    alphas: Array
    undefined: int


def krippendorff_alpha(values: Array, level: Level = "interval") -> float:
    """Krippendorff's alpha (Krippendorff 2011, Computing Krippendorff's Alpha-Reliability).

    Args:
        values: Shape ``(units, raters)``, NaN where a rater has none; nominal values as numbers.
        level: What a difference means; ratio takes values of 0 or more.

    Returns:
        Alpha, at most 1: 1 is agreement, 0 what chance gives, less is systematic disagreement. NaN when all values that
        can be paired are equal: nothing then shows whether raters tell units apart.

    Raises:
        ValueError: For fewer than two values that can be paired (with another one of their unit), for infinite values,
            and for negative ones at ratio level.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"Expected values (units, raters), got shape {values.shape}.")
    _check(values, level)
    return _alpha(values, level)


def mean_alpha(values: Array, level: Level = "interval") -> MeanAlpha:
    """Alpha of each score by itself, and their mean.

    A score that is the same everywhere has no alpha: it is counted, and left out of the mean.

    Args:
        values: Shape ``(units, raters, scores)``, NaN where missing.
        level: What a difference means, as in `krippendorff_alpha`.

    Returns:
        The mean, the alpha of each score and the number of undefined ones.

    Raises:
        ValueError: As `krippendorff_alpha`, for any of the scores.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 3 or not values.shape[2]:
        raise ValueError(f"Expected values (units, raters, scores), got shape {values.shape}.")
    _check(values, level)
    alphas = _alphas(values, level)
    return MeanAlpha(_defined_mean(alphas), alphas, int(np.isnan(alphas).sum()))


def alpha_interval(
    values: Array, level: Level = "interval", resamples: int = 1000, confidence: float = 0.95, seed: int = 0
) -> Interval:
    """Alpha, or the mean alpha of several scores, with its bootstrap interval over units.

    All values of a unit stay together in a resample.

    Args:
        values: Shape ``(units, raters)`` or ``(units, raters, scores)``, NaN where missing.
        level: What a difference means, as in `krippendorff_alpha`.
        resamples: Number of bootstrap resamples.
        confidence: Share of resamples within the interval, 0..1.
        seed: Seed of the resamples.

    Returns:
        The figure and its percentile interval.

    Raises:
        ValueError: As `krippendorff_alpha` and `bootstrap`.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim not in (2, 3):
        raise ValueError(f"Expected values (units, raters) or (units, raters, scores), got shape {values.shape}.")
    _check(values, level)

    def measure(drawn: Array) -> float:
        return _alpha(drawn, level) if drawn.ndim == 2 else _defined_mean(_alphas(drawn, level))

    return bootstrap(measure, values, resamples=resamples, level=confidence, seed=seed)


def _check(values: Array, level: Level) -> None:
    """Refuse what has no alpha; ``values`` has the shape ``(units, raters, ...)``."""
    if level not in get_args(Level):
        raise ValueError(f"`level` must be one of {', '.join(get_args(Level))}, got {level!r}.")
    if np.isinf(values).any():
        raise ValueError("Values must be finite, or NaN where missing, got infinite ones; leave their units out.")
    pairable = (np.count_nonzero(~np.isnan(values), axis=1) > 1).any(axis=0)
    if not pairable.all():
        raise ValueError(
            f"No unit has two values in {np.count_nonzero(~pairable)} of {pairable.size} score(s), so none can be "
            "paired; give at least 2 raters of one unit."
        )
    if level == "ratio" and np.nanmin(values) < 0:
        raise ValueError(f"Ratio level takes values of 0 or more, got {np.nanmin(values):g}; use level='interval'.")


def _alphas(values: Array, level: Level) -> Array:
    return np.array([_alpha(score, level) for score in np.moveaxis(values, 2, 0)])


def _defined_mean(alphas: Array) -> float:
    defined = alphas[~np.isnan(alphas)]
    return float(defined.mean()) if defined.size else math.nan


def _alpha(values: Array, level: Level) -> float:
    """Alpha of one score; NaN also where nothing can be paired, as may happen in a resample."""
    values = values[np.count_nonzero(~np.isnan(values), axis=1) > 1]
    present = ~np.isnan(values)
    pooled = values[present]
    if not pooled.size or np.ptp(pooled) == 0:
        return math.nan
    if level == "ordinal":
        values[present] = pooled = _middle_ranks(pooled)
    raters = present.sum(axis=1)
    observed = (_squared_differences(values, present, raters, level) / (raters - 1)).sum() / len(pooled)
    return float(1 - observed / _expected(pooled, level))


def _middle_ranks(values: Array) -> Array:
    ordered = np.sort(values)
    return (np.searchsorted(ordered, values, side="left") + np.searchsorted(ordered, values, side="right")) / 2


def _squared_differences(values: Array, present: Array, raters: Array, level: Level) -> Array:
    """Squared differences of each unit, summed over its ordered pairs of raters: ``(units,)``."""
    if level in ("interval", "ordinal"):  # the sum over pairs is 2 n times the squares around the mean
        filled = np.where(present, values, 0)
        around = np.where(present, values - (filled.sum(axis=1) / raters)[:, None], 0)
        return 2 * raters * np.square(around).sum(axis=1)
    pairs = combinations(values.T, 2)
    difference = _ratio_difference if level == "ratio" else np.not_equal
    return np.sum([2 * np.where(np.isnan(x + y), 0, difference(x, y)) for x, y in pairs], axis=0)


def _ratio_difference(first: Array, second: Array) -> Array:
    """Krippendorff's squared difference at ratio level; two zeros do not differ."""
    total = first + second
    return np.square(np.divide(first - second, total, out=np.zeros(np.shape(total)), where=total != 0))


def _expected(pooled: Array, level: Level) -> float:
    """Mean squared difference over all ordered pairs of two values."""
    count = len(pooled)
    if level in ("interval", "ordinal"):
        total = 2 * count * float(np.square(pooled - pooled.mean()).sum())
    else:
        unique, frequencies = np.unique(pooled, return_counts=True)
        if level == "nominal":
            total = count**2 - float(np.square(frequencies).sum())
        else:  # value by value: all pairs at once may not fit in memory
            rows = (frequencies @ _ratio_difference(unique, value) for value in unique)
            total = float(sum(number * row for number, row in zip(frequencies, rows, strict=True)))
    return total / (count * (count - 1))


__all__ = ["Level", "MeanAlpha", "alpha_interval", "krippendorff_alpha", "mean_alpha"]
