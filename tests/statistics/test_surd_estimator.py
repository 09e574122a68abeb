"""SURD over a dataset: cases whose parts are known, properties of any data, and what few rows do to it."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from redheart.statistics.measures import Array
from redheart.statistics.surd_estimator import Surd, estimate, quantile_bins, surd

STATES = np.array(list(itertools.product((0, 1), repeat=2)))  # every state of two fair bits once: exact frequencies
CUBE = np.array(list(itertools.product((0, 1), repeat=3)))
TENFOLD = np.repeat(STATES, 10, axis=0)


def random_rows(rows: int, sources: int, seed: int = 0) -> tuple[Array, Array]:
    generator = np.random.default_rng(seed)
    values = generator.integers(3, size=(rows, sources))
    return (values.sum(axis=1) + generator.integers(2, size=rows)) % 4, values


@pytest.mark.parametrize(
    ("target", "sources", "expected"),
    [
        (STATES[:, 0] ^ STATES[:, 1], STATES, (1, 0, 0, 0, 1, 0)),
        (STATES[:, 0], STATES, (1, 0, 1, 0, 0, 0)),
        (STATES[:, 1], STATES, (1, 0, 0, 1, 0, 0)),
        (STATES[:, 0], STATES[:, [0, 0]], (1, 1, 0, 0, 0, 0)),
        (STATES[:, 0] & STATES[:, 1], STATES, (0.8113, 0.3113, 0, 0, 0.5, 0)),
        # one of ten is flipped: H(0.1) = 0.469 bits are lost
        (TENFOLD[:, 0] ^ TENFOLD[:, 1] ^ (np.arange(40) % 10 == 0), TENFOLD, (1, 0, 0, 0, 0.531, 0.469)),
        (np.arange(8) % 2, np.repeat(STATES, 2, axis=0), (1, 0, 0, 0, 0, 1)),
    ],
    ids=["xor", "first", "second", "copies", "and", "noisy xor", "independent"],
)
def test_known_cases(target: Array, sources: Array, expected: tuple[float, ...]) -> None:
    found = surd(target, sources)
    figures = (found.entropy, found.redundant, *found.unique, found.synergy, found.leak)
    assert figures == pytest.approx(expected, abs=5e-5)
    assert found.determined == 1 - found.leak


def test_parts_of_three_sources_go_to_their_subsets() -> None:
    everything = surd(CUBE[:, 0] ^ CUBE[:, 1] ^ CUBE[:, 2], CUBE)
    assert everything.synergy_by == pytest.approx({(0, 1): 0, (0, 2): 0, (1, 2): 0, (0, 1, 2): 1})
    pair = surd(CUBE[:, 0] ^ CUBE[:, 2], CUBE)
    assert pair.synergy_by == pytest.approx({(0, 1): 0, (0, 2): 1, (1, 2): 0, (0, 1, 2): 0})
    copies = surd(CUBE[:, 1], CUBE[:, [0, 1, 1]])
    assert copies.redundant_by == pytest.approx({(0, 1): 0, (0, 2): 0, (1, 2): 1, (0, 1, 2): 0})
    assert surd(CUBE[:, 2], CUBE).unique == pytest.approx((0, 0, 1))


def test_a_pair_that_is_worth_less_than_a_single_source_is_dropped() -> None:
    # Source 2 is the target, so the pair of 0 and 1, which makes half of it certain, adds nothing to it.
    target = CUBE[:, 0] & CUBE[:, 1]
    found = surd(target, np.column_stack((CUBE[:, :2], target)))
    assert found.synergy == pytest.approx(0)
    assert found.redundant + sum(found.unique) == pytest.approx(found.entropy)


def test_the_sources_are_compared_for_each_state_of_the_target() -> None:
    """The first source knows the state 0, the second the state 2. On the average over the states they are equally good,
    and all would be redundant; state by state, each has something of its own."""
    target = np.repeat([0, 1, 2, 1], 2)
    found = surd(target, np.column_stack((target == 0, target == 2)))
    # p(t) = 1/4, 1/2, 1/4. Of state 0, the first source says log2(4) = 2 bits, the second log2(4/3).
    assert found.unique == pytest.approx(((2 - math.log2(4 / 3)) / 4,) * 2)
    # Both say log2(4/3) of state 0, 1 and 2.
    assert found.redundant == pytest.approx(math.log2(4 / 3))


@pytest.mark.parametrize("sources", [1, 2, 3])
def test_the_parts_are_not_negative_and_sum_to_the_mutual_information(sources: int) -> None:
    for seed in range(5):
        target, values = random_rows(60, sources, seed)
        found = surd(target, values)
        joint = np.unique(values, axis=0, return_inverse=True)[1].reshape(-1)
        information = mutual_info_score(target, joint) / math.log(2)
        assert found.redundant + sum(found.unique) + found.synergy == pytest.approx(information)
        assert found.determined == pytest.approx(information / found.entropy)
        parts = [*found.redundant_by.values(), *found.unique, *found.synergy_by.values()]
        assert min(parts) >= -1e-12
        assert sum(found.redundant_by.values()) == pytest.approx(found.redundant)
        assert sum(found.synergy_by.values()) == pytest.approx(found.synergy)


def test_the_order_of_rows_and_sources_and_the_names_of_states_do_not_matter() -> None:
    target, values = random_rows(80, 3)
    expected = surd(target, values)
    order = np.random.default_rng(1).permutation(80)
    assert surd(target[order], values[order]).synergy_by == pytest.approx(expected.synergy_by)
    named = surd(np.array(["d", "b", "c", "a"])[target], 7 - 2 * values)
    assert named.unique == pytest.approx(expected.unique)
    turned = surd(target, values[:, [2, 0, 1]])
    assert turned.unique == pytest.approx([expected.unique[place] for place in (2, 0, 1)])
    assert turned.redundant_by[0, 1] == pytest.approx(expected.redundant_by[0, 2])


# --- bins


def test_bins_hold_equal_shares() -> None:
    values = np.random.default_rng(0).normal(size=90)
    assert np.bincount(quantile_bins(values, 3)).tolist() == [30, 30, 30]
    assert quantile_bins(np.array([5.0, -1, 3, 9]), 2).tolist() == [1, 0, 0, 1]
    np.testing.assert_array_equal(quantile_bins(np.exp(values), 3), quantile_bins(values, 3))
    both = quantile_bins(np.column_stack((values, -values)), 2)
    np.testing.assert_array_equal(both[:, 0], 1 - both[:, 1])


@pytest.mark.parametrize("bins", [2, 3])
@pytest.mark.parametrize("share", [1, 10, 50, 90, 99])
def test_two_values_get_different_bins_however_unequal_they_are(bins: int, share: int) -> None:
    found = quantile_bins(np.array([0.0] * share + [1.0] * (100 - share)), bins)
    assert len(set(found[:share])) == len(set(found[share:])) == 1
    assert found[0] < found[-1] <= bins - 1


# --- datasets


@pytest.fixture(scope="module")
def numbers() -> Array:
    return np.random.default_rng(0).normal(size=(3000, 3))


def total(parts: Surd) -> float:
    return parts.redundant + sum(parts.unique) + parts.synergy


def test_a_source_without_information_lies_within_the_null(numbers: Array) -> None:
    target = np.random.default_rng(1).integers(2, size=3000)
    found = estimate(target, numbers[:, :2], bins=2, permutations=200)
    assert (found.rows, found.target_states, found.source_states) == (3000, 2, 4)
    assert found.plug_in.synergy > 0  # few rows show information where there is none
    assert found.null_low.synergy <= found.plug_in.synergy <= found.null_high.synergy
    assert total(found.corrected) == pytest.approx(0, abs=2e-3)
    assert found.corrected.leak == pytest.approx(1, abs=2e-3)
    # Miller 1955: the bias of I is (2 - 1)(4 - 1) / (2 n ln 2).
    assert total(found.null_mean) == pytest.approx(3 / (2 * 3000 * math.log(2)), rel=0.2)


def test_a_source_with_information_lies_outside_the_null(numbers: Array) -> None:
    high = numbers > np.median(numbers, axis=0)
    found = estimate(high[:, 0] ^ high[:, 1], numbers, bins=2, permutations=100)
    assert found.corrected.synergy_by[0, 1] == pytest.approx(1, abs=0.01)
    assert found.plug_in.synergy_by[0, 1] > 100 * found.null_high.synergy_by[0, 1]
    assert found.corrected.determined == pytest.approx(1, abs=0.01)
    alone = estimate(high[:, 2], numbers, bins=2, permutations=100).corrected
    assert alone.unique == pytest.approx((0, 0, 1), abs=0.01)


def test_the_corrected_figures_are_the_difference_and_the_seed_decides(numbers: Array) -> None:
    target = (numbers.sum(axis=1) > 0).astype(int)
    found = estimate(target, numbers, permutations=100, seed=3)
    assert found.corrected.entropy == found.plug_in.entropy
    assert found.corrected.synergy == pytest.approx(found.plug_in.synergy - found.null_mean.synergy)
    assert found.corrected.determined == pytest.approx(found.plug_in.determined - found.null_mean.determined)
    assert found.corrected.leak == pytest.approx(1 - found.corrected.determined)
    assert found == estimate(target, numbers, permutations=100, seed=3)
    assert found.null_mean != estimate(target, numbers, permutations=100, seed=4).null_mean


def test_only_the_order_of_a_source_counts(numbers: Array) -> None:
    target = (numbers[:, 0] + numbers[:, 1] > 0).astype(int)
    found = estimate(target, numbers[:, :2], permutations=100)
    assert estimate(target, np.exp(numbers[:, :2]), permutations=100) == found


def test_too_few_rows_are_refused(numbers: Array) -> None:
    # |T| = 2, |A| = 4: 72 x 1 x 3 / 1 = 216 rows.
    target = np.arange(216) % 2
    assert estimate(target, numbers[:216, :2], bins=2, permutations=100).rows == 216
    with pytest.raises(ValueError, match=r"215 rows are too few for 2 states of the target and 4 of .* take 216"):
        estimate(target[:215], numbers[:215, :2], bins=2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: surd(np.zeros(4, dtype=int), STATES), "target is constant"),
        (lambda: surd(STATES[:, 0], STATES / 3), "`sources` must be discrete, got float64"),
        (lambda: surd(STATES[:3, 0], STATES), r"got \(3,\) and \(4, 2\)"),
        (lambda: quantile_bins(np.arange(5.0), 1), "`bins` must be 2 or more"),
        (lambda: quantile_bins(np.array([1.0, math.nan]), 2), "not finite"),
        (lambda: estimate(np.arange(9) % 2, np.ones((9, 2))), r"sources \[0, 1\] are constant"),
        (lambda: estimate(np.arange(9) % 2, np.ones((9, 4))), "got 4 sources"),
        (lambda: estimate(np.arange(9) % 2, np.ones((9, 2)), bins=9), "bins=9"),
        (lambda: estimate(np.arange(9) % 2, np.ones((9, 2)), permutations=10), "permutations=10"),
    ],
)
def test_what_does_not_fit_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
