"""The figures of a split: what they are, that a better system has better ones, and what is left out."""

import numpy as np
import pytest

from redheart.configuration.labels import EMOTIONS, RATED, VERDICTS
from redheart.evaluation.figures import EACH, LIKELY, OFFSETS, ONE, OTHERS, STORED, Split, measure
from redheart.evaluation.results import CONSTANT, MODEL, Evaluation, Figure
from redheart.training.data import Array, Example, Unit

TEXTS = 60


def _emotions(generator: np.random.Generator) -> Array:
    actual = (generator.random((TEXTS, len(EMOTIONS))) < 0.3).astype(np.float32)
    actual[:2] = [[1] * len(EMOTIONS), [0] * len(EMOTIONS)]
    return actual


def _said(**values: Array) -> dict[str, Array]:
    return {"expected_loss": np.linspace(0, 1, TEXTS)[:, None].repeat(len(RATED), 1), **values}


def _report(
    units: list[Unit], systems: dict[str, dict[str, Array]], thresholds: dict[str, float] | None = None
) -> Evaluation:
    report = Evaluation("model", 1, "command")
    measure(Split("set", "validation", units, systems), thresholds or {}, report)
    return report


def _one(report: Evaluation, output: str, name: str, system: str = MODEL, rule: str | None = None) -> Figure:
    (found,) = [item for item in report.find("set", output, name, system=system) if rule in (None, item.rule)]
    return found


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_perfect_system_is_perfect_and_a_constant_is_not(generator: np.random.Generator) -> None:
    actual = _emotions(generator)
    units: list[Unit] = [(Example(f"text {n}", "set", {"emotion_labels": row}),) for n, row in enumerate(actual)]
    perfect = _said(emotion_labels=0.1 + 0.8 * actual, arc=0.1 + 0.8 * actual)
    prior = {"emotion_labels": np.tile(actual.mean(axis=0), (TEXTS, 1))}
    report = _report(units, {MODEL: perfect, CONSTANT: prior})
    for rule in (ONE, EACH, OTHERS, STORED):
        assert _one(report, "emotion", "macro F1", rule=rule).value == pytest.approx(1)
    assert _one(report, "emotion", "average precision").value == pytest.approx(1)
    assert _one(report, "emotion", "average precision", CONSTANT).value < 0.5
    assert _one(report, "emotion", "macro F1", CONSTANT, ONE).value < 0.7
    (table,) = report.tables
    assert table.rows["joy"]["F1"] == pytest.approx(1)
    assert table.rows["joy"]["texts"] == actual[:, EMOTIONS.index("joy")].sum()
    risks = report.find("set", "emotion", "selective risk")
    assert [item.value for item in risks] == [0, 0, 0]
    assert "coverage 0.50" in risks[-1].rule


def test_the_thresholds_of_the_config_decide(generator: np.random.Generator) -> None:
    actual = _emotions(generator)
    units: list[Unit] = [(Example(f"text {n}", "set", {"emotion_labels": row}),) for n, row in enumerate(actual)]
    said = _said(emotion_labels=0.1 + 0.3 * actual, arc=actual)  # right order, all below 0.5
    assert _one(_report(units, {MODEL: said}), "emotion", "macro F1", rule=STORED).value == 0
    lower = _report(units, {MODEL: said}, dict.fromkeys(EMOTIONS, 0.25))
    assert _one(lower, "emotion", "macro F1", rule=STORED).value == pytest.approx(1)


def test_labels_that_some_rows_lack_are_measured_on_the_others(generator: np.random.Generator) -> None:
    actual = _emotions(generator)
    actual[:30, 0] = np.nan
    actual[:, 1] = np.nan
    units: list[Unit] = [(Example(f"text {n}", "set", {"emotion_labels": row}),) for n, row in enumerate(actual)]
    known = np.nan_to_num(actual)
    report = _report(units, {MODEL: _said(emotion_labels=known, arc=known)})
    found = _one(report, "emotion", "macro F1")
    assert found.value == pytest.approx(1)
    assert f"{len(EMOTIONS) - 1} labels" in found.rule


def test_the_rule_for_rare_verdicts_finds_what_the_most_probable_hides(generator: np.random.Generator) -> None:
    truth = np.array([VERDICTS.index("other")] * 40 + [VERDICTS.index("author")] * 20)
    shares = np.eye(len(VERDICTS))[truth]
    scores = np.full((TEXTS, len(VERDICTS)), 0.01)
    scores[:, VERDICTS.index("other")] = 0.9
    scores[truth == VERDICTS.index("author"), VERDICTS.index("author")] = 0.3  # raised, and never the highest
    scores /= scores.sum(axis=1, keepdims=True)
    units: list[Unit] = [
        (Example(f"text {n}", "set", {"verdict_labels": row.astype(np.float32)}),) for n, row in enumerate(shares)
    ]
    report = _report(units, {MODEL: _said(verdict_labels=scores)})
    assert _one(report, "verdict", "macro F1", rule=LIKELY).value == pytest.approx(0.8 / 5)
    assert _one(report, "verdict", "macro F1", rule=OFFSETS).value == pytest.approx(2 / 5)
    assert _one(report, "verdict", "accuracy").value == pytest.approx(2 / 3)
    (confusion,) = report.confusions
    assert confusion.counts[VERDICTS.index("author")][VERDICTS.index("other")] == 20


def test_a_ranking_counts_pairs_and_not_texts() -> None:
    units: list[Unit] = [
        (
            Example(f"good {n}", "set", {"action_pair_labels": np.array([n, 1])}),
            Example(f"bad {n}", "set", {"action_pair_labels": np.array([n, 0])}),
        )
        for n in range(10)
    ]
    scores = np.array([[1.0, 0.0]] * 7 + [[0.0, 1.0]] * 2 + [[0.5, 0.5]]).ravel()
    found = _one(_report(units, {MODEL: {"action_pair_labels": scores}}), "action", "pair accuracy")
    assert (found.value, found.rows) == (pytest.approx(0.75), 10)
    assert found.low < 0.75 < found.high


def test_regressions_have_a_figure_for_each_label_and_their_mean(generator: np.random.Generator) -> None:
    actual = generator.normal(size=(TEXTS, 3)).astype(np.float32)
    units: list[Unit] = [(Example(f"text {n}", "set", {"affect_labels": row}),) for n, row in enumerate(actual)]
    values = actual * np.array([2.0, -1.0, 0.0]) + 1
    report = _report(units, {MODEL: _said(affect_labels=values)})
    assert _one(report, "affect.valence", "Pearson r").value == pytest.approx(1)
    assert _one(report, "affect.arousal", "Pearson r").value == pytest.approx(-1)
    assert np.isnan(_one(report, "affect.dominance", "Pearson r").value)
    assert _one(report, "affect", "mean Pearson r").value == pytest.approx(0)


def test_a_confidence_that_knows_ranks_the_losses(generator: np.random.Generator) -> None:
    actual = generator.normal(size=(TEXTS, 3)).astype(np.float32)
    units: list[Unit] = [(Example(f"text {n}", "set", {"affect_labels": row}),) for n, row in enumerate(actual)]
    error = np.linspace(0, 1, TEXTS)[:, None]
    report = _report(units, {MODEL: _said(affect_labels=actual + error)})
    assert _one(report, "confidence.affect", "Spearman r with the real loss").value == pytest.approx(1)
