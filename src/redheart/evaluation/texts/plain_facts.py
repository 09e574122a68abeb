"""Plain facts: how often a reading blames somebody, or asserts a feeling, where a text mentions neither.

Notable: the 120 texts of `plain_facts.jsonl` are sentences that people write (recipes, opening hours, directions, small
talk, "I take the 8 o'clock bus."), while those of `no_signal` are made from templates and have words shuffled.
"""

from collections.abc import Mapping

import numpy as np

from ...configuration.labels import VERDICTS
from ...data.loading import Array
from ...statistics.measures import bootstrap
from ..measurement.predict import Predictor
from ..measurement.results import MODEL, Figure
from .text_lists import LANGUAGES, text_list
from .unsupported import asserts_emotion

DATASET = "plain facts"
BLAMED, FELT = "share with a wrongdoer named", "share with an emotion other than neutral"  # lower is better

_WRONGDOERS = ("author", "other", "everybody")


def plain_facts(predictor: Predictor, thresholds: Mapping[str, float], verdict_threshold: float = 0.0) -> list[Figure]:
    """The shares of plain facts with a wrongdoer named and with an emotion other than neutral asserted.

    Of each language and of all texts, as the splits "en", "ko" and "all". The most probable verdict is the named one.

    Args:
        predictor: Reads the texts.
        thresholds: Thresholds of the model's config, by emotion.
        verdict_threshold: Probability below which a reading abstains and names no verdict.

    Returns:
        Two figures for each split.
    """
    rows = text_list("plain_facts")
    languages = np.array([row["language"] for row in rows])
    predictions = predictor.texts([row["text"] for row in rows])
    verdict = predictions["verdict_labels"]
    blamed = np.isin(verdict.argmax(axis=1), [VERDICTS.index(name) for name in _WRONGDOERS])
    blamed &= verdict.max(axis=1) >= verdict_threshold
    rule = f"most probable, from {verdict_threshold:.2f} on" if verdict_threshold else "most probable"
    felt = asserts_emotion(predictions["emotion_labels"], thresholds)
    splits = {language: languages == language for language in LANGUAGES} | {"all": np.ones(len(rows), dtype=bool)}
    return [
        figure
        for split, chosen in splits.items()
        for figure in (
            _share(split, "verdict", BLAMED, blamed[chosen], rule),
            _share(split, "emotion", FELT, felt[chosen], "thresholds of the config"),
        )
    ]


def _share(split: str, output: str, measure: str, found: Array, rule: str) -> Figure:
    share = bootstrap(lambda rows: float(rows.mean()), found.astype(np.float64))
    return Figure(DATASET, split, output, measure, MODEL, share.value, len(found), share.low, share.high, rule)


__all__ = ["BLAMED", "DATASET", "FELT", "plain_facts"]
