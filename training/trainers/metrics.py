"""Accuracy and F1 beside the losses of an evaluation, in the measures of `redheart evaluate`.

Notable: a batch has some of the targets, and the texts of a pair are read together; so `compute_metrics` gets arrays by
target, of the texts (or pairs) that have it, and not one flat array.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from torch import Tensor
from transformers import EvalPrediction

from ...batches.predictions import by_target, values_of
from ...data.examples import MISSING, PAIRS, RANKING_LOSSES, SHAPES, Array
from ...modeling_redheart.asserted import asserted_emotions
from ...statistics.measures import average_precision, macro_f1, micro_f1, pair_accuracy, right_verdicts, verdict_f1

Metrics: TypeAlias = Callable[[EvalPrediction], Mapping[str, float]]


class Readings:
    """Predictions and labels by target: arrays of (texts, ...); of a ranking, (pairs, 2) with the better text first."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[list[Array], list[Array]]] = {}

    def add(self, reading: Any, batch: Mapping[str, Tensor], temperature: float) -> None:
        """Add a batch.

        Args:
            reading: Output of the model, with every output that it has.
            batch: The batch with its targets.
            temperature: Temperature of the verdict.
        """
        targets = [name for name in SHAPES if name in batch and name != "embedding_labels"]
        predicted = by_target(values_of(reading), temperature) if targets else {}
        for name in (name for name in targets if name in predicted):  # the model may lack a component
            predictions, true = (value.detach().float().cpu().numpy() for value in (predicted[name], batch[name]))
            if name in PAIRS:
                predictions, true = _in_pairs(predictions, true)
            else:
                there = ((true != MISSING) & np.isfinite(true)).reshape(len(true), -1).any(axis=1)
                predictions, true = predictions[there], np.where(true[there] == MISSING, np.nan, true[there])
            if len(predictions):
                self._extend(name, [predictions], [true])

    def merge(self, others: Iterable["Readings"]) -> None:
        """Add the contents of other objects."""
        for other in others:
            for name, (predictions, true) in other.found.items():
                self._extend(name, predictions, true)

    def _extend(self, name: str, predictions: list[Array], true: list[Array]) -> None:
        mine = self.found.setdefault(name, ([], []))
        mine[0].extend(predictions)
        mine[1].extend(true)

    def prediction(self) -> EvalPrediction:
        """Return everything in the form that `compute_metrics` takes."""
        predictions, true = ({name: np.concatenate(both[side]) for name, both in self.found.items()} for side in (0, 1))
        return EvalPrediction(predictions=predictions, label_ids=true)  # type: ignore[arg-type]  # by target


def _in_pairs(scores: Array, pairs: Array) -> tuple[Array, Array]:
    """Scores of the better and the worse text of each whole pair, (pairs, 2), and their labels [1, 0]."""
    places: dict[int, dict[int, int]] = {}
    for row, (number, rank) in enumerate(pairs.astype(int).tolist()):
        if number >= 0:
            places.setdefault(number, {})[rank] = row
    whole = [(ranks[1], ranks[0]) for ranks in places.values() if len(ranks) == 2]
    rows = np.array(whole, dtype=np.int64).reshape(-1, 2)
    return scores[rows], np.tile([1.0, 0.0], (len(rows), 1))


def reading_metrics(prediction: EvalPrediction, thresholds: Mapping[str, float] | None = None) -> dict[str, float]:
    """Compute the metrics that are logged beside the losses.

    Emotions and verdict by F1, the verdict and the rankings by accuracy. F1 is the mean over the emotions, or verdicts,
    that occur.

    Args:
        prediction: Its ``predictions`` and ``label_ids`` are arrays by target.
        thresholds: Thresholds of the emotions, 0.5 for one that is not named.

    Returns:
        Name -> value, of the metrics that are finite.
    """
    predictions: Any = prediction.predictions
    true: Any = prediction.label_ids
    found: dict[str, float] = {}
    if "emotion_labels" in predictions:
        scores, labels = predictions["emotion_labels"], true["emotion_labels"]
        known = np.isfinite(labels)
        actual, asserted = known & (labels >= 0.5), known & asserted_emotions(scores, thresholds or {})
        found |= {"emotion_f1": macro_f1(actual, asserted), "emotion_micro_f1": micro_f1(actual, asserted)}
        if known.all():
            found["emotion_average_precision"] = average_precision(actual, scores)
    if "verdict_labels" in predictions:
        scores, labels = predictions["verdict_labels"], true["verdict_labels"]
        found["verdict_accuracy"] = float(right_verdicts(scores, labels).mean())
        found["verdict_f1"] = verdict_f1(scores, labels)
    for target, name in RANKING_LOSSES.items():
        if target in predictions:
            better, worse = predictions[target].T
            found[f"{name}_accuracy"] = pair_accuracy(better, worse)
    return {name: value for name, value in found.items() if np.isfinite(value)}


__all__ = ["Metrics", "Readings", "reading_metrics"]
