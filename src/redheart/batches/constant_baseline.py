"""The losses of the best constant reading: what a model that ignores the text can reach at most.

Notable: the constants are means over the training texts, the losses are those on the validation texts, in the same
units as ``eval_loss_NAME``, so that "better than the mean or the majority" is one comparison for every output.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ..configuration.labels import NUANCE_LEVELS
from ..data.examples import RANKING_LOSSES, Unit

Array = npt.NDArray[np.float64]


def constant_losses(train: Sequence[Unit], validation: Sequence[Unit]) -> dict[str, float]:
    """Loss of each supervised output of a constant reading, by the loss's name.

    Without a target in either of the two, a loss is left out. A ranking is a toss, log 2 nats.
    """
    losses: dict[str, float] = {}
    for target, (names, cost) in _COSTS.items():
        seen, asked = _column(train, target), _column(validation, target)
        if seen is None or asked is None:
            continue
        value = cost(seen, asked)
        if math.isfinite(value):
            losses |= dict.fromkeys(names, value)
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
    return np.where(column == -100, np.nan, column) if target == "nuance_labels" else column


def _over_texts(loss: Array) -> float:
    """Mean over the texts of the mean over what is there of each, as the model's losses are."""
    present = np.isfinite(loss).reshape(len(loss), -1)
    sums = np.where(present, loss.reshape(len(loss), -1), 0).sum(axis=1)
    some = present.any(axis=1)
    return float((sums[some] / present[some].sum(axis=1)).mean()) if some.any() else math.nan


def _mean(seen: Array) -> Array:
    """Mean of each element over the texts that have it; NaN where none has."""
    count = np.isfinite(seen).sum(axis=0)
    total = np.nansum(seen, axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _binary(seen: Array, asked: Array) -> float:
    share = np.clip(_mean(seen), 1e-6, 1 - 1e-6)
    return _over_texts(-(asked * np.log(share) + (1 - asked) * np.log(1 - share)))


def _levels(seen: Array, asked: Array) -> float:
    steps = np.arange(1, len(NUANCE_LEVELS) + 1)

    def reached(levels: Array) -> Array:
        return np.where(np.isnan(levels)[..., None], np.nan, (levels[..., None] >= steps).astype(np.float64))

    return _binary(reached(seen), reached(asked))


def _squared(seen: Array, asked: Array) -> float:
    return _over_texts((asked - _mean(seen)) ** 2)


def _gaussian(seen: Array, asked: Array) -> float:
    variance = np.maximum(_mean((seen - _mean(seen)) ** 2), 1e-6)
    return _over_texts(0.5 * ((asked - _mean(seen)) ** 2 / variance + np.log(variance)))


def _distribution(seen: Array, asked: Array) -> float:
    shares = np.clip(_mean(seen), 1e-6, None)
    shares = shares / shares.sum(axis=-1, keepdims=True)
    return _over_texts(-(asked * np.log(shares)).sum(axis=-1))


_COSTS: dict[str, tuple[tuple[str, ...], Callable[[Array, Array], float]]] = {
    "emotion_labels": (("emotion", "emotion_head", "arc"), _binary),
    "intensity_labels": (("intensity",), _squared),
    "nuance_labels": (("nuance",), _levels),
    "affect_labels": (("affect",), _squared),
    "bentham_labels": (("bentham",), _gaussian),
    "regret_labels": (("regret", "regret_head"), _squared),
    "utility_labels": (("utility",), _squared),
    "acceptability_labels": (("acceptability",), _squared),
    "plausibility_labels": (("plausibility",), _binary),
    "verdict_labels": (("verdict", "surd", "verdict_head"), _distribution),
    "perspective_labels": (("perspectives",), _distribution),
}

__all__ = ["constant_losses"]
