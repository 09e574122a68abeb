"""Which emotions a reading asserts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..configuration.labels import EMOTIONS

_NEUTRAL = EMOTIONS.index("neutral")
_EVEN = 0.5


def threshold_of(thresholds: Mapping[str, float], name: str) -> float:
    """The probability from which on an emotion is asserted: of the config, 0.5 where it has none."""
    return float(thresholds.get(name, _EVEN))


def asserted_emotions(
    probabilities: npt.NDArray[np.floating[Any]], thresholds: Mapping[str, float]
) -> npt.NDArray[np.bool_]:
    """What a reading asserts: bool (texts, 28) of probabilities (texts, 28).

    A feeling at or above its threshold (0.5 where there is none), and neutral so only where no feeling is.
    """
    limits = np.array([threshold_of(thresholds, name) for name in EMOTIONS])
    asserted: npt.NDArray[np.bool_] = probabilities >= limits
    asserted[:, _NEUTRAL] &= ~np.delete(asserted, _NEUTRAL, axis=1).any(axis=1)
    return asserted


__all__ = ["asserted_emotions", "threshold_of"]
