"""Measures of readings against labels, and a bootstrap interval for each.

Notable: a mean over labels is over those that occur, since what does not occur can neither be found nor missed; where
none occurs, it is undefined. An F1 and an average precision are made of sums over rows, so that for these `bootstrap`
takes many resamples in one matrix product: seconds for 5,000 texts, 28 labels and 1,000 resamples.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ..configuration.labels import VERDICTS

Array: TypeAlias = npt.NDArray[Any]
Measure: TypeAlias = Callable[..., float]

SMALLEST = 1e-9  # a probability counts as at least this: one text must not make a cross entropy infinite
DRAWN_AT_ONCE = 4_000_000  # numbers that `bootstrap` draws at once: 32 MB


@dataclass(frozen=True)
class Interval:
    """A figure and its percentile interval.

    Attributes:
        value: The figure on the rows as they are.
        low: Lower end of the interval.
        high: Upper end of the interval.
        undefined: Resamples on which the measure is NaN; they are left out of the interval.
    """

    value: float
    low: float
    high: float
    undefined: int = 0


@dataclass(frozen=True, eq=False)
class LabelF1:
    """Precision, recall and F1 of each label.

    Attributes:
        precision: Share of the assertions that are right, ``(labels,)``, 0..1.
        recall: Share of the occurrences that are asserted, ``(labels,)``, 0..1.
        f1: Harmonic mean of both, ``(labels,)``, 0..1.
        support: Rows that have the label, ``(labels,)``.
    """

    precision: Array
    recall: Array
    f1: Array
    support: Array


def aligned(dimensions: int, **arrays: npt.ArrayLike) -> list[Array]:
    """Return the arguments as arrays, if they fit together.

    Args:
        dimensions: Number of dimensions that each must have.
        **arrays: Arrays of one shape, by the names that an error uses.

    Returns:
        The arrays, in the order of the arguments.

    Raises:
        ValueError: For another number of dimensions, shapes that differ, no rows, and values that are not finite.
    """
    found = {name: np.asarray(value) for name, value in arrays.items()}
    shapes = {name: value.shape for name, value in found.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != dimensions for shape in shapes.values()):
        raise ValueError(f"Expected {dimensions} dimension(s) and one shape, got {shapes}; give one row per text.")
    for name, value in found.items():
        if not value.size:
            raise ValueError(f"`{name}` is empty, of shape {value.shape}; a measure needs at least one row.")
        if count := np.count_nonzero(~np.isfinite(value)):
            raise ValueError(f"`{name}` has {count} value(s) that are not finite; leave their rows out.")
    return list(found.values())


def decisions(**arrays: npt.ArrayLike) -> list[Array]:
    """Return the arguments as boolean arrays.

    Args:
        **arrays: Shape ``(texts, labels)``, 0 or 1, by the names that an error uses.

    Returns:
        Boolean arrays ``(texts, labels)``, in the order of the arguments.

    Raises:
        ValueError: For values other than 0 and 1, and as `aligned`.
    """
    values = aligned(2, **arrays)
    for name, value in zip(arrays, values, strict=True):
        if not np.isin(value, (0, 1)).all():
            raise ValueError(
                f"`{name}` must hold decisions, 0 or 1, got {value.min()}..{value.max()}; use a threshold."
            )
    return [value.astype(bool) for value in values]


def distributions(**arrays: npt.ArrayLike) -> list[Array]:
    """Return the arguments as float64 arrays of distributions.

    Args:
        **arrays: Shape ``(texts, classes)``, by the names that an error uses.

    Returns:
        Float64 arrays ``(texts, classes)``, in the order of the arguments.

    Raises:
        ValueError: For rows that are not a distribution, and as `aligned`.
    """
    values = [value.astype(np.float64) for value in aligned(2, **arrays)]
    for name, value in zip(arrays, values, strict=True):
        # Half precision may leave a softmax about a thousandth off.
        if value.min() < 0 or np.abs(value.sum(axis=1) - 1).max() > 5e-3:
            raise ValueError(
                f"Rows of `{name}` must be probabilities with the sum 1, got values from {value.min():g} and sums "
                f"{value.sum(axis=1).min():g}..{value.sum(axis=1).max():g}; take the softmax, or votes / all votes."
            )
    return values


def pearson(predicted: Array, actual: Array) -> float:
    """Pearson's r of two vectors.

    `scipy.stats.pearsonr` is the same with a p-value and a warning, which `bootstrap` would ask for 1,000 times.

    Args:
        predicted: Shape ``(texts,)``.
        actual: Shape ``(texts,)``.

    Returns:
        r, -1..1; NaN when one of the vectors is constant.

    Raises:
        ValueError: As `aligned`.
    """
    predicted, actual = (value.astype(np.float64) for value in aligned(1, predicted=predicted, actual=actual))
    # By the range: the mean of equal numbers may differ from them in the last bit.
    if np.ptp(predicted) == 0 or np.ptp(actual) == 0:
        return math.nan
    first, second = predicted - predicted.mean(), actual - actual.mean()
    return float((first * second).sum() / math.sqrt((first**2).sum() * (second**2).sum()))


def soft_cross_entropy(probabilities: Array, shares: Array) -> float:
    """Mean cross entropy in nats against vote shares. Both (texts, classes), each row a distribution."""
    probabilities, shares = distributions(probabilities=probabilities, shares=shares)
    return float(-(shares * np.log(np.clip(probabilities, SMALLEST, None))).sum(axis=1).mean()) + 0.0  # never -0.0


def pair_accuracy(better: Array, worse: Array) -> float:
    """Share of pairs whose better text scores higher, 0..1; a tie counts half. Both (pairs,)."""
    better, worse = aligned(1, better=better, worse=worse)
    return float(np.mean((better > worse) + 0.5 * (better == worse)))


def accuracy(asserted: Array, actual: Array) -> float:
    """Share of texts whose asserted class is the actual one, 0..1. Both (texts,), class numbers."""
    asserted, actual = aligned(1, asserted=asserted, actual=actual)
    return float(np.mean(asserted == actual))


def right_verdicts(probabilities: Array, shares: Array) -> Array:
    """Whether the most probable verdict of each text has the most votes, or as many as another.

    Args:
        probabilities: Shape ``(texts, verdicts)``; of equally probable verdicts the first counts.
        shares: Shares of the votes, ``(texts, verdicts)``.

    Returns:
        Bool ``(texts,)``.

    Raises:
        ValueError: As `aligned`.
    """
    probabilities, shares = aligned(2, probabilities=probabilities, shares=shares)
    votes = np.take_along_axis(shares, probabilities.argmax(axis=1)[:, None], axis=1)[:, 0]
    return np.asarray(votes >= shares.max(axis=1))


def average_precision(actual: Array, probabilities: Array) -> float:
    """Area under precision against recall, without interpolation.

    Texts of equal score are asserted together, as in scikit-learn.

    Args:
        actual: Shape ``(texts, labels)``, 0 or 1.
        probabilities: Shape ``(texts, labels)``, or any scores that grow with them.

    Returns:
        The mean over the labels that occur, 0..1; NaN when none does.

    Raises:
        ValueError: As `aligned` and `decisions`.
    """
    return float(_average_precision(_unit_weights(actual), actual, probabilities)[0])


def macro_f1(actual: Array, asserted: Array) -> float:
    """Mean F1 over the labels that occur, 0..1; NaN when none does. Both ``(texts, labels)``, 0 or 1."""
    return float(_macro_f1(_unit_weights(actual), actual, asserted)[0])


def micro_f1(actual: Array, asserted: Array) -> float:
    """F1 of the assertions of all labels together, 0..1. Both ``(texts, labels)``, 0 or 1."""
    return float(_micro_f1(_unit_weights(actual), actual, asserted)[0])


def verdict_f1(probabilities: Array, shares: Array) -> float:
    """Macro F1 of the most probable verdict against the majority's, over the verdicts that occur.

    Between equals the first verdict in the order of ``labels.VERDICTS`` counts.

    Args:
        probabilities: Shape ``(texts, 5)``, or logits.
        shares: Shape ``(texts, 5)``, or votes.

    Returns:
        Macro F1, 0..1.

    Raises:
        ValueError: For another number of verdicts, and as `aligned`.
    """
    return float(_verdict_f1(_unit_weights(probabilities), probabilities, shares)[0])


def label_f1(actual: Array, asserted: Array) -> LabelF1:
    """Precision, recall and F1 of each label. Both ``(texts, labels)``, 0 or 1."""
    counts = _counts(_unit_weights(actual), actual, asserted)[0]
    right, assertions, occurrences = counts
    return LabelF1(_ratio(right, assertions), _ratio(right, occurrences), _f1(counts), occurrences.astype(np.int64))


# In what follows, `weights` (resamples, texts) says how often a text counts; the measures give (resamples,). That is
# why they are here: scikit-learn takes one weighting in a call, which makes 1,000 resamples of 28 labels 28,000 calls.
# The tests compare both.


def _unit_weights(rows: Array) -> Array:
    return np.ones((1, len(rows)))


def _ratio(part: Array, whole: Array) -> Array:
    """The ratio, and 0 where the whole is 0, as with scikit-learn's ``zero_division=0``."""
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=whole > 0)


