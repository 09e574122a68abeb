"""What is fitted on validation rows and kept in the config: thresholds, the verdict's temperature, its rule."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..configuration.labels import EMOTIONS, VERDICTS
from ..training.data import Array, Unit
from .calibration import fit_temperature, fit_thresholds
from .measures import verdict_f1
from .predict import Predictor, target_column

_STEPS = np.round(np.arange(-1.0, 4.01, 0.1), 2)  # logits
_ROUNDS = 3


def fit_offsets(logits: Array, shares: Array) -> Array:
    """What to add to the logits of each verdict so that the highest has the best macro F1 on these rows, (5,).

    logits, shares: (texts, 5). Coordinate ascent from 0, the commonest verdict staying there: the probabilities of rare
    verdicts are rightly low, and the most probable verdict is then nearly always the commonest one.
    """
    offsets = np.zeros(logits.shape[1])
    common = int(np.bincount(shares.argmax(axis=1), minlength=logits.shape[1]).argmax())
    best = verdict_f1(logits, shares)
    for _ in range(_ROUNDS):
        before = best
        for place in (place for place in range(logits.shape[1]) if place != common):
            for step in _STEPS:
                tried = offsets.copy()
                tried[place] = step
                if (found := verdict_f1(logits + tried, shares)) > best:
                    best, offsets = found, tried
        if best == before:
            break
    return offsets


def fit(model: Any, predictor: Predictor, units: Sequence[Unit]) -> dict[str, Any]:
    """Fit what ``units`` allow, put it into ``model.config``, and say what it was.

    units: validation rows. Thresholds need emotions that are known on all rows; the temperature and the rule need
    verdicts. Raises `ValueError` when there are neither.
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
        offsets = fit_offsets(logits / model.config.verdict_temperature, shares)
        model.config.verdict_offsets = {name: float(value) for name, value in zip(VERDICTS, offsets, strict=True)}
        found |= {
            "verdict_temperature": model.config.verdict_temperature,
            "verdict_offsets": model.config.verdict_offsets,
            "verdict fitted on": f"{len(shares)} texts",
        }
    if not found:
        raise ValueError("There is nothing to fit on: no row has emotions or a verdict.")
    return found


__all__ = ["fit", "fit_offsets"]
