"""Intervals against values worked out by hand, and against how often they hold."""

import math

import numpy as np
import pytest

from redheart.statistics.intervals import difference, discoveries, mean, share


def test_the_interval_of_a_share_is_wilsons() -> None:
    """4 of 10, by his formula with z = 1.959964."""
    z, p, n = 1.959963984540054, 0.4, 10
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    found = share(4, 10)
    assert (found.value, found.low, found.high) == pytest.approx((0.4, middle - half, middle + half))
    assert share(0, 10).low == 0
    assert 0 < share(0, 10).high < 1
    assert math.isnan(share(0, 0).value)


def test_the_interval_of_a_mean_is_students() -> None:
    """1, 2, 3: mean 2, standard error 1 / sqrt 3, and t = 4.302653 with 2 degrees of freedom."""
    found = mean(np.array([1.0, 2.0, 3.0]))
    assert (found.value, found.high) == pytest.approx((2.0, 2 + 4.302653 / math.sqrt(3)))
    assert mean(np.array([1.0])).value == 1
    assert math.isnan(mean(np.array([])).value)


def test_intervals_hold_as_often_as_they_say() -> None:
    generator = np.random.default_rng(0)
    held = []
    for _ in range(400):
        first, second = generator.normal(0.3, 1, 30), generator.normal(0, 2, 50)
        found, _ = difference(first, second)
        held.append(found.low <= 0.3 <= found.high)
    assert np.mean(held) == pytest.approx(0.95, abs=0.03)


def test_a_difference_that_cannot_be_tested_has_no_interval() -> None:
    found, p = difference(np.ones(5), np.ones(5))
    assert (found.value, math.isnan(found.low), math.isnan(p)) == (0, True, True)
    assert math.isnan(difference(np.ones(0), np.ones(5))[0].value)


def test_among_many_differences_few_are_named_by_chance() -> None:
    assert discoveries([0.001, math.nan, 0.04, 0.9]) == [True, False, False, False]
    assert discoveries([math.nan]) == [False]
    p_values = list(np.random.default_rng(0).uniform(size=200))
    assert sum(discoveries(p_values)) <= 1


def test_an_interval_ends_where_the_scale_ends() -> None:
    """Two values that lie apart have a wide one, and no mean of values in 0..1 is below 0."""
    two, others = np.array([0.1, 0.9]), np.array([0.2, 0.7])
    free, bounded = mean(two), mean(two, (0, 1))
    assert free.low < 0
    assert free.high > 1
    assert (bounded.value, bounded.low, bounded.high) == (free.value, 0, 1)
    assert mean(np.array([0.4, 0.5, 0.6]), (0, 1)) == mean(np.array([0.4, 0.5, 0.6]))
    apart, _ = difference(two, others, (0, 1))
    assert difference(two, others)[0].low < -1
    assert (apart.low, apart.high) == (-1, 1)
