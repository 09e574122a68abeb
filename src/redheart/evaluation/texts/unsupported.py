"""Unsupported claims: how often a reading asserts an emotion of a text that states none."""

from collections.abc import Mapping, Sequence

import numpy as np

from ...configuration.labels import EMOTIONS
from ...data.loading import Array
from ...modeling_redheart.asserted import asserted_emotions
from ...statistics.measures import bootstrap
from ..measurement.predict import Predictor
from ..measurement.results import Unsupported
from .no_signal import no_signal_texts, shuffled

_NEUTRAL = EMOTIONS.index("neutral")


def unsupported(
    predictor: Predictor, thresholds: dict[str, float], texts: Sequence[str] = (), count: int = 300, seed: int = 0
) -> list[Unsupported]:
    """The share of no-signal texts with a non-neutral emotion above its threshold, by kind and over all.

    Args:
        predictor: Reads the texts.
        thresholds: Thresholds of the model's config, by emotion.
        texts: Texts of a data set, whose words are shuffled: a kind of its own that is not counted in "all", since the
            words of an emotion stay when their order goes. A single text has no share.
        count: Number of no-signal texts.
        seed: Seed of the texts.

    Returns:
        One result per kind, "all", and the shuffled texts.
    """
    made = no_signal_texts(seed, count)
    kinds = np.array([item.kind for item in made])
    asserted = _asserted(predictor, [item.text for item in made], thresholds)
    found = [_row(str(kind), asserted[kinds == kind]) for kind in sorted(set(kinds.tolist()))]
    found.append(_row("all", asserted))
    if len(texts) > 1:
        mixed = _asserted(predictor, [item.text for item in shuffled(texts, seed)], thresholds)
        found.append(_row("words of the data, shuffled", mixed))
    return found


def asserts_emotion(probabilities: Array, thresholds: Mapping[str, float]) -> Array:
    """Whether an emotion other than neutral is at or above its threshold, ``(texts,)``, of ``(texts, emotions)``."""
    return _any_non_neutral(asserted_emotions(probabilities, thresholds))


def _asserted(predictor: Predictor, texts: Sequence[str], thresholds: Mapping[str, float]) -> Array:
    return asserted_emotions(predictor.texts(texts)["emotion_labels"], thresholds)


def _any_non_neutral(asserted: Array) -> Array:
    return np.asarray(np.delete(asserted, _NEUTRAL, axis=1).any(axis=1))


def _row(kind: str, asserted: Array) -> Unsupported:
    others = _any_non_neutral(asserted).astype(np.float64)
    interval = bootstrap(lambda rows: float(rows.mean()), others)
    silent = float((~asserted.any(axis=1)).mean())
    return Unsupported(kind, len(others), interval.value, interval.low, interval.high, silent)


__all__ = ["asserts_emotion", "unsupported"]
