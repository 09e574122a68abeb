"""What is fitted on validation rows and kept in the config: thresholds, the verdict's temperature, and from when on one is named."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import softmax

from ..configuration.labels import EMOTIONS
from ..training.data import Array, Unit
from .calibration import fit_temperature, fit_thresholds
from .predict import Predictor, target_column

WRONG = 0.1  # share of the named verdicts that may be wrong


def fit_threshold_of_naming(probabilities: Array, shares: Array) -> float:
    """The lowest probability of the most probable verdict from which on at most `WRONG` of the named are wrong.

    probabilities, shares: (texts, 5). A verdict is right that has the most votes, or as many as another. Where no
    threshold gets there, the one that half of the texts reach: whoever wants fewer errors sets a higher one.
    """
    best = probabilities.max(axis=1)
    right = np.take_along_axis(shares, probabilities.argmax(axis=1)[:, None], axis=1)[:, 0] >= shares.max(axis=1)
    order = np.argsort(-best, kind="stable")
    wrong = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    half = len(order) // 2
    reached = np.flatnonzero(wrong <= WRONG)
    last = max(int(reached[-1]) if len(reached) else 0, half)
    return float(best[order[min(last, len(order) - 1)]])


def fit(model: Any, predictor: Predictor, units: Sequence[Unit]) -> dict[str, Any]:
    """Fit what ``units`` allow, put it into ``model.config``, and say what it was.

    units: validation rows. Thresholds need emotions that are known on all rows; the temperature and the threshold of
    naming need verdicts. Raises `ValueError` when there are neither.
    """
    found: dict[str, Any] = {}
    emotions = [unit for unit in units if "emotion_labels" in unit[0].targets]
    if emotions:
        actual, places = target_column(emotions, "emotion_labels")
        rows = np.isfinite(actual).all(axis=1)
        scores = predictor(emotions)["emotion_labels"][places][rows]
        each = fit_thresholds(scores, actual[rows])
        model.config.thresholds = {name: round(float(value), 4) for name, value in zip(EMOTIONS, each, strict=True)}
        found |= {"thresholds": model.config.thresholds, "thresholds fitted on": f"{int(rows.sum())} texts"}
    posts = [unit for unit in units if "verdict_labels" in unit[0].targets]
    if posts:
        shares, places = target_column(posts, "verdict_labels")
        logits = predictor(posts)["verdict_logits"][places]
        model.config.verdict_temperature = round(float(fit_temperature(logits, shares)), 4)
        probabilities = softmax(logits / model.config.verdict_temperature, axis=1)
        model.config.verdict_threshold = round(fit_threshold_of_naming(probabilities, shares), 4)
        found |= {
            "verdict_temperature": model.config.verdict_temperature,
            "verdict_threshold": model.config.verdict_threshold,
            "verdict fitted on": f"{len(shares)} texts",
        }
    if not found:
        raise ValueError("There is nothing to fit on: no row has emotions or a verdict.")
    return found


__all__ = ["fit", "fit_threshold_of_naming"]
