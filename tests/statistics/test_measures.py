"""The measures, by hand and against scikit-learn, and the bootstrap against what is known of it."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_recall_fscore_support

from redheart.statistics.measures import (
    Array,
    Interval,
    accuracy,
    average_precision,
    bootstrap,
    label_f1,
    macro_f1,
    micro_f1,
    pair_accuracy,
    pearson,
    right_verdicts,
    soft_cross_entropy,
    verdict_f1,
)

# Two labels. The first is asserted of 2 texts and right once, of 2 that have it: F1 = 2 / 4. The second is never there.
ACTUAL = np.array([[1, 0], [1, 0], [0, 0], [0, 0]])
ASSERTED = np.array([[1, 0], [0, 1], [1, 0], [0, 0]])


@pytest.fixture(scope="module")
def rows() -> tuple[Array, Array, Array]:
    """Labels, scores with ties, decisions: 300 texts, 6 labels, of which the last never occurs."""
    generator = np.random.default_rng(0)
    scores = generator.random((300, 6)).round(1)
    actual = generator.random((300, 6)) < scores * [0.9, 0.5, 0.3, 0.1, 0.02, 0]
    return actual, scores, scores >= 0.5


def test_pearson() -> None:
    assert pearson(np.array([1.0, 2, 3, 4]), np.array([1.0, 3, 2, 4])) == pytest.approx(0.8)
    assert pearson(np.array([1.0, 2, 3]), np.array([3.0, 2, 1])) == pytest.approx(-1)
    assert math.isnan(pearson(np.full(10, 0.1), np.arange(10.0)))
    values = np.random.default_rng(0).random((2, 50)).astype(np.float32)
    assert pearson(2 * values[0] + 3, values[1]) == pytest.approx(pearson(values[0], values[1]), abs=1e-5)


def test_soft_cross_entropy() -> None:
    shares, uniform = np.array([[0.5, 0.5, 0, 0, 0], [1, 0, 0, 0, 0]]), np.full((2, 5), 0.2)
    assert soft_cross_entropy(uniform, shares) == pytest.approx(math.log(5))
    assert soft_cross_entropy(shares, shares) == pytest.approx(math.log(2) / 2)
    assert math.isfinite(soft_cross_entropy(shares[:, ::-1], shares))


def test_a_tie_is_half_a_pair() -> None:
    assert pair_accuracy(np.array([2, 1, 0, 3]), np.array([1, 1, 1, 0])) == 0.625


def test_accuracy() -> None:
    assert accuracy(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2])) == 0.75


def test_a_verdict_is_right_that_has_as_many_votes_as_another() -> None:
    votes = np.array([[3, 3, 0, 0, 0], [3, 3, 0, 0, 0], [3, 3, 4, 0, 0]])
    predictions = np.array([[0.1, 0.6, 0.1, 0.1, 0.1], [0.1, 0.1, 0.6, 0.1, 0.1], [0.6, 0.1, 0.1, 0.1, 0.1]])
    assert right_verdicts(predictions, votes).tolist() == [True, False, False]


def test_f1_by_hand() -> None:
    assert macro_f1(ACTUAL, ASSERTED) == pytest.approx(0.5)  # of the label that occurs
    assert micro_f1(ACTUAL, ASSERTED) == pytest.approx(2 * 1 / (3 + 2))
    found = label_f1(ACTUAL, ASSERTED)
    assert found.precision.tolist() == [0.5, 0]
    assert found.recall.tolist() == [0.5, 0]
    assert found.f1.tolist() == [0.5, 0]
    assert found.support.tolist() == [2, 0]


def test_f1_is_that_of_scikit_learn(rows: tuple[Array, Array, Array]) -> None:
    actual, _, asserted = rows
    for average, measure in (("macro", macro_f1), ("micro", micro_f1)):
        labels = np.flatnonzero(actual.any(axis=0)) if average == "macro" else None
        expected = f1_score(actual, asserted, average=average, labels=labels, zero_division=0)
        assert measure(actual, asserted) == pytest.approx(expected)
    found = label_f1(actual, asserted)
    expected = precision_recall_fscore_support(actual, asserted, zero_division=0)
    for value, other in zip((found.precision, found.recall, found.f1, found.support), expected, strict=True):
        np.testing.assert_allclose(value, other)


def test_average_precision_is_that_of_scikit_learn(rows: tuple[Array, Array, Array]) -> None:
    actual, scores, _ = rows
    expected = np.mean([average_precision_score(actual[:, i], scores[:, i]) for i in range(5)])
    assert average_precision(actual, scores) == pytest.approx(expected)
    assert average_precision(actual, np.exp(3 * scores)) == pytest.approx(expected)  # only the order counts
    assert math.isnan(average_precision(np.zeros((3, 2)), np.ones((3, 2))))


def test_what_never_occurs_takes_nothing_from_a_mean() -> None:
    """In every figure, in the log of training, in the floor and on the card; a model that is always right has 1."""
    verdicts = np.eye(5)[[0, 1] * 24]
    assert verdict_f1(verdicts, verdicts) == 1
    assert macro_f1(np.eye(28)[[3] * 4], np.eye(28)[[3] * 4]) == 1
    assert math.isnan(macro_f1(np.zeros((3, 2)), np.ones((3, 2))))
    assert str(soft_cross_entropy(verdicts, verdicts)) == "0.0"


def test_verdicts_that_occur_count() -> None:
    shares = np.array([[0.6, 0.4, 0, 0, 0], [0.2, 0.8, 0, 0, 0], [0.5, 0.5, 0, 0, 0]])
    logits = np.array([[3.0, 1, 0, 0, 0], [2, 1, 0, 0, 0], [9, 1, 0, 0, 0]])
    # Author: 2 of 3 right, none missed, F1 = 4 / 5. Other: missed. The votes of the third are even: the first counts.
    assert verdict_f1(logits, shares) == pytest.approx(0.8 / 2)
    every = np.eye(5)
    assert verdict_f1(every, every) == 1


@pytest.mark.parametrize("measure", [macro_f1, micro_f1, average_precision], ids=lambda item: item.__name__)
def test_the_order_of_the_rows_does_not_matter(rows: tuple[Array, Array, Array], measure: Callable[..., float]) -> None:
    actual, scores, asserted = rows
    second = scores if measure is average_precision else asserted
    order = np.random.default_rng(1).permutation(len(actual))
    assert measure(actual[order], second[order]) == pytest.approx(measure(actual, second))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: macro_f1(ACTUAL, ASSERTED[:2]), "one shape"),
        (lambda: macro_f1(ACTUAL, np.full((4, 2), 0.3)), "`asserted` must hold decisions"),
        (
            lambda: pearson(np.array([1.0, math.nan]), np.array([1.0, 2])),
            r"`predicted` has 1 value\(s\) that are",
        ),
        (lambda: pair_accuracy(np.array([]), np.array([])), "is empty"),
        (lambda: soft_cross_entropy(np.array([[2.0, -1]]), np.array([[0.5, 0.5]])), "`probabilities` must be prob"),
        (lambda: soft_cross_entropy(np.array([[0.5, 0.5]]), np.array([[3, 2]])), "`shares` must be prob"),
        (lambda: verdict_f1(np.ones((2, 3)), np.ones((2, 3))), "Expected 5 verdicts, got 3"),
    ],
)
def test_what_does_not_fit_is_refused(call: Callable[[], float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


# --- bootstrap


def mean(values: Array) -> float:
    return float(values.mean())


def test_the_interval_of_a_mean_is_the_one_of_the_textbook() -> None:
    values = np.random.default_rng(0).normal(3, 2, size=1000)
    found = bootstrap(mean, values, resamples=4000)
    assert found.value == values.mean()
    half = 1.96 * values.std() / math.sqrt(1000)
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=0.01)
    assert found.undefined == 0


def test_more_level_is_a_wider_interval_and_more_rows_a_narrower_one() -> None:
    values = np.random.default_rng(0).normal(size=400)

    def width(interval: Interval) -> float:
        return interval.high - interval.low

    assert width(bootstrap(mean, values, level=0.5)) < width(bootstrap(mean, values, level=0.99))
    assert width(bootstrap(mean, values)) < width(bootstrap(mean, values[:50]))


@pytest.mark.parametrize("measure", [macro_f1, micro_f1, average_precision, verdict_f1], ids=lambda m: m.__name__)
def test_all_resamples_at_once_are_as_one_by_one(
    rows: tuple[Array, Array, Array], measure: Callable[..., float]
) -> None:
    actual, scores, asserted = rows
    arrays = {average_precision: (actual, scores), verdict_f1: (scores[:, :5], actual[:, :5])}.get(
        measure, (actual, asserted)
    )
    expected = bootstrap(lambda *drawn: measure(*drawn), *arrays, resamples=50)
    found = bootstrap(measure, *arrays, resamples=50)
    assert (found.value, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high))


def test_blocks_do_not_show(rows: tuple[Array, Array, Array], monkeypatch: pytest.MonkeyPatch) -> None:
    actual, _, asserted = rows
    whole = bootstrap(macro_f1, actual, asserted, resamples=50)
    monkeypatch.setattr("redheart.statistics.measures.DRAWN_AT_ONCE", 1000)
    assert bootstrap(macro_f1, actual, asserted, resamples=50) == whole


def test_the_seed_decides() -> None:
    values = np.arange(20.0)
    assert bootstrap(mean, values, seed=1) == bootstrap(mean, values, seed=1)
    assert bootstrap(mean, values, seed=1) != bootstrap(mean, values, seed=2)


def test_undefined_resamples_are_dropped_and_counted() -> None:
    # Of 3 rows, all are the same in 3 of 27 resamples: r is undefined.
    values = np.array([1.0, 2, 3])
    found = bootstrap(pearson, values, values, resamples=2000)
    assert found.undefined / 2000 == pytest.approx(3 / 27, abs=0.02)
    assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1))
    with pytest.raises(ValueError, match="undefined on 1000 of 1000 resamples"):
        bootstrap(pearson, np.ones(5), np.arange(5.0))


def test_the_bootstrap_refuses_what_it_cannot_do() -> None:
    with pytest.raises(ValueError, match=r"same rows, at least 2, got \[3, 2\]"):
        bootstrap(pearson, np.ones(3), np.ones(2))
    with pytest.raises(ValueError, match="at least 2"):
        bootstrap(mean, np.ones(1))
    with pytest.raises(ValueError, match=r"level=95"):
        bootstrap(mean, np.ones(3), level=95)
    with pytest.raises(ValueError, match="resamples=0"):
        bootstrap(mean, np.ones(3), resamples=0)
