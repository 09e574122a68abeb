"""Learn then test: thresholds whose risk is at most alpha, with probability 1 - delta over the rows that chose them.

Angelopoulos, Bates, Candes, Jordan & Lei (2021, arXiv:2110.01052). A threshold is promised when the hypothesis that its
risk exceeds alpha is rejected; thresholds are tested in an order that was fixed beforehand, up to the first that is not
rejected, so that the probability of any wrong rejection is at most delta.

Notable: p-values are by betting (Waudby-Smith & Ramdas 2024, arXiv:2010.09686), valid for any number of independent
units and any loss in 0..1, and sharper than Hoeffding-Bentkus where the losses vary little, as means over groups do. A
unit is what is independent: a group of rows, and not its rows. The result depends on the order of the units, which must
not depend on their losses.
"""

import math
from collections.abc import Sequence

import numpy as np

from .measures import Array

# Capital that is staked at most, as a share: a unit with the loss 1 does not end the game.
_MOST_STAKED = 0.95
# Values of alpha that `least_alpha` tries.
_ALPHAS = np.arange(1, 100) / 100


def group_means(values: Array, groups: Sequence[str]) -> Array:
    """The mean over the rows of each group, so that every group weighs the same.

    Args:
        values: Shape ``(..., rows)``.
        groups: Group of each row.

    Returns:
        Shape ``(..., groups)``, in the order in which the groups come up.
    """
    places = {name: place for place, name in enumerate(dict.fromkeys(groups))}
    members = np.zeros((len(groups), len(places)))
    members[np.arange(len(groups)), [places[name] for name in groups]] = 1
    return np.asarray(values @ (members / members.sum(axis=0)))


def p_value(losses: Array, weights: Array, alpha: float, delta: float) -> float:
    """The p-value of the hypothesis that the risk, sum of losses / sum of weights in the population, is above alpha.

    The bets are the predictable ones of Waudby-Smith & Ramdas, which are tuned to ``delta``; by Ville's inequality the
    p-value is valid whatever ``delta`` is.

    Args:
        losses: Of independent units, ``(units,)``, 0 to the weight of the unit.
        weights: What counts of each unit, ``(units,)``, 0..1; all 1 for a plain mean.
        alpha: The risk, above 0 and below 1.
        delta: The level at which it will be compared, above 0 and below 1.

    Returns:
        The p-value, above 0 and at most 1.

    Raises:
        ValueError: For no units, shapes that differ, and values out of range.
    """
    losses, weights = np.asarray(losses, np.float64), np.asarray(weights, np.float64)
    if losses.ndim != 1 or not len(losses) or losses.shape != weights.shape:
        raise ValueError(f"Give one loss and one weight per unit, at least one; got {losses.shape}, {weights.shape}.")
    if not (0 < alpha < 1 and 0 < delta < 1):
        raise ValueError(f"`alpha` and `delta` must lie between 0 and 1, got {alpha} and {delta}.")
    if not ((losses >= -1e-9) & (losses <= weights + 1e-9) & (weights <= 1 + 1e-9)).all():
        raise ValueError("A loss must be at least 0 and at most its weight, and a weight at most 1.")
    gains, number = alpha * weights - losses, np.arange(len(losses))
    means = np.cumsum(gains) / (number + 2)  # with one more unit of gain 0
    spread = np.concatenate(([0.0], np.cumsum((gains - means) ** 2)[:-1]))
    variance = (0.25 + spread) / (number + 1)  # of the units before; as if one of the largest variance had been seen
    stakes = np.minimum(_MOST_STAKED / (1 - alpha), np.sqrt(2 * math.log(1 / delta) / (len(gains) * variance)))
    return float(math.exp(-max(0.0, np.cumsum(np.log1p(stakes * gains)).max())))


def last_promised(losses: Array, weights: Array, alpha: float, delta: float) -> int | None:
    """The last threshold of a fixed sequence whose risk is at most ``alpha`` with probability 1 - ``delta``.

    So is the risk of every one before it, all at once.

    Args:
        losses: Of each unit at each threshold, in the order of the tests, ``(thresholds, units)``.
        weights: Likewise.
        alpha: As in `p_value`.
        delta: As in `p_value`.

    Returns:
        Its place; None where the first is not promised.
    """
    last = None
    for place, (some, counted) in enumerate(zip(losses, weights, strict=True)):
        if p_value(some, counted, alpha, delta) > delta:
            break
        last = place
    return last


def least_alpha(losses: Array, weights: Array, delta: float) -> float | None:
    """The smallest risk, in hundredths, that the first threshold of a sequence can promise; None where none can.

    Args:
        losses: Of each unit at each threshold, ``(thresholds, units)``.
        weights: Likewise.
        delta: As in `p_value`.

    Returns:
        The risk.
    """
    found = (float(alpha) for alpha in _ALPHAS if p_value(losses[0], weights[0], float(alpha), delta) <= delta)
    return next(found, None)


__all__ = ["group_means", "last_promised", "least_alpha", "p_value"]
