"""The losses of a constant reading, worked out by hand and compared with the model's own."""

import math

import numpy as np
import pytest

from redheart.batches.constant_baseline import constant_losses
from redheart.data.loading import Example, Unit


def one(name: str, value: object) -> Unit:
    return (Example("text", "made-up", {name: np.asarray(value, dtype=np.float32)}),)


def test_emotions_by_hand() -> None:
    train = [one("emotion_labels", [1.0] + [0.0] * 27)] + [one("emotion_labels", [0.0] * 28)] * 3
    found = constant_losses(train, [one("emotion_labels", [1.0] + [0.0] * 27)])
    # The first emotion has the share 1/4; the others have none, and cost nothing.
    assert found["emotion"] == pytest.approx(math.log(4) / 28, rel=1e-3)
    assert found["emotion"] == found["emotion_head"] == found["arc"]


def test_regressions_distributions_and_gaussians_by_hand() -> None:
    train = [one("affect_labels", [0.0, math.nan, 0.2]), one("affect_labels", [1.0, 0.4, 0.2])]
    # means 0.5, 0.4, 0.2; squared errors 0.25, 0, 0.09
    asked = [one("affect_labels", [1.0, 0.4, 0.5])]
    assert constant_losses(train, asked)["affect"] == pytest.approx((0.25 + 0 + 0.09) / 3)
    courses = [one("utility_labels", [1.0, 0.5, -1.0]), one("utility_labels", [math.nan, -0.5, math.nan])]
    # the actual course: mean 0, squared error 0.25; the others are their own means
    assert constant_losses(courses, courses)["utility"] == pytest.approx((0.25 / 3 + 0.25) / 2)
    conduct = [one("acceptability_labels", 0.2), one("acceptability_labels", 0.8)]
    assert constant_losses(conduct, conduct) == {"acceptability": pytest.approx(0.09)}
    votes = [one("verdict_labels", [1, 0, 0, 0, 0]), one("verdict_labels", [0, 1, 0, 0, 0])]
    assert constant_losses(votes, votes)["verdict"] == pytest.approx(math.log(2), rel=1e-3)
    bentham = [one("bentham_labels", [value] + [math.nan] * 9) for value in (0.0, 1.0)]
    # mean 0.5, variance 0.25: (0.25 / 0.25 + ln 0.25) / 2
    assert constant_losses(bentham, bentham)["bentham"] == pytest.approx(0.5 * (1 + math.log(0.25)))


def test_levels_and_missing_ones() -> None:
    levels = np.full(28, -100)
    levels[0] = 2
    # Two rows: level 2 and level 0. Steps 1 and 2 are reached by half of them, 3 and 4 by none.
    zero = levels.copy()
    zero[0] = 0
    train = [one("nuance_labels", levels), one("nuance_labels", zero)]
    assert constant_losses(train, train)["nuance"] == pytest.approx((2 * math.log(2)) / 4, rel=1e-3)


def test_a_ranking_is_a_toss_and_the_unknown_is_left_out() -> None:
    pair = (
        Example("a", "made-up", {"acceptability_pair_labels": np.array([0, 1])}),
        Example("b", "made-up", {"acceptability_pair_labels": np.array([0, 0])}),
    )
    assert constant_losses([pair], [pair]) == {"acceptability_ranking": math.log(2)}
