"""The losses of the best constant reading: what a model that ignores the text can reach at most.

Notable: the constants are means over the training texts, the losses are those on the validation texts, in the same
units as ``eval_loss_NAME``, so that "better than the mean or the majority" is one comparison for every output.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..configuration.claims import CLAIMS, Claim, learned
from ..data.examples import LEVELS, MISSING, RANKING_LOSSES, Unit
from ..modeling_redheart.kinds import KINDS

Array = npt.NDArray[np.float64]


def constant_losses(train: Sequence[Unit], validation: Sequence[Unit]) -> dict[str, float]:
    """Compute the loss of each supervised output of a constant reading.

    Args:
        train: Units that give the constants.
        validation: Units that give the losses.

    Returns:
        Loss by name, without those whose target is missing in either of the two. A ranking is a coin toss, log 2 nats.
    """
    losses: dict[str, float] = {}
    for target, own in learned():
        train_values, validation_values = _column(train, target), _column(validation, target)
        if train_values is None or validation_values is None:
            continue
        for claim in CLAIMS.values():
            cost = KINDS[claim.kind].constant if claim.labels == target else None
            value = cost(own, train_values, validation_values) if cost is not None else math.nan
            if math.isfinite(value):
                losses |= dict.fromkeys(_losses(claim), value)
    for target, name in RANKING_LOSSES.items():
        if any(target in item.targets for unit in validation for item in unit):
            losses[name] = math.log(2)
    return losses


def _column(units: Sequence[Unit], target: str) -> Array | None:
    """All values of a target, (texts, ...), NaN where an element is missing."""
    values = [item.targets[target] for unit in units for item in unit if target in item.targets]
    if not values:
        return None
    column = np.stack([np.asarray(value, dtype=np.float64) for value in values])
    return np.where(column == MISSING, np.nan, column) if target in LEVELS else column


def _losses(claim: Claim) -> tuple[str, ...]:
    """The losses of a claim in one unit: its own, and that of its head unless the head alone has no uncertainty."""
    same_unit = claim.head is not None and claim.of_head().kind is claim.kind
    return (claim.name, f"{claim.name}_head") if same_unit else (claim.name,)


__all__ = ["constant_losses"]
