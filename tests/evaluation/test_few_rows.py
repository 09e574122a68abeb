"""Figures of rows that are few, or alike: what can be measured has no interval, and the rest is named."""

import math
from typing import Any, cast

import numpy as np
import pytest

from redheart.configuration.labels import EMOTIONS, RATED, VERDICTS
from redheart.data.loading import Unit, to_examples, to_units
from redheart.evaluation.measurement.figures import measure
from redheart.evaluation.measurement.predict import Predictor
from redheart.evaluation.measurement.results import MODEL, Evaluation, Figure
from redheart.evaluation.measurement.split import Split
from redheart.evaluation.texts.unsupported import unsupported

JOY, ANGER = ("joy",), ("anger",)


def evaluated(rows: list[dict[str, Any]]) -> Evaluation:
    """The figures of a system whose scores are drawn at random."""
    units: list[Unit] = to_units(to_examples([{"text": f"Text {n}.", **row} for n, row in enumerate(rows)], "mine"))
    texts = sum(map(len, units))
    random = np.random.default_rng(0)
    shares = random.random((texts, 5))
    predictions: dict[str, Any] = {
        "emotion_labels": random.random((texts, len(EMOTIONS))),
        "arc": random.random((texts, len(EMOTIONS))),
        "verdict_labels": shares / shares.sum(axis=1, keepdims=True),
        "affect_labels": random.random((texts, 3)),
        "acceptability_labels": random.random(texts),
        "utility_pair_labels": random.random(texts),
        "expected_loss": random.random((texts, len(RATED))),
    }
    report = Evaluation("made-up", 1, "")
    measure(Split("mine", "all rows", units, {MODEL: predictions}), {}, report)
    return report


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("alike", [False, True])
def test_few_rows_of_one_class_or_two_have_figures(count: int, alike: bool) -> None:
    """Of emotions, verdicts and pairs; by the command, and of splits of a public set that are as small."""
    emotions = [{"emotion": list(JOY if alike or n % 2 else ANGER)} for n in range(count)]
    verdicts = [{"verdict": "author" if alike or n % 2 else "other"} for n in range(count)]
    pairs = [{"rejected": f"Other {n}.", "ranking": "utility"} for n in range(count)]
    for rows, output, name in (
        (emotions, "emotion", "macro F1"),
        (verdicts, "verdict", "macro F1"),
        (pairs, "utility_ranking", "pair accuracy"),
    ):
        found = evaluated(rows).find("mine", output, name)
        assert found
        assert all(math.isfinite(item.value) for item in found)


def test_a_mean_over_labels_says_over_how_many() -> None:
    report = evaluated(
        [{"emotion": list(JOY), "verdict": "author"}] * 6 + [{"emotion": list(ANGER), "verdict": "author"}] * 6
    )
    assert all(
        item.rule.endswith("over the 2 of 28 labels that occur") for item in report.find("mine", "emotion", "macro F1")
    )
    (verdict,) = report.find("mine", "verdict", "macro F1")
    assert verdict.rule == f"most probable; over the 1 of {len(VERDICTS)} labels that occur"


def test_what_cannot_be_measured_is_named() -> None:
    none = evaluated([{"emotion": [], "affect.valence": n / 10} for n in range(4)])
    assert none.skipped == {
        "emotion of mine (all rows)": "no emotion occurs in its rows",
        "affect of mine (all rows)": "no value of it differs over 10 rows or more",
    }
    assert not none.figures


def test_nothing_is_minus_zero() -> None:
    """In a figure, and so in the terminal, in JSON, on a page and on a card."""
    figure = Figure("mine", "all", "verdict", "soft cross entropy", MODEL, -0.0, 3, -0.0, -0.0)
    assert [str(value) for value in (figure.value, figure.low, figure.high)] == ["0.0"] * 3


def test_a_single_text_has_no_share() -> None:
    """Of the words of one's own rows, shuffled; the shares of the library's own texts are there all the same."""

    class Silent:
        def texts(self, texts: list[str]) -> dict[str, Any]:
            return {"emotion_labels": np.zeros((len(texts), len(EMOTIONS)))}

    for own, there in (([], False), (["I lied to my mother."], False), (["I lied.", "She kept her word."], True)):
        rows = unsupported(cast(Predictor, Silent()), dict.fromkeys(EMOTIONS, 0.5), own)
        assert ("words of the data, shuffled" in {row.kind for row in rows}) == there
        assert "all" in {row.kind for row in rows}
