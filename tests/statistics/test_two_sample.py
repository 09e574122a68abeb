"""The two-sample test: exact where the samples are alike, and it finds what differs."""

import numpy as np
import pytest
from scipy.stats import binom

from redheart.statistics.two_sample import energy_test


def test_alike_samples_are_rarely_declared_unlike() -> None:
    random = np.random.default_rng(0)
    found = [
        energy_test(random.standard_t(3, (20, 4)), random.standard_t(3, (30, 4)), 99, seed).p_value <= 0.1
        for seed in range(400)
    ]
    assert sum(found) <= binom.ppf(0.999, 400, 0.1)


@pytest.mark.parametrize("change", ["place", "spread"])
def test_it_finds_samples_that_differ(change: str) -> None:
    random = np.random.default_rng(0)
    first, second = random.normal(size=(45, 3)), random.normal(size=(60, 3))
    second = second + 1 if change == "place" else second * 4
    found = energy_test(first, second)
    assert found.p_value <= 0.01
    assert 0 < found.distance <= 1
    assert found.sizes == (45, 60)


def test_columns_weigh_the_same_whatever_their_unit() -> None:
    random = np.random.default_rng(0)
    first, second = random.normal(size=(20, 2)), random.normal(size=(20, 2))
    scaled = energy_test(first * [1, 1000], second * [1, 1000])
    assert scaled.p_value == energy_test(first, second).p_value


def test_equal_rows_are_alike() -> None:
    assert energy_test(np.ones((5, 2)), np.ones((4, 2))).p_value == 1


@pytest.mark.parametrize(
    ("first", "second", "complaint"),
    [
        (np.ones((1, 2)), np.ones((4, 2)), "at least 2 rows"),
        (np.ones((3, 2)), np.ones((4, 3)), "equal columns"),
        (np.full((3, 2), np.nan), np.ones((4, 2)), "not finite"),
    ],
)
def test_what_cannot_be_compared_is_refused(first: np.ndarray, second: np.ndarray, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        energy_test(first, second)
