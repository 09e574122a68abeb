"""Which emotions a reading asserts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..configuration.labels import EMOTIONS

_NEUTRAL = EMOTIONS.index("neutral")
_EVEN = 0.5


def threshold_of(thresholds: Mapping[str, float], name: str) -> float:
    """Return the probability from which on an emotion is asserted: the config's, or 0.5 where it has none."""
    return float(thresholds.get(name, _EVEN))


def asserted_emotions(
    probabilities: npt.NDArray[np.floating[Any]], thresholds: Mapping[str, float]
) -> npt.NDArray[np.bool_]:
    """Decide which emotions are asserted.

    A feeling is asserted at or above its threshold; neutral likewise, but only where no feeling is asserted.

    Args:
        probabilities: Of each emotion; shape ``(texts, 28)``.
        thresholds: Threshold of each emotion by name; 0.5 where there is none.

    Returns:
        What a reading asserts; bool ``(texts, 28)``.
    """
    limits = np.array([threshold_of(thresholds, name) for name in EMOTIONS])
    asserted: npt.NDArray[np.bool_] = probabilities >= limits
    asserted[:, _NEUTRAL] &= ~np.delete(asserted, _NEUTRAL, axis=1).any(axis=1)
    return asserted


__all__ = ["asserted_emotions", "threshold_of"]
