"""Ethical consistency: whether a reading stays the same when a text is put differently and means the same.

Krippendorff's alpha with the texts as units and the readings of their variants as raters, one per family of variants
(`perturbations.variants`): interval for scores, nominal for labels. Notable: a model that gives the same reading of
every text has no alpha, so that a constant reading is not counted as consistent; and what is right is beside what is
the same.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ...configuration.labels import AFFECT
from ...data.loading import Array, Unit
from ...rewording.variants import FAMILIES, variants
from ...statistics.agreement import Level, alpha_interval
from ...statistics.calibration import fit_threshold
from ...statistics.measures import macro_f1, right_verdicts
from ..measurement.predict import Predictor, target_column
from ..measurement.results import Consistency

VARIANTS = 5
LONGEST = 1200  # characters; variants of a longer text would differ in a small part only


def consistency(
    predictor: Predictor, dataset: str, units: Sequence[Unit], texts: int = 100, seed: int = 0
) -> list[Consistency]:
    """Alpha of each family of variants on texts of the units, drawn at random.

    Args:
        predictor: Reads the texts.
        dataset: Name of the data set, for the results.
        units: Rows, whose first texts are used, up to `LONGEST` characters.
        texts: Texts of each family; fewer where fewer have enough variants.
        seed: Seed of the draw and of the variants.

    Returns:
        One result per family of which at least two texts have enough variants.
    """
    order = np.random.default_rng(seed).permutation(len(units))
    single = [units[place] for place in order if len(units[place][0].text) <= LONGEST]
    found = []
    for family in FAMILIES:
        chosen: list[Unit] = []
        rewritten: list[list[str]] = []
        for unit in single:
            other = variants(unit[0].text, family, VARIANTS, seed)
            if len(other) == VARIANTS:
                chosen.append(unit[:1])
                rewritten.append([unit[0].text, *other])
            if len(chosen) == texts:
                break
        if len(chosen) >= 2:
            found.append(_family(predictor, family, dataset, chosen, rewritten))
    return found


def _family(
    predictor: Predictor, family: str, dataset: str, units: Sequence[Unit], rewritten: Sequence[Sequence[str]]
) -> Consistency:
    predictions = predictor.texts([text for row in rewritten for text in row])
    by_text = {name: value.reshape(len(units), -1, *value.shape[1:]) for name, value in predictions.items()}
    label = by_text["verdict_labels"].argmax(axis=-1)
    values: dict[str, tuple[Array, Level]] = {
        "emotion": (by_text["emotion_labels"], "interval"),
        "affect": (by_text["affect_labels"][..., : len(AFFECT)], "interval"),
        "bentham": (by_text["bentham_labels"], "interval"),
        "utility": (by_text["utility_labels"], "interval"),
        "acceptability": (by_text["acceptability_labels"], "interval"),
        "verdict": (by_text["verdict_labels"], "interval"),
        "verdict label": (label.astype(np.float64), "nominal"),
    }
    alpha = {}
    for name, (column, level) in values.items():
        try:
            interval = alpha_interval(column, level)
        except ValueError:  # the same reading of every text: there is no alpha
            alpha[name] = (float("nan"), float("nan"), float("nan"))
        else:
            alpha[name] = (interval.value, interval.low, interval.high)
    return Consistency(family, dataset, len(units), label.shape[1], alpha, _accuracy(units, by_text))


def _accuracy(units: Sequence[Unit], predictions: dict[str, Array]) -> dict[str, tuple[float, float]]:
    """Accuracy of the readings of the texts themselves, and of their variants."""
    found = {}
    if all("emotion_labels" in unit[0].targets for unit in units):
        actual, _ = target_column(units, "emotion_labels")
        if np.isfinite(actual).all() and actual.any():
            scores = predictions["emotion_labels"]
            cut = fit_threshold(scores[:, 0], actual)
            found["emotion macro F1"] = _original_and_variants(
                lambda place: macro_f1(actual, scores[:, place] >= cut), scores.shape[1]
            )
    if all("verdict_labels" in unit[0].targets for unit in units):
        shares, _ = target_column(units, "verdict_labels")
        scores = predictions["verdict_labels"]
        found["verdict accuracy"] = _original_and_variants(
            lambda place: float(right_verdicts(scores[:, place], shares).mean()), scores.shape[1]
        )
    return found


def _original_and_variants(measure: Callable[[int], float], readings: int) -> tuple[float, float]:
    return measure(0), float(np.mean([measure(place) for place in range(1, readings)]))


__all__ = ["LONGEST", "VARIANTS", "consistency"]
