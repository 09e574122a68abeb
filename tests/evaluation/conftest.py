"""An evaluation to show. Every value in it is invented: none says anything about a model."""

import math
from typing import Any

import pytest

from redheart.configuration.labels import AFFECT, EMOTIONS, VERDICTS
from redheart.evaluation.measurement.results import (
    CONSTANT,
    LINEAR,
    MODEL,
    Confusion,
    Consistency,
    Curve,
    Evaluation,
    Figure,
    LabelTable,
    Unsupported,
)

NAN = math.nan
EACH, OTHERS = "a threshold per label, fitted here", "per label, cross-fitted"
GO, POSTS, AFFECTS = ("goemotions", "validation"), ("scruples_anecdotes", "validation"), ("emobank", "validation")

HARD = ("ethics_utilitarianism", "test_hard")

# Rows of data and how many, output, measure, rule; then the constant, the linear model, the model and its interval.
_FIGURES = [
    (*GO, 5426, "emotion", "average precision", "", 0.042, 0.423, 0.457, 0.446, 0.468),
    (*GO, 5426, "emotion", "macro F1", EACH, 0.018, 0.489, 0.497, 0.485, 0.508),
    (*GO, 5426, "emotion", "macro F1", OTHERS, 0.018, 0.452, 0.471, 0.460, 0.482),
    (*GO, 5426, "emotion", "ECE", "", None, None, 0.012, NAN, NAN),
    (
        *GO,
        5426,
        "emotion",
        "selective risk",
        "coverage 0.80 of the texts, 50 claims",
        None,
        None,
        0.394,
        NAN,
        NAN,
    ),
    (*GO, 5426, "emotion", "coverage at risk", "texts with a wrong assertion at most 10%", None, None, 0.21, NAN, NAN),
    (*GO, 5426, "confidence.emotion", "Spearman r with the real loss", "", None, None, 0.412, NAN, NAN),
    (*POSTS, 2344, "verdict", "macro F1", "most probable", 0.164, 0.177, 0.164, 0.160, 0.169),
    (*POSTS, 2344, "verdict", "soft cross entropy", "", 1.135, 1.078, 1.130, 1.101, 1.160),
    (*AFFECTS, 1000, "affect.valence", "Pearson r", "", NAN, 0.525, 0.680, 0.642, 0.715),
    (*AFFECTS, 1000, "affect.arousal", "Pearson r", "", NAN, 0.351, 0.418, 0.360, 0.470),
    (*AFFECTS, 1000, "bentham.intensity", "Pearson r", "", NAN, 0.351, 0.398, 0.340, 0.452),
    ("emotion_intensity_en", "test", 2765, "intensity", "mean Pearson r", "", NAN, 0.390, NAN, NAN, NAN),
    ("moral_stories", "test", 1000, "acceptability_ranking", "pair accuracy", "", 0.5, 0.799, 0.801, 0.775, 0.826),
    ("ethics_utilitarianism", "test", 4808, "utility_ranking", "pair accuracy", "", 0.5, 0.687, 0.734, 0.721, 0.746),
    (*HARD, 4272, "utility_ranking", "pair accuracy", "", 0.5, 0.445, 0.421, 0.406, 0.436),
    ("goemotions_ko", "validation", 5426, "emotion", "macro F1", EACH, 0.018, 0.419, 0.401, 0.390, 0.412),
    ("kote", "test", 5000, "emotion", "average precision", "", 0.178, 0.389, 0.331, 0.322, 0.340),
]


def _figures() -> list[Figure]:
    """Each with its floor where it has one (not None); the majority has no correlation."""
    figures = []
    for dataset, split, count, output, measure, rule, constant, linear, value, low, high in _FIGURES:
        floor = [(system, value) for system, value in ((CONSTANT, constant), (LINEAR, linear)) if value is not None]
        figures += [Figure(dataset, split, output, measure, *known, count, rule=rule) for known in floor]
        figures.append(Figure(dataset, split, output, measure, MODEL, value, count, low, high, rule))
    return figures


def _labels() -> LabelTable:
    """F1 from 0.05 to 0.86; nobody asserted pride, whose precision is undefined."""
    rows = {}
    for place, name in enumerate(EMOTIONS):
        f1 = 0.05 + 0.03 * (place * 11 % 28)
        rows[name] = {"F1": f1, "precision": f1 + 0.05, "recall": f1 - 0.04, "texts": 13.0 + 61 * (place * 5 % 28)}
    rows["pride"] |= {"precision": NAN, "recall": 0.0, "F1": 0.0}
    return LabelTable(*GO, "emotion", rows)


