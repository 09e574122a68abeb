"""Selective prediction: by hand, against the closed form of the paper, and in the direction it must go."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from redheart.statistics.measures import Array
from redheart.statistics.selective import (
    augrc,
    auroc,
    coverage_at_risk,
    risk_at_coverage,
    risk_coverage,
    selective_risk,
)

# The surest text is right, the next wrong, and the two after it, equally sure, right and wrong.
LOSSES = np.array([0, 1, 0, 1])
CONFIDENCE = np.array([0.9, 0.8, 0.5, 0.5])


@pytest.fixture(scope="module")
def answers() -> tuple[Array, Array]:
    """Losses of 0 and 1, more of them at low confidence; confidences with many ties."""
    generator = np.random.default_rng(0)
    confidence = generator.random(500).round(1)
    return (generator.random(500) > confidence).astype(float), confidence


def test_the_curve_by_hand() -> None:
    curve = risk_coverage(LOSSES, CONFIDENCE)
    assert curve.threshold.tolist() == [0.9, 0.8, 0.5]
    assert curve.coverage.tolist() == [0.25, 0.5, 1]
    assert curve.risk.tolist() == [0, 0.5, 0.5]
    assert curve.generalised.tolist() == [0, 0.25, 0.5]


def test_the_area_by_hand() -> None:
    # Trapezoids over 0..1/4..1/2..1 of the heights 0, 0, 1/4, 1/2.
    assert augrc(LOSSES, CONFIDENCE) == pytest.approx(0 + 0.25 * 0.125 + 0.5 * 0.375)


def test_the_area_is_the_closed_form_of_the_paper(answers: tuple[Array, Array]) -> None:
    losses, confidence = answers
    error = losses.mean()
    ranked = roc_auc_score(losses == 0, confidence)
    assert augrc(losses, confidence) == pytest.approx((1 - ranked) * error * (1 - error) + error**2 / 2)


def test_the_area_under_the_characteristic_is_that_of_scikit_learn(answers: tuple[Array, Array]) -> None:
    losses, confidence = answers
    assert auroc(1 - losses, confidence) == pytest.approx(roc_auc_score(losses == 0, confidence))
    assert auroc(1 - losses, -confidence) == pytest.approx(1 - auroc(1 - losses, confidence))


def test_the_area_under_the_characteristic_by_hand() -> None:
    # Right: .9 and .5. Wrong: .8 and .5. Of four pairs, .9 is above both, .5 below one and beside the other.
    assert auroc(1 - LOSSES, CONFIDENCE) == pytest.approx((1 + 1 + 0 + 0.5) / 4)
    assert auroc(np.array([1, 0]), np.array([0.3, 0.3])) == 0.5
    assert math.isnan(auroc(np.ones(3), np.arange(3)))
    with pytest.raises(ValueError, match="0 or 1"):
        auroc(np.array([0.5, 1]), np.array([0.1, 0.2]))


def test_the_risk_of_the_surest_share_by_hand() -> None:
    # The third of four is right or wrong by a half each.
    found = [risk_at_coverage(LOSSES, CONFIDENCE, share) for share in (0.25, 0.5, 0.75, 1.0)]
    assert found == pytest.approx([0, 1 / 2, 1.5 / 3, 2 / 4])
    assert risk_at_coverage(LOSSES, np.ones(4), 0.1) == pytest.approx(LOSSES.mean())
    for share in (0.0, 1.1):
        with pytest.raises(ValueError, match="share of the texts"):
            risk_at_coverage(LOSSES, CONFIDENCE, share)


def test_ties_count_as_the_mean_over_their_orders() -> None:
    losses, confidence = np.array([0, 1, 1, 0, 1]), np.array([0.9, 0.5, 0.5, 0.5, 0.1])
    generator = np.random.default_rng(0)
    # A little noise puts equal confidences in a random order.
    broken = [augrc(losses, confidence + 1e-6 * generator.random(5)) for _ in range(4000)]
    assert augrc(losses, confidence) == pytest.approx(np.mean(broken), abs=5e-3)


def test_only_the_order_of_confidence_counts_not_that_of_the_rows(answers: tuple[Array, Array]) -> None:
    losses, confidence = answers
    order = np.random.default_rng(1).permutation(len(losses))
    assert augrc(losses[order], confidence[order]) == pytest.approx(augrc(losses, confidence))
    assert augrc(losses, np.exp(5 * confidence) - 100) == pytest.approx(augrc(losses, confidence))


def test_good_confidence_costs_less_than_none_and_bad_costs_more(answers: tuple[Array, Array]) -> None:
    losses, confidence = answers
    none = augrc(losses, np.zeros(len(losses)))
    assert augrc(losses, -losses) < augrc(losses, confidence) < none < augrc(losses, -confidence)
    assert none == pytest.approx(losses.mean() / 2)


def test_coverage_at_risk() -> None:
    assert coverage_at_risk(LOSSES, CONFIDENCE, 0.1) == 0.25
    assert coverage_at_risk(LOSSES, CONFIDENCE, 0.5) == 1
    assert coverage_at_risk(np.array([1, 0]), CONFIDENCE[:2], 0.1) == 0  # the surest is wrong
    # Of ten texts, only the least sure is wrong: 1 of 10 is at most 0.1.
    losses, confidence = np.append(np.zeros(9), 1), -np.arange(10.0)
    assert coverage_at_risk(losses, confidence, 0.09) == 0.9
    assert coverage_at_risk(losses, confidence, 0.1) == 1
    assert coverage_at_risk(losses, -confidence, 0.1) == 1  # the curve comes down again: the largest coverage counts


def test_equal_confidences_are_answered_together_or_not_at_all() -> None:
    assert coverage_at_risk(np.array([0, 0, 1]), np.array([0.5, 0.5, 0.5]), 0.1) == 0


def test_selective_risk_by_hand() -> None:
    asserted = np.array([[1, 1, 0], [0, 0, 0], [1, 0, 0], [1, 1, 1]])
    actual = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0]])
    found = selective_risk(asserted, actual, np.array([0, 0, 0, 1]))
    # Three labels of the answered texts, of which the second label of the first text is wrong.
    assert (found.wrong, found.asserted, found.answered, found.silent, found.texts) == (1, 3, 3, 1, 4)
    assert found.risk == pytest.approx(1 / 3)
    assert found.coverage == 0.75


def test_to_abstain_from_wrong_texts_lowers_risk_and_coverage() -> None:
    asserted, actual = np.eye(4, dtype=bool), np.diag([True, True, False, False])
    every = selective_risk(asserted, actual, np.zeros(4))
    some = selective_risk(asserted, actual, np.array([0, 0, 0, 1]))
    assert some.risk < every.risk
    assert some.coverage < every.coverage


def test_without_an_assertion_there_is_no_risk() -> None:
    found = selective_risk(np.ones((2, 3)), np.ones((2, 3)), np.ones(2))
    assert math.isnan(found.risk)
    assert found.coverage == 0
    assert selective_risk(np.zeros((2, 3)), np.ones((2, 3)), np.zeros(2)).silent == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: augrc(LOSSES, CONFIDENCE[:2]), "one shape"),
        (
            lambda: risk_coverage(np.array([0.0, math.nan]), np.ones(2)),
            r"`losses` has 1 value\(s\) that are not finite",
        ),
        (lambda: selective_risk(np.ones((2, 3)), np.ones((2, 3)), np.ones(3)), r"`abstained` must be \(2,\)"),
        (lambda: selective_risk(np.ones((2, 3)), np.ones((2, 3)), np.full(2, 0.5)), "`abstained` must hold decisions"),
    ],
)
def test_what_does_not_fit_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
