"""The statistics, against scipy, against all arrangements counted one by one, and against a textbook's table."""

import math
from collections.abc import Callable, Sequence
from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from redheart.statistics.series import (
    EXACT_UP_TO,
    cusum,
    generalisation_gap,
    mann_kendall,
    noise,
    relative_gain,
    rises_over_best,
    scaled_mean,
    sen_slope,
    unit_of,
    variance,
)

# Montgomery, Introduction to Statistical Quality Control, table 9.1: 30 observations, target 10, slack 0.5, and the
# upper sums as printed there.
OBSERVED = [9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51, 9.40, 10.08,
            9.37, 10.62, 10.31, 8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31,
            10.52]  # fmt: skip
UPPER = [0, 0, 0, 1.16, 2.82, 2.50, 0.04, 1.00, 0, 0, 0, 0.97, 0.98, 0, 0,
         0, 0.12, 0, 0, 0.34, 0.74, 0, 1.79, 2.79, 2.89, 3.47, 3.35, 4.47, 5.28, 5.30]  # fmt: skip


def counted(values: Sequence[float]) -> tuple[int, float, float]:
    """The test by counting every arrangement."""

    def score(order: Sequence[float]) -> int:
        return sum(int(np.sign(order[j] - order[i])) for i in range(len(order)) for j in range(i + 1, len(order)))

    seen = score(values)
    scores = [score(order) for order in permutations(values)]
    return seen, np.mean([s >= seen for s in scores]).item(), np.mean([s <= seen for s in scores]).item()


def test_a_monotonic_series_has_the_extreme_statistic() -> None:
    # One order of 5! = 120 has all 10 pairs rising.
    assert mann_kendall([1, 2, 3, 4, 5]) == (10, 1 / 120, 1.0)
    assert mann_kendall([5, 4, 3, 2, 1]) == (-10, 1.0, 1 / 120)
    # 4 orders have one falling pair: P(S >= 8) = (1 + 4) / 120
    assert mann_kendall([1, 2, 3, 5, 4]).p_rise == 5 / 120


@pytest.mark.parametrize(
    "values", [[3, 1, 2], [1, 1, 2, 3], [2, 2, 1, 1, 3], [1, 2, 2, 2, 3, 0], [4, 4, 4], [1, 5, 2, 4, 3, 6]]
)
def test_the_exact_test_counts_every_arrangement_also_with_ties(values: list[float]) -> None:
    assert mann_kendall(values) == pytest.approx(counted(values))


@pytest.mark.parametrize("count", [4, 7, 12, EXACT_UP_TO])
def test_without_ties_it_is_the_exact_test_of_kendalls_tau(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count).tolist()
    for alternative, ours in (("greater", mann_kendall(values).p_rise), ("less", mann_kendall(values).p_fall)):
        theirs = stats.kendalltau(range(count), values, method="exact", alternative=alternative)
        assert ours == pytest.approx(theirs.pvalue)


def test_long_series_take_the_normal_approximation_with_the_variance_of_the_ties() -> None:
    random = np.random.default_rng(0)
    values = (np.round(random.normal(size=60), 1) + np.arange(60) * 0.01).round(1).tolist()
    trend = mann_kendall(values)
    ties = np.unique(values, return_counts=True)[1].tolist()
    assert max(ties) > 1
    # scipy's asymptotic test has the same variance and no continuity correction
    theirs = stats.kendalltau(range(60), values, method="asymptotic", alternative="greater").pvalue
    assert stats.norm.sf(trend.statistic / math.sqrt(variance(ties))) == pytest.approx(theirs)
    corrected = stats.norm.sf((trend.statistic - 1) / math.sqrt(variance(ties)))
    assert trend.p_rise == pytest.approx(corrected)
    assert mann_kendall([1.0] * 60)[1:] == (1.0, 1.0)


def test_exact_and_normal_agree_where_they_meet() -> None:
    values = np.random.default_rng(1).normal(size=EXACT_UP_TO).tolist()
    exact = mann_kendall(values)
    normal = stats.norm.sf((exact.statistic - 1) / math.sqrt(variance([1] * EXACT_UP_TO)))
    assert exact.p_rise == pytest.approx(normal, abs=2e-3)


def test_sen_slope_is_the_median_of_all_slopes() -> None:
    assert sen_slope([0, 1, 2, 30, 4]) == 1  # one outlier does not move it
    values = np.random.default_rng(2).normal(size=15).tolist()
    assert sen_slope(values) == pytest.approx(stats.theilslopes(values).slope)


def test_noise_is_that_around_the_course() -> None:
    random = np.random.default_rng(3)
    course = np.linspace(3, 1, 4000)
    assert noise(course.tolist()) == pytest.approx(0, abs=1e-12)
    assert noise((course + random.normal(scale=0.2, size=4000)).tolist()) == pytest.approx(0.2, rel=0.05)
    bent = np.concatenate((np.linspace(9, 1, 5), np.ones(20)))  # one sharp bend
    assert noise(bent.tolist()) == pytest.approx(0, abs=1e-12)


def test_cusum_gives_the_textbooks_table() -> None:
    assert cusum(OBSERVED, target=10, slack=0.5) == pytest.approx(UPPER, abs=0.011)
    assert cusum([20, 20], target=10, slack=0.5, scale=5) == pytest.approx([1.5, 3.0])


def test_rises_count_from_the_best_value_so_far() -> None:
    # best:                    5  4  4    4    3  3
    assert rises_over_best([5, 4, 4.5, 6.0, 3, 3.2], slack=0.1) == pytest.approx([0, 0, 0.4, 2.3, 0, 0.1])
    assert rises_over_best([4, 9, 4.5, 9], slack=0.1, most=1) == pytest.approx([0, 1, 1.4, 2.4])


def test_the_gap_is_in_the_unit_of_each_loss() -> None:
    # (0.6 - 0.4) / 0.5 = 0.4 and (30 - 10) / 100 = 0.2
    validation, units = {"a": 0.6, "b": 30.0, "other": 9.0}, {"a": 0.5, "b": 100.0}
    assert generalisation_gap(validation, {"a": 0.4, "b": 10.0}, units) == pytest.approx(0.3)
    assert generalisation_gap(validation, {"a": 0.4}, units) is None
    assert generalisation_gap(validation, {"a": 0.4, "b": math.nan}, units) is None


def test_units_keep_the_direction_of_a_negative_loss() -> None:
    assert [unit_of(value) for value in (2.0, -2.0, 0.0)] == [2, 2, 1]
    units = {"likelihood": unit_of(-2.0), "entropy": unit_of(0.5)}
    started = scaled_mean({"likelihood": -2.0, "entropy": 0.5}, units)
    assert scaled_mean({"likelihood": -2.2, "entropy": 0.5}, units) < started  # lower is better
    assert relative_gain(2.0, 1.5) == 0.25
    assert relative_gain(-2.0, -2.5) == 0.25
    assert relative_gain(0.0, 0.0) == 0.0
    assert relative_gain(0.0, 1.0) == -math.inf


def test_what_cannot_be_tested_is_an_error() -> None:
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: mann_kendall([1.0]), "1 values is too short; at least 2"),
        (lambda: mann_kendall([1.0, math.nan]), "Value 1 of the series is nan"),
        (lambda: noise([1.0, 2.0]), "at least 3"),
        (lambda: sen_slope([]), "at least 2"),
        (lambda: cusum([1.0], 0, 0, scale=0), "above 0, got 0"),
        (lambda: rises_over_best([math.inf], 0), "must be finite"),
    ]
    for call, message in cases:
        with pytest.raises(ValueError, match=message):
            call()
