"""Learn then test: the promise is broken in at most delta of simulated repetitions, and kept where rows suffice."""

import numpy as np
import pytest
from scipy.stats import beta, binom

from redheart.data.loading import Array
from redheart.statistics.risk_control import group_means, last_promised, least_alpha, p_value

ALPHA, DELTA, TIMES = 0.1, 0.1, 2000
# At the true risk alpha a p-value of at most delta comes up in at most delta of the repetitions, and this for chance.
MOST = binom.ppf(0.999, TIMES, DELTA) / TIMES


def _rejected(losses: Array, weights: Array) -> float:
    pairs = zip(losses, weights, strict=True)
    return float(np.mean([p_value(some, counted, ALPHA, DELTA) <= DELTA for some, counted in pairs]))


@pytest.mark.parametrize("units", [20, 45, 200])
@pytest.mark.parametrize("kind", ["right or wrong", "spread", "concentrated", "selective"])
def test_a_risk_of_alpha_is_rarely_declared_smaller(kind: str, units: int) -> None:
    random = np.random.default_rng(units)
    shape = (TIMES, units)
    weights = np.ones(shape)
    if kind == "right or wrong":
        losses = (random.random(shape) < ALPHA).astype(float)
    elif kind == "spread":
        losses = beta.rvs(0.2, 1.8, size=shape, random_state=random)
    elif kind == "concentrated":
        losses = beta.rvs(20, 180, size=shape, random_state=random)
    else:  # half of the units count, and a tenth of these is wrong
        weights = (random.random(shape) < 0.5).astype(float)
        losses = weights * (random.random(shape) < ALPHA)
    assert _rejected(losses, weights) <= MOST


def test_the_promise_of_a_chosen_threshold_is_broken_in_at_most_delta_of_the_repetitions() -> None:
    """The risk rises along the sequence, and the threshold is chosen on the same rows: selection costs nothing."""
    random, risks = np.random.default_rng(0), np.linspace(0.01, 0.3, 40)
    broken = chosen = 0
    for _ in range(500):
        losses = (random.random(100) < risks[:, None]).astype(float)
        last = last_promised(losses, np.ones_like(losses), ALPHA, DELTA)
        chosen += last is not None
        broken += last is not None and risks[last] > ALPHA
    assert chosen > 450
    assert broken <= binom.ppf(0.999, 500, DELTA)


def test_dependent_rows_break_the_promise_and_their_groups_do_not() -> None:
    random = np.random.default_rng(0)
    names = [str(number // 5) for number in range(100)]
    by_row, by_group = [], []
    for _ in range(TIMES):
        losses = np.repeat(random.random(20) < ALPHA, 5).astype(float)  # all five rows of a group, or none
        by_row.append(p_value(losses, np.ones(100), ALPHA, DELTA) <= DELTA)
        by_group.append(p_value(group_means(losses, names), np.ones(20), ALPHA, DELTA) <= DELTA)
    assert np.mean(by_row) > MOST
    assert np.mean(by_group) <= MOST


def test_a_small_risk_is_promised_the_sooner_the_more_rows_there_are() -> None:
    random = np.random.default_rng(0)
    shares = [
        _rejected((random.random((300, units)) < 0.03).astype(float), np.ones((300, units))) for units in (45, 400)
    ]
    assert shares[0] < shares[1]
    assert shares[1] > 0.95


def test_the_sequence_ends_at_the_first_that_is_not_promised() -> None:
    good, bad = np.zeros(100), np.ones(100)
    losses = np.stack([good, good, bad, good])
    assert last_promised(losses, np.ones_like(losses), ALPHA, DELTA) == 1
    assert last_promised(losses[2:], np.ones((2, 100)), ALPHA, DELTA) is None


def test_the_least_alpha_falls_with_the_rows() -> None:
    few, many = (least_alpha(np.zeros((1, units)), np.ones((1, units)), DELTA) for units in (10, 200))
    assert few is not None
    assert many is not None
    assert many < 0.05 < few
    # Nobody can promise less than by the exact binomial test: no error among the rows.
    assert (1 - few) ** 10 <= DELTA
    assert least_alpha(np.ones((1, 200)), np.ones((1, 200)), DELTA) is None


def test_every_group_weighs_the_same() -> None:
    assert group_means(np.array([1.0, 0.0, 0.5, 1.0]), ["a", "a", "b", "a"]) == pytest.approx([2 / 3, 0.5])


@pytest.mark.parametrize(
    ("losses", "weights", "alpha", "complaint"),
    [
        ([], [], 0.1, "at least one"),
        ([0.1], [1.0, 1.0], 0.1, "one weight per unit"),
        ([0.1], [1.0], 0.0, "between 0 and 1"),
        ([1.5], [1.0], 0.1, "at most its weight"),
        ([float("nan")], [1.0], 0.1, "at most its weight"),
    ],
)
def test_what_cannot_be_tested_is_refused(
    losses: list[float], weights: list[float], alpha: float, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        p_value(np.array(losses), np.array(weights), alpha, DELTA)
