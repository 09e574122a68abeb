"""Calibration: whether probabilities mean what they say, and the thresholds and the temperature fitted on labels.

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
TEMPERATURES = (0.05, 20.0)  # where `fit_temperature` looks
# A label with fewer positives gets the threshold that all labels share: the best cut among a handful is chance.
FEWEST = 10


@dataclass(frozen=True, eq=False)
class Reliability:
    """The bins that hold any row, by rising confidence. Every field is (bins,)."""

    confidence: Array  # mean, 0..1
    frequency: Array  # how often it was so, 0..1
    count: Array  # rows


def reliability(confidence: Array, occurred: Array, bins: int = BINS) -> Reliability:
    """What was said against what was so, in bins of equal shares of the rows, for a plot.

    confidence: (rows,), 0..1. occurred: (rows,), 0 or 1, or the share of votes for it. Several labels of a text: ravel
    both, or one label at a time. Fewer bins come back where confidences are equal. Raises `ValueError` for values
    outside 0..1 and fewer than 2 bins.
    """
    confidence, occurred = _unit(confidence=confidence, occurred=occurred)
    places = quantile_bins(confidence, bins)
    count = np.bincount(places, minlength=bins)
    used = count > 0
    said, was = (np.bincount(places, value, minlength=bins)[used] / count[used] for value in (confidence, occurred))
    return Reliability(said, was, count[used])


def expected_calibration_error(confidence: Array, occurred: Array, bins: int = BINS) -> float:
    """Mean distance of confidence and frequency over the bins of `reliability`, weighted by their rows, 0..1.

    Naeini et al. 2015; Guo et al. 2017. The arguments and errors are those of `reliability`; of a distribution, take
    ``expected_calibration_error(*top_label(probabilities, shares))``. With few rows per bin, chance alone makes it
    larger than 0.
    """
    curve = reliability(confidence, occurred, bins)
    return float(np.average(np.abs(curve.confidence - curve.frequency), weights=curve.count))


def top_label(probabilities: Array, shares: Array) -> tuple[Array, Array]:
    """The confidence in the most probable class of each text, and the share of votes for it, (texts,) each.

    Both (texts, classes), each row a distribution; one-hot ``shares`` for one class per text.
    """
    probabilities, shares = distributions(probabilities=probabilities, shares=shares)
    top = probabilities.argmax(axis=1)[:, None]
    return np.take_along_axis(probabilities, top, 1)[:, 0], np.take_along_axis(shares, top, 1)[:, 0]


def fit_temperature(logits: Array, shares: Array) -> float:
    """The temperature by which to divide the logits for the lowest cross entropy (Guo et al. 2017, arXiv:1706.04599).

    logits: (texts, classes). shares: (texts, classes), vote shares. Returns a value within `TEMPERATURES`: at the upper
    end, the logits say nothing; at the lower, they are never wrong. 1 where no text has two different logits.
    """
    logits, shares = aligned(2, logits=logits, shares=shares)
    (shares,) = distributions(shares=shares)
    logits = logits.astype(np.float64)
    if not np.ptp(logits, axis=1).any():
        return 1.0

    def cost(log_temperature: float) -> float:
        return float(-(shares * log_softmax(logits / math.exp(log_temperature), axis=1)).sum(axis=1).mean())

    # The cost is convex in 1 / temperature, so it has one valley on any scale of the temperature.
    low, high = (math.log(value) for value in TEMPERATURES)
    found = minimize_scalar(cost, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    return math.exp(min((low, float(found.x), high), key=cost))  # the search itself stops short of the ends


def fit_threshold(scores: Array, actual: Array, weights: Array | None = None) -> float:
    """The one threshold, 0..1, with the best macro F1 on these rows, of a decision ``score >= threshold``.

    scores: (texts, labels), 0..1. actual: (texts, labels), 0 or 1. weights: (texts,), above 0, what each text counts;
    None = the same. Raises `ValueError` when no label has a positive, and for other weights.

    Each threshold lies in the middle between two scores that follow each other, all labels together. Of equally good
    ones, it is the nearest to 0.5, and of two that are equally near, the higher.
    """
    scores, actual = _scored(scores, actual)
    weights = _weights(weights, len(scores))
    cuts = np.unique(scores)
    total = np.zeros(len(cuts))
    for column, there in zip(scores.T, actual.T, strict=True):
        own, f1 = _f1_by_cut(column, there, weights)
        total += np.append(f1, 0)[np.searchsorted(own, cuts)]  # above its highest score a label is never asserted
    return _best(cuts, total)


def fit_thresholds(scores: Array, actual: Array, fewest: int = FEWEST, weights: Array | None = None) -> Array:
    """The threshold of each label with its best F1 on these rows, (labels,), 0..1.

    As `fit_threshold`, between the scores of the label alone. A label with fewer than ``fewest`` positives, or with
    none, gets the threshold of `fit_threshold`, which all labels share.
    """
    scores, actual = _scored(scores, actual)
    known = _weights(weights, len(scores))
    few = actual.sum(axis=0) < max(fewest, 1)
    shared = fit_threshold(scores, actual, weights) if few.any() else math.nan
    columns = zip(scores.T, actual.T, few, strict=True)
    return np.array([shared if is_few else _best(*_f1_by_cut(score, there, known)) for score, there, is_few in columns])


def cross_fitted(
    scores: Array,
    actual: Array,
    fit: Callable[[Array, Array], Array | float] = fit_thresholds,
    folds: int = 5,
    seed: int = 0,
) -> Array:
    """Decisions on each text with thresholds that were fitted without it: bool (texts, labels).

    fit: `fit_thresholds`, `fit_threshold`, or another function of scores and labels; it sees (folds - 1) / folds of the
    positives, so that a label may fall below its ``fewest`` here and not on all rows. The texts are dealt out to the
    folds at random. Raises `ValueError` for fewer than 2 folds, or more folds than texts.
    """
    scores, actual = _scored(scores, actual)
    if not 2 <= folds <= len(scores):
        raise ValueError(f"`folds` must be 2 or more and at most the {len(scores)} texts, got {folds}.")
    fold = np.random.default_rng(seed).permutation(len(scores)) % folds
    asserted = np.zeros(scores.shape, dtype=bool)
    for held in range(folds):
        out = fold == held
        asserted[out] = scores[out] >= fit(scores[~out], actual[~out])
    return asserted


def cross_fitted_f1(
    scores: Array,
    actual: Array,
    fit: Callable[[Array, Array], Array | float] = fit_thresholds,
    folds: int = 5,
    seed: int = 0,
) -> float:
    """Macro F1 of the decisions of `cross_fitted`, all folds pooled, 0..1: what fitted thresholds reach on new rows."""
    return macro_f1(actual, cross_fitted(scores, actual, fit, folds, seed))


def _unit(**arrays: Array) -> list[Array]:
    values = [value.astype(np.float64) for value in aligned(1, **arrays)]
    for name, value in zip(arrays, values, strict=True):
        if value.min() < 0 or value.max() > 1:
            raise ValueError(f"`{name}` must lie in 0..1, got {value.min():g}..{value.max():g}; take probabilities.")
    return values


def _scored(scores: Array, actual: Array) -> tuple[Array, Array]:
    scores, actual = aligned(2, scores=scores, actual=actual)
    (actual,) = decisions(actual=actual)
    _unit(scores=scores.ravel())
    if not actual.any():
        raise ValueError("No label has a positive, every threshold is as good as another; give rows with labels.")
    return scores.astype(np.float64), actual


def _weights(weights: Array | None, rows: int) -> Array:
    if weights is None:
        return np.ones(rows)
    (weights,) = aligned(1, weights=weights)
    if len(weights) != rows or weights.min() <= 0:
        raise ValueError(f"`weights` must be {rows} numbers above 0, one per text, got {weights.shape}.")
    return weights.astype(np.float64)


def _f1_by_cut(scores: Array, there: Array, weights: Array) -> tuple[Array, Array]:
    """The scores of one label that differ, rising, and the F1 of asserting it from each of them on."""
    cuts, places = np.unique(scores, return_inverse=True)
    made, right = (np.bincount(places, weights=value)[::-1].cumsum()[::-1] for value in (weights, weights * there))
    return cuts, 2 * right / (made + (weights * there).sum())


def _best(cuts: Array, worth: Array) -> float:
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
