"""Krippendorff's alpha, against his example, against his definition written out, and in the direction it must go."""

import math
from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest

from redheart.statistics.agreement import Level, alpha_interval, krippendorff_alpha, mean_alpha
from redheart.statistics.measures import Array

_ = math.nan
# Krippendorff 2011, part D: four observers by twelve units.
EXAMPLE = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
).T
LEVELS: tuple[Level, ...] = ("nominal", "ordinal", "interval", "ratio")


def written_out(values: Array, level: Level) -> float:
    """The definition, pair by pair, with the ordinal difference as a sum of frequencies."""
    units = [unit[~np.isnan(unit)] for unit in values]
    units = [unit for unit in units if len(unit) > 1]
    pooled = np.concatenate(units)

    def squared(a: float, b: float) -> float:
        low, high = min(a, b), max(a, b)
        if level == "nominal":
            return float(a != b)
        if level == "ordinal":
            between = ((pooled >= low) & (pooled <= high)).sum()
            return float(between - ((pooled == low).sum() + (pooled == high).sum()) / 2) ** 2 if a != b else 0
        return (a - b) ** 2 if level == "interval" else ((a - b) / (a + b)) ** 2 if a + b else 0

    observed = sum(sum(squared(a, b) for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in units)
    expected = sum(squared(a, b) for a, b in permutations(pooled, 2)) / (len(pooled) - 1)
    return 1 - observed / expected


@pytest.mark.parametrize(
    ("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_the_example_of_krippendorff(level: Level, alpha: float) -> None:
    assert krippendorff_alpha(EXAMPLE, level) == pytest.approx(alpha, abs=5e-4)


@pytest.mark.parametrize("level", LEVELS)
def test_it_is_the_definition_written_out(level: Level) -> None:
    generator = np.random.default_rng(0)
    values = generator.integers(0, 5, size=(20, 1)) + generator.integers(0, 2, size=(20, 4)).astype(float)
    values[generator.random(values.shape) < 0.3] = math.nan
    assert krippendorff_alpha(values, level) == pytest.approx(written_out(values, level))


@pytest.mark.parametrize("level", LEVELS)
def test_agreement_is_one_chance_about_zero_and_contradiction_less(level: Level) -> None:
    generator = np.random.default_rng(0)
    units = generator.integers(1, 5, size=(2000, 1)).astype(float)
    assert krippendorff_alpha(np.repeat(units, 3, axis=1), level) == 1
    assert krippendorff_alpha(generator.permuted(np.repeat(units, 3, axis=1), axis=0), level) == pytest.approx(
        0, abs=0.05
    )
    assert krippendorff_alpha(np.array([[1.0, 2], [2, 1]] * 5), level) < 0


def test_more_noise_is_less_agreement() -> None:
    generator = np.random.default_rng(0)
    truth, noise = generator.normal(size=(200, 1)), generator.normal(size=(200, 5))
    alphas = [krippendorff_alpha(truth + much * noise) for much in (0.1, 0.5, 2)]
    assert alphas == sorted(alphas, reverse=True)


@pytest.mark.parametrize("level", LEVELS)
def test_order_and_names_do_not_matter_beyond_the_level(level: Level) -> None:
    expected = krippendorff_alpha(EXAMPLE, level)
    generator = np.random.default_rng(0)
    shuffled = EXAMPLE[generator.permutation(12)][:, generator.permutation(4)]
    assert krippendorff_alpha(shuffled, level) == pytest.approx(expected)
    changed = {
        "nominal": np.where(np.isnan(EXAMPLE), EXAMPLE, (7 * EXAMPLE) % 11),  # other names
        "ordinal": np.exp(EXAMPLE),  # the same order
        "interval": 1e6 - 3 * EXAMPLE,  # another scale and zero
        "ratio": 3 * EXAMPLE,  # another scale
    }[level]
    assert krippendorff_alpha(changed, level) == pytest.approx(expected)


def test_a_value_that_cannot_be_paired_has_no_part() -> None:
    more = np.vstack((EXAMPLE, [[9, _, _, _]]))
    assert krippendorff_alpha(more, "interval") == pytest.approx(krippendorff_alpha(EXAMPLE, "interval"))


def test_without_variation_there_is_no_alpha() -> None:
    assert math.isnan(krippendorff_alpha(np.full((5, 3), 0.1)))


def test_zeros_do_not_differ_at_ratio_level() -> None:
    assert krippendorff_alpha(np.array([[0.0, 0], [1, 1], [2, 2]]), "ratio") == 1


def test_the_mean_leaves_out_and_counts_what_is_undefined() -> None:
    constant = np.where(np.isnan(EXAMPLE), EXAMPLE, 3.0)
    found = mean_alpha(np.stack((EXAMPLE, constant, 1 - EXAMPLE), axis=2), "interval")
    assert found.alphas.tolist() == pytest.approx([0.849, math.nan, 0.849], abs=5e-4, nan_ok=True)
    assert found.value == pytest.approx(0.849, abs=5e-4)
    assert found.undefined == 1
    nothing = mean_alpha(np.ones((3, 2, 2)))
    assert math.isnan(nothing.value)
    assert nothing.undefined == 2


def test_the_interval_holds_the_value_and_narrows_with_units() -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=(400, 1)) + generator.normal(size=(400, 5)) / 2
    few, many = (alpha_interval(part, resamples=300) for part in (values[:40], values))
    for found in (few, many):
        assert found.low < found.value < found.high
    # The true alpha is the share of the variance that is between the units: 1 / (1 + 1/4).
    assert many.low < 0.8 < many.high
    assert many.high - many.low < few.high - few.low
    assert many.value == krippendorff_alpha(values)


def test_the_interval_of_a_mean_resamples_all_scores_together() -> None:
    values = np.random.default_rng(0).normal(size=(30, 1, 1)) + np.random.default_rng(1).normal(size=(30, 4, 2))
    found = alpha_interval(values, resamples=200)
    assert found.value == mean_alpha(values).value
    twice = np.concatenate((values, values), axis=2)  # the same scores again say nothing new
    again = alpha_interval(twice, resamples=200)
    assert (again.low, again.high) == pytest.approx((found.low, found.high))


def test_resamples_without_a_pair_are_counted() -> None:
    values = np.full((6, 2), math.nan)
    values[:, 0], values[0, 1], values[1, 1] = np.arange(6), 0, 1.5
    found = alpha_interval(values, resamples=300)
    # Both of the units that have a pair must be drawn for two different values and more: rarely, but not never.
    assert 0 < found.undefined < 150


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: krippendorff_alpha(np.array([[1.0, _], [_, 2]])), "No unit has two values in 1 of 1"),
        (lambda: krippendorff_alpha(np.empty((0, 2))), "No unit has two values"),
        (lambda: krippendorff_alpha(np.ones(3)), r"\(units, raters\), got shape \(3,\)"),
        (lambda: krippendorff_alpha(EXAMPLE, "metric"), "`level` must be one of nominal"),  # type: ignore[arg-type]
        (lambda: krippendorff_alpha(np.array([[1.0, math.inf]])), "must be finite"),
        (lambda: krippendorff_alpha(np.array([[-1.0, 1]]), "ratio"), "0 or more, got -1"),
        (lambda: mean_alpha(EXAMPLE), r"\(units, raters, scores\), got shape \(12, 4\)"),
        (lambda: mean_alpha(np.stack((EXAMPLE, EXAMPLE * _), axis=2)), "in 1 of 2"),
        (lambda: alpha_interval(np.ones((5, 3))), "undefined on 1000 of 1000"),
    ],
)
def test_what_does_not_fit_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
