"""Calibration and thresholds: by hand, against every threshold tried one by one, and in the direction they must go."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import f1_score

from redheart.statistics.calibration import (
    TEMPERATURES,
    cross_fitted,
    cross_fitted_f1,
    expected_calibration_error,
    fit_temperature,
    fit_threshold,
    fit_thresholds,
    reliability,
    top_label,
)
from redheart.statistics.measures import Array, macro_f1, soft_cross_entropy


def labelled(texts: int, labels: int, seed: int = 0, decimals: int = 2) -> tuple[Array, Array]:
    """Scores, with ties, and labels that follow them."""
    generator = np.random.default_rng(seed)
    scores = generator.random((texts, labels)).round(decimals)
    return scores, generator.random((texts, labels)) < scores**3


# --- reliability


def test_two_bins_by_hand() -> None:
    confidence, occurred = np.array([0.1, 0.3, 0.6, 0.8]), np.array([0, 1, 1, 1])
    curve = reliability(confidence, occurred, bins=2)
    assert curve.confidence.tolist() == pytest.approx([0.2, 0.7])
    assert curve.frequency.tolist() == [0.5, 1]
    assert curve.count.tolist() == [2, 2]
    assert expected_calibration_error(confidence, occurred, bins=2) == pytest.approx((0.3 + 0.3) / 2)


def test_equal_confidences_share_a_bin_whatever_the_order() -> None:
    confidence, occurred = np.array([0.5] * 6 + [0.9] * 2), np.array([1, 1, 1, 0, 0, 0, 1, 1])
    assert reliability(confidence, occurred, bins=4).count.tolist() == [6, 2]
    order = np.array([6, 3, 0, 7, 4, 1, 5, 2])
    expected = expected_calibration_error(confidence, occurred, bins=4)
    assert expected == pytest.approx(2 / 8 * 0.1)
    assert expected_calibration_error(confidence[order], occurred[order], bins=4) == pytest.approx(expected)


def test_the_error_is_small_for_honest_confidences_and_grows_with_overconfidence() -> None:
    generator = np.random.default_rng(0)
    confidence = generator.random(20_000)
    occurred = generator.random(20_000) < confidence
    errors = [expected_calibration_error(confidence**power, occurred) for power in (1, 2, 4)]
    assert errors[0] < 0.02
    assert errors == sorted(errors)
    # everything certain and half of it wrong
    assert expected_calibration_error(np.ones(4), np.array([0, 1, 0, 1])) == 0.5


def test_the_top_label_of_a_distribution() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    confidence, agreed = top_label(probabilities, np.array([[0.4, 0.6, 0], [0, 0, 1]]))
    assert confidence.tolist() == [0.7, 0.6]
    assert agreed.tolist() == [0.4, 1]
    assert expected_calibration_error(confidence, agreed, bins=2) == pytest.approx((0.3 + 0.4) / 2)


# --- temperature


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_temperature_that_made_the_votes_is_found(temperature: float) -> None:
    logits = np.random.default_rng(0).normal(size=(500, 5))
    assert fit_temperature(logits, softmax(logits / temperature, axis=1)) == pytest.approx(temperature, rel=1e-3)


def test_a_fitted_temperature_costs_least() -> None:
    generator = np.random.default_rng(1)
    logits = 4 * generator.normal(size=(200, 5))
    shares = softmax(logits / 3 + generator.normal(size=(200, 5)), axis=1)
    best = fit_temperature(logits, shares)
    costs = [soft_cross_entropy(softmax(logits / value, axis=1), shares) for value in (best, 0.9 * best, 1.1 * best, 1)]
    assert costs[0] == min(costs)


def test_the_ends_of_the_temperatures() -> None:
    logits, one_hot = np.array([[2.0, 0], [0, 2]]), np.eye(2)
    assert fit_temperature(logits, one_hot) == pytest.approx(TEMPERATURES[0])  # never wrong
    assert fit_temperature(logits, one_hot[::-1]) == pytest.approx(TEMPERATURES[1])  # always wrong
    assert fit_temperature(np.full((2, 2), 3.0), one_hot) == 1


# --- thresholds


def test_a_threshold_lies_between_the_scores_that_it_separates() -> None:
    scores, actual = np.array([[0.1], [0.2], [0.6], [0.7]]), np.array([[0], [0], [1], [1]])
    assert fit_thresholds(scores, actual, fewest=1).tolist() == pytest.approx([0.4])
    assert fit_threshold(scores, actual) == pytest.approx(0.4)


def test_among_equals_the_nearest_to_a_half_then_the_higher() -> None:
    # From above: 1 of 1 right, F1 = 2/3; 1 of 2, 1/2; 1 of 3, 2/5; 2 of 4, 4/6, as good as the first.
    scores, actual = np.array([[0.1], [0.2], [0.3], [0.7]]), np.array([[1], [0], [0], [1]])
    assert fit_thresholds(scores, actual, fewest=1).tolist() == pytest.approx([0.5])  # 0.5, not 0.1
    scores = np.array([[0.25], [0.4], [0.625], [0.875]])  # 0.75 is as near to a half as 0.25
    assert fit_thresholds(scores, actual, fewest=1).tolist() == [0.75]


@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_is_better(seed: int) -> None:
    scores, actual = labelled(60, 3, seed)
    every = np.append(np.unique(scores), 1.1)
    for label, threshold in enumerate(fit_thresholds(scores, actual, fewest=1)):
        best = max(f1_score(actual[:, label], scores[:, label] >= cut, zero_division=0) for cut in every)
        assert f1_score(actual[:, label], scores[:, label] >= threshold) == pytest.approx(best)
    best = max(macro_f1(actual, scores >= cut) for cut in every)
    assert macro_f1(actual, scores >= fit_threshold(scores, actual)) == pytest.approx(best)


def test_neighbouring_floats_are_distinguished() -> None:
    high = np.nextafter(0.5, 1)
    scores, actual = np.array([[0.5], [high]]), np.array([[0], [1]])
    assert ((scores >= fit_threshold(scores, actual)) == actual).all()


def test_a_label_with_few_positives_takes_the_shared_threshold() -> None:
    scores, actual = labelled(200, 4)
    actual[:, 2] = False
    actual[:9, 3], actual[9:, 3] = True, False
    thresholds = fit_thresholds(scores, actual)
    shared = fit_threshold(scores, actual)
    assert thresholds[2] == thresholds[3] == shared
    assert thresholds[:2].tolist() == fit_thresholds(scores[:, :2], actual[:, :2]).tolist()
    assert fit_thresholds(scores, actual, fewest=9)[3] != shared


def test_a_weight_of_two_is_a_text_that_is_there_twice() -> None:
    generator = np.random.default_rng(3)
    actual = (generator.random((80, 3)) < 0.3).astype(int)
    scores = np.clip(0.3 * actual + 0.7 * generator.random((80, 3)), 0, 1)
    counts = generator.integers(1, 4, size=80)
    twice = np.repeat(np.arange(80), counts)
    for fit in (fit_threshold, fit_thresholds):
        expected = fit(scores[twice], actual[twice])
        np.testing.assert_allclose(fit(scores, actual, weights=counts), expected)
        np.testing.assert_allclose(fit(scores, actual, weights=0.5 * counts), expected)
    for weights in (counts[1:], 0 * counts):
        with pytest.raises(ValueError, match="80 numbers above 0"):
            fit_thresholds(scores, actual, weights=weights)


def test_the_order_of_the_rows_does_not_matter() -> None:
    scores, actual = labelled(300, 5)
    order = np.random.default_rng(1).permutation(300)
    np.testing.assert_array_equal(fit_thresholds(scores[order], actual[order]), fit_thresholds(scores, actual))
    assert fit_threshold(scores[order], actual[order]) == fit_threshold(scores, actual)


# --- cross-fitting


def test_on_noise_the_figure_on_the_fitted_rows_is_too_good() -> None:
    generator = np.random.default_rng(0)
    fit = partial(fit_thresholds, fewest=1)
    figures = []
    for _ in range(10):
        (scores, new), (actual, truth) = generator.random((2, 150, 20)), generator.random((2, 150, 20)) < 0.1
        thresholds = fit(scores, actual)
        on_fitted, on_new = macro_f1(actual, scores >= thresholds), macro_f1(truth, new >= thresholds)
        figures.append((on_fitted, cross_fitted_f1(scores, actual, fit), on_new))
    on_fitted, honest, on_new = np.mean(figures, axis=0)
    assert on_fitted > on_new + 0.05
    assert honest == pytest.approx(on_new, abs=0.02)


def test_no_text_decides_on_its_own_threshold() -> None:
    scores, actual = labelled(40, 1)
    seen: list[int] = []

    def fit(some: Array, there: Array) -> float:
        seen.append(len(some))
        assert len(there) == len(some)
        return 0.5

    decided = cross_fitted(scores, actual, fit, folds=4)
    assert seen == [30] * 4
    np.testing.assert_array_equal(decided, scores >= 0.5)
    assert cross_fitted_f1(scores, actual, fit, folds=4) == macro_f1(actual, scores >= 0.5)


def test_one_threshold_can_be_cross_fitted_too() -> None:
    scores, actual = labelled(400, 5)
    assert cross_fitted_f1(scores, actual, fit_threshold) == pytest.approx(
        macro_f1(actual, scores >= fit_threshold(scores, actual)), abs=0.05
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: reliability(np.array([0.2, 1.2]), np.array([0, 1])), r"`confidence` must lie in 0..1, got 0.2..1.2"),
        (lambda: reliability(np.array([0.2, 0.4]), np.array([0, 1]), bins=1), "`bins` must be 2 or more"),
        (lambda: fit_threshold(np.array([[-2.0], [3.0]]), np.array([[0], [1]])), "`scores` must lie in 0..1"),
        (lambda: fit_thresholds(np.array([[0.2], [0.3]]), np.array([[0], [0]])), "No label has a positive"),
        (lambda: fit_thresholds(np.array([[0.2], [math.nan]]), np.array([[0], [1]])), "not finite"),
        (lambda: fit_temperature(np.ones((2, 2)), np.ones((2, 2))), "`shares` must be probabilities"),
        (lambda: cross_fitted(np.array([[0.2], [0.3]]), np.array([[0], [1]])), "`folds` must be 2 or more"),
    ],
)
def test_what_does_not_fit_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