def _counts(weights: Array, actual: Array, asserted: Array) -> Array:
    """Right assertions, assertions and occurrences of each label: ``(resamples, 3, labels)``."""
    actual, asserted = decisions(actual=actual, asserted=asserted)
    rows = np.stack((actual & asserted, asserted, actual), axis=1)
    return np.tensordot(weights, rows.astype(np.float64), axes=1)


def _f1(counts: Array) -> Array:
    """F1 ``(..., labels)`` of counts ``(..., 3, labels)``, as in `_counts`."""
    return _ratio(2 * counts[..., 0, :], counts[..., 1, :] + counts[..., 2, :])


def _macro_f1(weights: Array, actual: Array, asserted: Array) -> Array:
    counts = _counts(weights, actual, asserted)
    occurs = counts[..., 2, :] > 0
    total, present = np.where(occurs, _f1(counts), 0).sum(axis=-1), occurs.sum(axis=-1)
    return np.divide(total, present, out=np.full(len(weights), math.nan), where=present > 0)


def _micro_f1(weights: Array, actual: Array, asserted: Array) -> Array:
    return _f1(_counts(weights, actual, asserted).sum(axis=-1, keepdims=True))[:, 0]


def _verdict_f1(weights: Array, probabilities: Array, shares: Array) -> Array:
    probabilities, shares = aligned(2, probabilities=probabilities, shares=shares)
    if shares.shape[1] != len(VERDICTS):
        raise ValueError(f"Expected {len(VERDICTS)} verdicts, got {shares.shape[1]} columns; see `labels.VERDICTS`.")
    every = np.arange(len(VERDICTS))
    actual, asserted = (value.argmax(axis=1)[:, None] == every for value in (shares, probabilities))
    return _macro_f1(weights, actual, asserted)