def _parts(redundant: float, emotion: float, bentham: float, synergy: float) -> dict[str, Any]:
    """Of a decomposition into two sources."""
    determined = (redundant + emotion + bentham + synergy) / 0.9
    unique = {"emotion": emotion, "bentham": bentham}
    return {"entropy": 0.9, "redundant": redundant, "unique": unique, "synergy": synergy, "determined": determined}


def _record() -> dict[str, list[str]]:
    record = {f"emotion.{name}": ["goemotions", "goemotions_ko"] for name in EMOTIONS}
    record |= {f"intensity.{name}": ["emotion_intensity_en"] for name in ("anger", "fear", "joy")}
    record |= {f"affect.{name}": ["emobank"] for name in AFFECT}
    record |= {f"bentham.{name}": ["emobank"] for name in ("intensity", "valence")}
    return record | {
        "utility.actual": ["ethics_utilitarianism"],
        "verdict": ["moral_stories", "scruples_anecdotes"],
        "acceptability": ["moral_stories"],
        "regret.responsibility.actual": ["derived: probability of remorse"],
        "embedding": ["all-MiniLM-L6-v2"],
        "confidence.emotion": ["rows held out of training"],
    }


@pytest.fixture
def evaluation() -> Evaluation:
    """One of everything, with undefined values, figures below the floor, and claims that nothing supervised."""
    shares = [n / 20 for n in range(1, 21)]
    said = [0.04, 0.11, 0.22, 0.34, 0.45, 0.56, 0.68, 0.79, 0.91]
    texts = [9000, 4500, 3000, 2250, 1800, 1500, 1285, 1125, 1000]
    counts = [[112, 301, 4, 20, 0], [61, 1502, 2, 34, 0], [10, 60, 1, 3, 0], [24, 152, 0, 43, 0], [0, 0, 0, 0, 0]]
    return Evaluation(
        model="redheart-100m",
        parameters=22_345_678,
        command="redheart evaluate redheart-100m --data DATA --fit",
        figures=_figures(),
        tables=[_labels()],
        curves=[
            Curve("reliability", *GO, "emotion", said, [value**1.2 for value in said], texts),
            Curve("risk-coverage", *POSTS, "verdict", shares, [0.1 + share / 5 for share in shares]),
        ],
        confusions=[Confusion(*POSTS, "verdict", list(VERDICTS), counts)],
        consistency=[
            Consistency("surface", "goemotions", 100, 6, {"emotion": (0.91, 0.89, 0.93), "verdict": (0.83, 0.78, 0.87)},
                        {"emotion macro F1": (0.44, 0.42)}),
            Consistency("paraphrase", "goemotions", 97, 6,
                        {"emotion": (0.71, 0.66, 0.75), "acceptability": (NAN, NAN, NAN)}),
        ],
        unsupported=[
            Unsupported("dates", 150, 0.14, 0.10, 0.19, 0.31),
            Unsupported("technical prose", 150, 0.02, 0.01, 0.05, 0.62),
            Unsupported("all", 300, 0.08, 0.06, 0.11, 0.47),
        ],
        information={
            "dataset": "scruples_anecdotes",
            "target": "the author is in the wrong",
            "sources": {"emotion": "affect.valence", "bentham": "bentham.valence"},
            "rows": 2344,
            "corrected": _parts(0.052, 0.021, -0.001, 0.013),
            "plug_in": _parts(0.055, 0.026, 0.002, 0.031),
            "null_mean": _parts(0.003, 0.005, 0.003, 0.018),
            "null_low": _parts(0.001, 0.002, 0.001, 0.012),
            "null_high": _parts(0.006, 0.009, 0.006, 0.025),
        },
        cost={"response time, ms": 31.4, "tokens": 128, "weights, MB": 89.4},
        fitted={
            "thresholds": {name: 0.1 + 0.01 * place for place, name in enumerate(EMOTIONS)},
            "thresholds fitted on": "5,426 texts",
            "verdict_temperature": 0.933,
        },
        record=_record(),
        skipped={"scruples_dilemmas": "there is no folder of this name", "goemotions (test)": "the split is not there"},
    )  # fmt: skip
