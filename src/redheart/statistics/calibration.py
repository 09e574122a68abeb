"""Calibration: whether probabilities come true as often as they say, and thresholds and temperature fitted on labels.

Notable: bins hold equal shares of the rows, and equal confidences share a bin, so that no figure depends on the order
of the rows. Thresholds are exact: every decision that a threshold can make on the rows is tried. A figure on the rows
that the thresholds were fitted on is too good; `cross_fitted_f1` is the honest one beside it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..configuration.extras import missing
from .measures import Array, aligned, decisions, distributions, macro_f1
from .surd_estimator import quantile_bins

try:
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax
except ImportError as error:
    raise missing("Calibration needs scipy", "train") from error

BINS = 15
TEMPERATURES = (0.05, 20.0)  # range that `fit_temperature` searches
# A label with fewer positives gets the threshold that all labels share: the best cut among a handful is chance.
FEWEST = 10


@dataclass(frozen=True, eq=False)
class Reliability:
    """The bins that hold any row, by rising confidence.

    Attributes:
        confidence: Mean confidence of each bin, ``(bins,)``, 0..1.
        frequency: How often it came true, ``(bins,)``, 0..1.
        count: Rows in each bin, ``(bins,)``.
    """

    confidence: Array
    frequency: Array
    count: Array


def reliability(confidence: Array, occurred: Array, bins: int = BINS) -> Reliability:
    """Confidence against observed frequency, in bins of equal shares of the rows, for a plot.

    For several labels of a text, ravel both arguments, or take one label at a time.

    Args:
        confidence: Shape ``(rows,)``, 0..1.
        occurred: Shape ``(rows,)``, 0 or 1, or the share of votes for it.
        bins: Number of bins, at least 2; fewer come back where confidences are equal.

    Returns:
        The bins that hold any row.

    Raises:
        ValueError: For values outside 0..1 and fewer than 2 bins.
    """
    confidence, occurred = _in_unit_interval(confidence=confidence, occurred=occurred)
    places = quantile_bins(confidence, bins)
    count = np.bincount(places, minlength=bins)
    used = count > 0
    confidences, frequencies = (
        np.bincount(places, value, minlength=bins)[used] / count[used] for value in (confidence, occurred)
    )
    return Reliability(confidences, frequencies, count[used])


def expected_calibration_error(confidence: Array, occurred: Array, bins: int = BINS) -> float:
    """Mean distance of confidence and frequency over bins (Naeini et al. 2015; Guo et al. 2017).

    Of a distribution, take ``expected_calibration_error(*top_label(probabilities, shares))``. With few rows per bin,
    chance alone makes it larger than 0.

    Args:
        confidence: Shape ``(rows,)``, 0..1.
        occurred: Shape ``(rows,)``, 0 or 1, or the share of votes for it.
        bins: Number of bins, at least 2.

    Returns:
        The distance over the bins of `reliability`, weighted by their rows, 0..1.

    Raises:
        ValueError: As `reliability`.
    """
    curve = reliability(confidence, occurred, bins)
    return float(np.average(np.abs(curve.confidence - curve.frequency), weights=curve.count))


def top_label(probabilities: Array, shares: Array) -> tuple[Array, Array]:
    """The confidence in the most probable class of each text, and the share of votes for it.

    Args:
        probabilities: Shape ``(texts, classes)``, each row a distribution.
        shares: Shape ``(texts, classes)``, each row a distribution; one-hot for one class per text.

    Returns:
        Confidence and share of votes, ``(texts,)`` each.

    Raises:
        ValueError: For rows that are not a distribution.
    """
    probabilities, shares = distributions(probabilities=probabilities, shares=shares)
    top = probabilities.argmax(axis=1)[:, None]
    return np.take_along_axis(probabilities, top, 1)[:, 0], np.take_along_axis(shares, top, 1)[:, 0]


def fit_temperature(logits: Array, shares: Array) -> float:
    """The temperature by which to divide the logits for the lowest cross entropy (Guo et al. 2017, arXiv:1706.04599).

    Args:
        logits: Shape ``(texts, classes)``.
        shares: Vote shares, ``(texts, classes)``.

    Returns:
        A value within `TEMPERATURES`: at the upper end, the logits hold no information; at the lower, they are never
        wrong. 1 where no text has two different logits.

    Raises:
        ValueError: For shapes that differ, values that are not finite, and shares that are not a distribution.
    """
    logits, shares = aligned(2, logits=logits, shares=shares)
    (shares,) = distributions(shares=shares)
    logits = logits.astype(np.float64)
    if not np.ptp(logits, axis=1).any():
        return 1.0

    def cost(log_temperature: float) -> float:
        return float(-(shares * log_softmax(logits / math.exp(log_temperature), axis=1)).sum(axis=1).mean())

    # The cost is convex in 1 / temperature, so it has one minimum on any scale of the temperature.
    low, high = (math.log(value) for value in TEMPERATURES)
    found = minimize_scalar(cost, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    return math.exp(min((low, float(found.x), high), key=cost))  # the search itself stops short of the ends


def fit_threshold(scores: Array, actual: Array, weights: Array | None = None) -> float:
    """The one threshold with the best macro F1 on these rows, of a decision ``score >= threshold``.

    It lies in the middle between two neighbouring scores, all labels together. Of equally good thresholds, it is the
    nearest to 0.5, and of two that are equally near, the higher.

    Args:
        scores: Shape ``(texts, labels)``, 0..1.
        actual: Shape ``(texts, labels)``, 0 or 1.
        weights: Weight of each text, ``(texts,)``, above 0; None = equal weights.

    Returns:
        The threshold, 0..1.

    Raises:
        ValueError: When no label has a positive, and for weights of another shape or not above 0.
    """
    scores, actual = _checked_scores(scores, actual)
    weights = _checked_weights(weights, len(scores))
    cuts = np.unique(scores)
    total = np.zeros(len(cuts))
    for column, present in zip(scores.T, actual.T, strict=True):
        own, f1 = _f1_by_cut(column, present, weights)
        total += np.append(f1, 0)[np.searchsorted(own, cuts)]  # above its highest score a label is never asserted
    return _best_threshold(cuts, total)


def fit_thresholds(scores: Array, actual: Array, fewest: int = FEWEST, weights: Array | None = None) -> Array:
    """The threshold of each label with its best F1 on these rows.

    As `fit_threshold`, between the scores of the label alone.

    Args:
        scores: Shape ``(texts, labels)``, 0..1.
        actual: Shape ``(texts, labels)``, 0 or 1.
        fewest: A label with fewer positives, or with none, gets the threshold of `fit_threshold`, which all labels
            share.
        weights: Weight of each text, ``(texts,)``, above 0; None = equal weights.

    Returns:
        The thresholds, ``(labels,)``, 0..1.

    Raises:
        ValueError: As `fit_threshold`.
    """
    scores, actual = _checked_scores(scores, actual)
    known = _checked_weights(weights, len(scores))
    few = actual.sum(axis=0) < max(fewest, 1)
    shared = fit_threshold(scores, actual, weights) if few.any() else math.nan
    columns = zip(scores.T, actual.T, few, strict=True)
    return np.array(
        [
            shared if is_few else _best_threshold(*_f1_by_cut(score, present, known))
            for score, present, is_few in columns
        ]
    )


def cross_fitted(
    scores: Array,
    actual: Array,
    fit: Callable[[Array, Array], Array | float] = fit_thresholds,
    folds: int = 5,
    seed: int = 0,
) -> Array:
    """Decisions on each text with thresholds that were fitted without it.

    The texts are assigned to the folds at random.

    Args:
        scores: Shape ``(texts, labels)``, 0..1.
        actual: Shape ``(texts, labels)``, 0 or 1.
        fit: `fit_thresholds`, `fit_threshold`, or another function of scores and labels; it sees (folds - 1) / folds of
            the positives, so that a label may fall below its ``fewest`` here and not on all rows.
        folds: Number of folds, 2 or more, at most the number of texts.
        seed: Seed of the assignment to folds.

    Returns:
        Decisions, bool ``(texts, labels)``.

    Raises:
        ValueError: For fewer than 2 folds, or more folds than texts.
    """
    scores, actual = _checked_scores(scores, actual)
    if not 2 <= folds <= len(scores):
        raise ValueError(f"`folds` must be 2 or more and at most the {len(scores)} texts, got {folds}.")
    fold = np.random.default_rng(seed).permutation(len(scores)) % folds
    asserted = np.zeros(scores.shape, dtype=bool)
    for current in range(folds):
        held_out = fold == current
        asserted[held_out] = scores[held_out] >= fit(scores[~held_out], actual[~held_out])
    return asserted


def cross_fitted_f1(
    scores: Array,
    actual: Array,
    fit: Callable[[Array, Array], Array | float] = fit_thresholds,
    folds: int = 5,
    seed: int = 0,
) -> float:
    """Macro F1 of the decisions of `cross_fitted`: what fitted thresholds reach on new rows.

    Args:
        scores: Shape ``(texts, labels)``, 0..1.
        actual: Shape ``(texts, labels)``, 0 or 1.
        fit: As in `cross_fitted`.
        folds: Number of folds, as in `cross_fitted`.
        seed: Seed of the assignment to folds.

    Returns:
        Macro F1 over all folds pooled, 0..1.

    Raises:
        ValueError: As `cross_fitted`.
    """
    return macro_f1(actual, cross_fitted(scores, actual, fit, folds, seed))


def _in_unit_interval(**arrays: Array) -> list[Array]:
    values = [value.astype(np.float64) for value in aligned(1, **arrays)]
    for name, value in zip(arrays, values, strict=True):
        if value.min() < 0 or value.max() > 1:
            raise ValueError(f"`{name}` must lie in 0..1, got {value.min():g}..{value.max():g}; take probabilities.")
    return values


def _checked_scores(scores: Array, actual: Array) -> tuple[Array, Array]:
    scores, actual = aligned(2, scores=scores, actual=actual)
    (actual,) = decisions(actual=actual)
    _in_unit_interval(scores=scores.ravel())
    if not actual.any():
        raise ValueError("No label has a positive, so every threshold is as good as another; give rows with labels.")
    return scores.astype(np.float64), actual


def _checked_weights(weights: Array | None, rows: int) -> Array:
    if weights is None:
        return np.ones(rows)
    (weights,) = aligned(1, weights=weights)
    if len(weights) != rows or weights.min() <= 0:
        raise ValueError(f"`weights` must be {rows} numbers above 0, one per text, got {weights.shape}.")
    return weights.astype(np.float64)


def _f1_by_cut(scores: Array, present: Array, weights: Array) -> tuple[Array, Array]:
    """The distinct scores of one label, rising, and the F1 of asserting it from each of them on."""
    cuts, places = np.unique(scores, return_inverse=True)
    asserted, right = (
        np.bincount(places, weights=value)[::-1].cumsum()[::-1] for value in (weights, weights * present)
    )
    return cuts, 2 * right / (asserted + (weights * present).sum())


def _best_threshold(cuts: Array, worth: Array) -> float:
    """A threshold that makes the best of the decisions ``score >= cut``; the rule is in `fit_threshold`."""
    thresholds = cuts.copy()
    thresholds[1:] = (cuts[:-1] + cuts[1:]) / 2
    thresholds = np.where(np.append(True, thresholds[1:] > cuts[:-1]), thresholds, cuts)  # none between neighbours
    best = thresholds[worth == worth.max()]
    return float(max(best, key=lambda value: (-abs(value - 0.5), value)))


__all__ = [
    "Reliability",
    "cross_fitted",
    "cross_fitted_f1",
    "expected_calibration_error",
    "fit_temperature",
    "fit_threshold",
    "fit_thresholds",
    "reliability",
    "top_label",
]