def _average_precision(weights: Array, actual: Array, probabilities: Array) -> Array:
    actual, probabilities = aligned(2, actual=actual, probabilities=probabilities)
    (actual,) = decisions(actual=actual)
    total, present = np.zeros(len(weights)), np.zeros(len(weights))
    for has_label, scores in zip(actual.T, probabilities.T.astype(np.float64), strict=True):
        order = np.argsort(-scores, kind="stable")
        right = np.flatnonzero(has_label[order])
        # Each right text is asserted together with all those of its score, down to the last of them.
        last = np.searchsorted(-scores[order], -scores[order][right], side="right") - 1
        assertions = weights[:, order].cumsum(axis=1)[:, last]
        own = weights[:, order[right]]
        found = np.pad(own.cumsum(axis=1), ((0, 0), (1, 0)))
        precision = _ratio(found[:, np.searchsorted(right, last, side="right")], assertions)
        occurs = found[:, -1] > 0
        total += np.where(occurs, _ratio((own * precision).sum(axis=1), found[:, -1]), 0)
        present += occurs
    return np.divide(total, present, out=np.full(len(weights), math.nan), where=present > 0)


# Measures that take all resamples at once; any other function is called for each resample.
_AT_ONCE: dict[Measure, Callable[..., Array]] = {
    average_precision: _average_precision,
    macro_f1: _macro_f1,
    micro_f1: _micro_f1,
    verdict_f1: _verdict_f1,
}


def bootstrap(measure: Measure, *arrays: Array, resamples: int = 1000, level: float = 0.95, seed: int = 0) -> Interval:
    """The measure of the arrays, with its percentile interval over rows drawn with replacement (Efron 1979).

    Resamples on which the measure is NaN are left out and counted.

    Args:
        measure: Any function of ``arrays``.
        *arrays: Shape ``(rows, ...)``, the same rows in each; a row must be what is independent of the others (a pair,
            not its two texts).
        resamples: Number of resamples, at least 1.
        level: Share of resamples within the interval, 0..1.
        seed: Seed of the resamples.

    Returns:
        The figure and its interval.

    Raises:
        ValueError: When the measure is NaN on more than half of the resamples, for fewer than 2 rows, rows that differ
            in number, and a level or a number of resamples out of range.
    """
    rows = [len(array) for array in arrays]
    if len(set(rows)) != 1 or rows[0] < 2:
        raise ValueError(f"A bootstrap needs arrays with the same rows, at least 2, got {rows} rows.")
    if not 0 < level < 1 or resamples < 1:
        raise ValueError(f"Expected a level within 0..1 and 1 resample or more, got level={level}, {resamples=}.")
    at_once = _AT_ONCE.get(measure)
    values: list[float] = []
    for drawn in _draws(rows[0], resamples, seed):
        if at_once is not None:
            weights = np.stack([np.bincount(row, minlength=rows[0]) for row in drawn]).astype(np.float64)
            values += at_once(weights, *arrays).tolist()
        else:
            values += [measure(*(array[row] for array in arrays)) for row in drawn]
    defined = np.array(values)[~np.isnan(values)]
    undefined = resamples - len(defined)
    if 2 * undefined > resamples:
        raise ValueError(
            f"The measure is undefined on {undefined} of {resamples} resamples of {rows[0]} rows; "
            "it needs more rows, or rows that differ."
        )
    low, high = np.quantile(defined, ((1 - level) / 2, (1 + level) / 2))
    return Interval(float(measure(*arrays)), float(low), float(high), undefined)


def _draws(rows: int, resamples: int, seed: int) -> Iterator[Array]:
    """Numbers of rows, drawn with replacement: blocks of ``(some resamples, rows)``."""
    generator = np.random.default_rng(seed)
    block = max(1, DRAWN_AT_ONCE // rows)
    for start in range(0, resamples, block):
        yield generator.integers(rows, size=(min(block, resamples - start), rows))


__all__ = [
    "Array",
    "Interval",
    "LabelF1",
    "Measure",
    "accuracy",
    "aligned",
    "average_precision",
    "bootstrap",
    "decisions",
    "distributions",
    "label_f1",
    "macro_f1",
    "micro_f1",
    "pair_accuracy",
    "pearson",
    "right_verdicts",
    "soft_cross_entropy",
    "verdict_f1",
]
