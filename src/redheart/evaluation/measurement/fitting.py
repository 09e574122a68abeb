"""Fitting on validation rows of what the config keeps: thresholds, a temperature, and what is withheld.

That is the emotions' thresholds, the verdict's temperature, the probability from which on a verdict is named, the bits
from which on the information about it is reported, and what is withheld: claims that are no better than a constant, and
confidences that do not order the texts by their errors.

Notable: thresholds are fitted on all sets that are given (`rows.FITTED_ON`), every set weighing the same however many
rows it has: thousands of short comments would otherwise decide alone what is asserted of the everyday texts that people
send. Temperature and naming are fitted on whatever has verdicts; of the public sets, that is the cases.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from scipy.special import softmax
from scipy.stats import rankdata
from torch import Tensor

from ...batches.supervision import KEYS_OF_VALUES
from ...configuration.claims import Kind, learned
from ...configuration.labels import EMOTIONS, SURD
from ...data.loading import Array, Unit
from ...statistics.calibration import fit_temperature, fit_thresholds
from ...statistics.measures import bootstrap, pearson, right_verdicts
from ...statistics.selective import risk_coverage
from .predict import Predictor, expected_losses, target_column
from .split import mean_of_known

WRONG = 0.1  # share of the named verdicts that may be wrong
MIN_NAMED = 0.5  # share of the texts of which a verdict is named at least
BY_CHANCE = 0.05  # share of texts whose information is reported although the states are of different texts
MIN_RATED = 30  # texts with a label, for a claim to be judged
_NEUTRAL = EMOTIONS.index("neutral")
# Targets on scales, each of whose values is a claim by itself. The intensity of an emotion is reported only where
# the emotion is asserted, and is not judged alone.
_SCALES = tuple(
    target
    for target, claim in learned()
    if claim.kind in (Kind.DEGREE, Kind.VALUE, Kind.GAUSSIAN, Kind.RATE) and target != "intensity_labels"
)
# Part whose loss is expected -> the target that its real loss is computed from; levels are cumulative and have none.
_RATED_BY = {
    claim.name: target for target, claim in learned() if claim.rated is not None and claim.kind is not Kind.LEVELS
}


def fit_naming_threshold(probabilities: Array, shares: Array) -> float:
    """The lowest probability of the most probable verdict from which on at most `WRONG` of the named are wrong.

    What is right follows from `right_verdicts`. Where less than `MIN_NAMED` of the texts would be named, it is the
    highest probability that names so many: whoever wants fewer errors sets a higher one.

    Args:
        probabilities: Shape ``(texts, 5)``.
        shares: Shares of the votes, ``(texts, 5)``.

    Returns:
        The probability, 0..1.
    """
    wrong = ~right_verdicts(probabilities, shares)
    curve = risk_coverage(wrong.astype(np.float64), probabilities.max(axis=1))
    chosen = int(np.flatnonzero(curve.coverage >= MIN_NAMED)[0])
    if len(safe := np.flatnonzero(curve.risk <= WRONG)):
        chosen = max(chosen, int(safe[-1]))
    return float(curve.threshold[chosen])


def fit_emotion_thresholds(scores: Array, actual: Array, weights: Array | None = None) -> Array:
    """The threshold of each emotion for what a reading asserts (`asserted.asserted_emotions`).

    Neutral's is the best of the decisions that are left to it: where a feeling is asserted, neutral is not.

    Args:
        scores: Shape ``(texts, 28)``, 0..1.
        actual: Shape ``(texts, 28)``, 0 or 1.
        weights: Weight of each text, ``(texts,)``, above 0; None = equal weights.

    Returns:
        The thresholds, ``(28,)``, 0..1.

    Raises:
        ValueError: As `calibration.fit_thresholds`.
    """
    thresholds = fit_thresholds(scores, actual, weights=weights)
    feeling = np.delete(scores >= thresholds, _NEUTRAL, axis=1).any(axis=1)
    left = scores.copy()
    left[feeling, _NEUTRAL] = 0
    thresholds[_NEUTRAL] = fit_thresholds(left, actual, weights=weights)[_NEUTRAL]
    return thresholds


def fit_information_null(model: Any, sources: Tensor, seed: int = 0) -> float:
    """Bits of synergy, unique and redundant information that states of different texts exceed in `BY_CHANCE` of cases.

    A permutation test: each source is given to the texts in an order of its own.

    Args:
        model: A model with its ``surd_analyzer``.
        sources: What the analyzer reads of real texts, ``(texts, 3, hidden)``.
        seed: Seed of the orders.

    Returns:
        The bits.
    """
    order = torch.Generator().manual_seed(seed)
    mixed = torch.stack([part[torch.randperm(len(part), generator=order)] for part in sources.unbind(1)], dim=1)
    with torch.inference_mode():
        parts = torch.cat([model.surd_analyzer(some).parts for some in mixed.split(256)])
    return float(parts[:, : len(SURD) - 1].double().sum(dim=1).quantile(1 - BY_CHANCE))


def fit_withheld(predictions: Mapping[str, Array], units: Sequence[Unit]) -> list[str]:
    """The values on scales that do not follow their labels, and so are no better than a constant.

    Those are the values of which the 95 % interval of Pearson's r over texts does not lie above 0. A value for which
    fewer than `MIN_RATED` texts have a label is not judged.

    Args:
        predictions: Predictions about ``units``, of `Predictor`.
        units: Rows with labels.

    Returns:
        Record keys of these values.
    """
    found = []
    for target in _SCALES:
        if not any(target in item.targets for unit in units for item in unit):
            continue
        actual, places = target_column(units, target)
        columns = (
            values.reshape(len(places), -1).astype(np.float64) for values in (predictions[target][places], actual)
        )
        for key, predicted, labels in zip(KEYS_OF_VALUES[target], *(values.T for values in columns), strict=True):
            known = np.isfinite(labels)
            if known.sum() >= MIN_RATED and not _correlates(predicted[known], labels[known]):
                found.append(key)
    return found


def fit_unordered(predictions: Mapping[str, Array], units: Sequence[Unit]) -> list[str]:
    """The confidences that do not order the texts by how wrong they were read.

    Those are the confidences of which the 95 % interval of Spearman's r of the expected with the real loss does not lie
    above 0. The real loss is the mean squared error, of distributions Brier's. A confidence for which fewer than
    `MIN_RATED` texts have a label is not judged.

    Args:
        predictions: Predictions about ``units``, of `Predictor`.
        units: Rows with labels.

    Returns:
        Record keys of these confidences.
    """
    found = []
    expected = expected_losses(predictions)
    for name, target in _RATED_BY.items():
        if not any(target in item.targets for unit in units for item in unit):
            continue
        actual, places = target_column(units, target)
        columns = (
            values.reshape(len(places), -1).astype(np.float64) for values in (predictions[target][places], actual)
        )
        real = mean_of_known(np.subtract(*columns) ** 2)
        known = np.isfinite(real)
        ranks = rankdata(expected[name][places][known]), rankdata(real[known])
        if known.sum() >= MIN_RATED and not _correlates(*ranks):
            found.append(f"confidence.{name}")
    return found


def _correlates(predicted: Array, labels: Array) -> bool:
    try:
        return bootstrap(pearson, predicted, labels).low > 0
    except ValueError:  # labels that hardly differ: r is undefined on most resamples
        return False


def _read_with_sources(model: Any, predictor: Predictor, units: Sequence[Unit]) -> tuple[dict[str, Array], Tensor]:
    """The predictions about ``units``, and what the analyzer of information read meanwhile, in no order.

    Returns:
        Predictions by target, and the sources ``(texts, 3, hidden)``.
    """
    captured: list[Tensor] = []
    handle = model.surd_analyzer.register_forward_pre_hook(lambda _, inputs: captured.append(inputs[0].detach()))
    try:
        predictions = predictor(units)
    finally:
        handle.remove()
    return predictions, torch.cat(captured)


def fit(model: Any, predictor: Predictor, units: Sequence[Unit]) -> dict[str, Any]:
    """Fit what ``units`` allow, and store it in ``model.config``.

    Args:
        model: The model whose config is changed.
        predictor: Reads with the model.
        units: Validation rows. Thresholds need emotions that are known on all rows; the temperature and the thresholds
            of naming and of information need verdicts.

    Returns:
        What was fitted, by its name in the config, with a description of the rows it was fitted on.

    Raises:
        ValueError: When there are neither emotions nor verdicts.
    """
    found: dict[str, Any] = {}
    emotions = [unit for unit in units if "emotion_labels" in unit[0].targets]
    if emotions:
        actual, places = target_column(emotions, "emotion_labels")
        rows = np.isfinite(actual).all(axis=1)
        scores = predictor(emotions)["emotion_labels"][places][rows]
        sources = _sources(emotions, places[rows])
        thresholds = fit_emotion_thresholds(scores, actual[rows], _balanced_weights(sources))
        model.config.thresholds = {name: _rounded_down(value) for name, value in zip(EMOTIONS, thresholds, strict=True)}
        found |= {"thresholds": model.config.thresholds, "thresholds fitted on": _describe_counts(sources)}
    with_verdicts = [unit for unit in units if "verdict_labels" in unit[0].targets]
    if with_verdicts:
        shares, places = target_column(with_verdicts, "verdict_labels")
        if hasattr(model, "surd_analyzer"):
            predictions, states = _read_with_sources(model, predictor, with_verdicts)
            model.config.information_null = found["information_null"] = round(fit_information_null(model, states), 4)
        else:  # an exported model, whose analyzer cannot be run by itself
            predictions = predictor(with_verdicts)
        logits = predictions["verdict_logits"][places]
        model.config.verdict_temperature = round(float(fit_temperature(logits, shares)), 4)
        probabilities = softmax(logits / model.config.verdict_temperature, axis=1)
        model.config.verdict_threshold = _rounded_down(fit_naming_threshold(probabilities, shares))
        tempered = {
            **predictions,
            "verdict_labels": softmax(predictions["verdict_logits"] / model.config.verdict_temperature, axis=1),
        }
        model.config.withheld = fit_withheld(predictions, with_verdicts) + fit_unordered(tempered, with_verdicts)
        found |= {
            "verdict_temperature": model.config.verdict_temperature,
            "verdict_threshold": model.config.verdict_threshold,
            "withheld": model.config.withheld,
            "verdict fitted on": _describe_counts(_sources(with_verdicts, places)),
        }
    if not found:
        raise ValueError("There is nothing to fit on: no row has emotions or a verdict.")
    return found


def _sources(units: Sequence[Unit], places: Array) -> list[str]:
    """The set of each text at ``places``."""
    every = [item.source for unit in units for item in unit]
    return [every[place] for place in places]


def _balanced_weights(sources: Sequence[str]) -> Array:
    """A weight per text, so that every set weighs the same and the mean is 1."""
    _, places, counts = np.unique(np.array(sources), return_inverse=True, return_counts=True)
    return np.asarray(len(sources) / (len(counts) * counts[places]))


def _describe_counts(sources: Sequence[str]) -> str:
    counts = {name: sources.count(name) for name in dict.fromkeys(sources)}
    counts_text = ", ".join(f"{count:,} texts of {name}" for name, count in counts.items())
    return f"{counts_text}, every set weighing the same" if len(counts) > 1 else counts_text


def _rounded_down(threshold: float) -> float:
    """Round down to four decimals: the text that a threshold was taken from stays above it."""
    return math.floor(float(threshold) * 1e4) / 1e4


__all__ = [
    "BY_CHANCE",
    "MIN_NAMED",
    "WRONG",
    "fit",
    "fit_emotion_thresholds",
    "fit_information_null",
    "fit_naming_threshold",
    "fit_unordered",
    "fit_withheld",
]
