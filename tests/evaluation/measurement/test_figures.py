"""The figures of a split: what they are, that a better system has better ones, and what is left out."""

import numpy as np
import pytest

from redheart.configuration.labels import EMOTIONS, PERSPECTIVES, RATED, VERDICTS, VIEWS
from redheart.data.loading import Array, Example, Unit
from redheart.evaluation.measurement.figures import (
    EACH,
    FAULTLESS,
    LIKELIEST,
    NAMED,
    NAMED_ELSEWHERE,
    ONE,
    OTHERS,
    STORED,
    Split,
    measure,
)
from redheart.evaluation.measurement.results import CONSTANT, LINEAR, MODEL, Evaluation, Figure
from redheart.evaluation.measurement.verdict_figures import BY_CONFIDENCE, BY_PROBABILITY

TEXTS = 60


def _emotions(generator: np.random.Generator) -> Array:
    actual = (generator.random((TEXTS, len(EMOTIONS))) < 0.3).astype(np.float32)
    actual[:2] = [[1] * len(EMOTIONS), [0] * len(EMOTIONS)]
    actual[:, -1] = ~actual[:, :-1].any(axis=1)  # neutral beside no feeling
    return actual


def _predictions(**values: Array) -> dict[str, Array]:
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
    perfect = _predictions(emotion_labels=0.1 + 0.8 * actual, arc=0.1 + 0.8 * actual)
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
    predictions = _predictions(emotion_labels=0.1 + 0.3 * actual, arc=actual)  # right order, all below 0.5
    assert _one(_report(units, {MODEL: predictions}), "emotion", "macro F1", rule=STORED).value == 0
    lower = _report(units, {MODEL: predictions}, dict.fromkeys(EMOTIONS, 0.25))
    assert _one(lower, "emotion", "macro F1", rule=STORED).value == pytest.approx(1)


def test_labels_that_some_rows_lack_are_measured_on_the_others(generator: np.random.Generator) -> None:
    actual = _emotions(generator)
    actual[:30, 0] = np.nan
    actual[:, 1] = np.nan
    units: list[Unit] = [(Example(f"text {n}", "set", {"emotion_labels": row}),) for n, row in enumerate(actual)]
    known = np.nan_to_num(actual)
    report = _report(units, {MODEL: _predictions(emotion_labels=known, arc=known)})
    found = _one(report, "emotion", "macro F1")
    assert found.value == pytest.approx(1)
    assert f"{len(EMOTIONS) - 1} labels" in found.rule


def _named() -> tuple[list[Unit], Array, Array]:
    """Texts about which 40 votes say other and 20 author; the scores are right about 45, and surer of 36 of them."""
    truth = np.array([VERDICTS.index("other")] * 40 + [VERDICTS.index("author")] * 20)
    shares = np.eye(len(VERDICTS))[truth]
    predictions = truth.copy()
    predictions[:15] = VERDICTS.index("info")
    sure = np.where(np.arange(TEXTS) < 24, 0.6, 0.8)
    scores = np.tile((1 - sure[:, None]) / 4, (1, len(VERDICTS)))
    scores[np.arange(TEXTS), predictions] = sure
    units: list[Unit] = [
        (Example(f"text {n}", "set", {"verdict_labels": row.astype(np.float32)}),) for n, row in enumerate(shares)
    ]
    return units, scores, shares


def test_coverage_is_beside_wrong_among_named() -> None:
    units, scores, shares = _named()
    prior = np.tile(shares.mean(axis=0), (TEXTS, 1))
    systems = {MODEL: _predictions(verdict_labels=scores), CONSTANT: {"verdict_labels": prior}}
    report = Evaluation("model", 1, "command")
    measure(Split("set", "validation", units, systems), {}, report, verdict_threshold=0.65)
    assert _one(report, "verdict", "accuracy").value == pytest.approx(45 / 60)
    assert _one(report, "verdict", "accuracy", CONSTANT).value == pytest.approx(40 / 60)
    assert _one(report, "verdict", "coverage", rule=NAMED).value == pytest.approx(36 / 60)
    wrong = [item for item in report.find("set", "verdict", "wrong among named") if NAMED in item.rule]
    assert [(item.value, item.rows) for item in wrong] == [(0, TEXTS)]
    assert wrong[0].rule.startswith("coverage 0.60 of the texts")
    # The prior is equally sure of every text: of any share of them, it is as often wrong as of all.
    floor = report.find("set", "verdict", "wrong among named", system=CONSTANT)
    assert [item.value for item in floor] == [pytest.approx(1 / 3), pytest.approx(1 / 3)]
    assert _one(report, "verdict", "coverage", rule=NAMED_ELSEWHERE).value >= 0.5
    (confusion,) = report.confusions
    assert confusion.counts[VERDICTS.index("other")][VERDICTS.index("info")] == 15


def test_without_a_threshold_every_text_is_named() -> None:
    units, scores, _ = _named()
    report = _report(units, {MODEL: _predictions(verdict_labels=scores)})
    assert _one(report, "verdict", "coverage", rule=NAMED).value == 1
    rule = f"coverage 1.00 of the texts, {NAMED}"
    assert _one(report, "verdict", "wrong among named", rule=rule).value == pytest.approx(15 / 60)


def test_the_confidence_tells_right_from_wrong() -> None:
    units, scores, shares = _named()
    right = scores.argmax(axis=1) == shares.argmax(axis=1)
    predictions = _predictions(verdict_labels=scores)
    predictions["expected_loss"] = np.tile(np.where(right, 0.0, 1.0)[:, None], (1, len(RATED)))
    report = _report(units, {MODEL: predictions})
    assert _one(report, "confidence.verdict", "AUROC of right", rule=BY_CONFIDENCE).value == 1
    # 15 wrong ones at .6, as 9 right ones are; 36 right ones at .8.
    likely = _one(report, "confidence.verdict", "AUROC of right", rule=BY_PROBABILITY)
    assert likely.value == pytest.approx((36 + 9 / 2) / 45)
    assert likely.low < likely.value < likely.high


def test_the_confidence_in_emotions_has_two_kinds_of_right(generator: np.random.Generator) -> None:
    actual = np.zeros((TEXTS, len(EMOTIONS)), dtype=np.float32)
    actual[:, 0] = 1
    scores = 0.2 * actual
    scores[:20, 1] = 0.9  # asserted, likeliest, and wrong
    scores[20:40, 0], scores[20:40, 1] = 0.9, 0.8  # likeliest is right, and something wrong is asserted beside it
    scores[40:, 0] = 0.9
    units: list[Unit] = [(Example(f"text {n}", "set", {"emotion_labels": row}),) for n, row in enumerate(actual)]
    predictions = _predictions(emotion_labels=scores, arc=scores)
    predictions["expected_loss"] = np.tile(np.linspace(1, 0, TEXTS)[:, None], (1, len(RATED)))
    report = _report(units, {MODEL: predictions})
    for rule, right in ((LIKELIEST, 40), (FAULTLESS, 20)):
        found = _one(report, "confidence.emotion", "AUROC of right", rule=rule)
        assert (found.value, found.rows) == (1, TEXTS), right


def test_neutral_is_asserted_only_where_no_feeling_is() -> None:
    actual = np.zeros((TEXTS, len(EMOTIONS)), dtype=np.float32)
    actual[: TEXTS // 2, EMOTIONS.index("joy")] = actual[TEXTS // 2 :, EMOTIONS.index("neutral")] = 1
    units: list[Unit] = [(Example(f"text {n}", "set", {"emotion_labels": row}),) for n, row in enumerate(actual)]
    scores = 0.1 + 0.8 * actual
    scores[:, EMOTIONS.index("neutral")] = 0.9  # also of the joyful ones
    report = _report(units, {MODEL: _predictions(emotion_labels=scores, arc=scores)})
    assert _one(report, "emotion", "micro F1", rule=STORED).value == pytest.approx(1)
    assert report.find("set", "emotion", "selective risk")[0].value == 0


def _pairs(target: str, dataset: str = "set") -> list[Unit]:
    return [
        (
            Example(f"good {n}", dataset, {target: np.array([n, 1])}),
            Example(f"bad {n}", dataset, {target: np.array([n, 0])}),
        )
        for n in range(10)
    ]


@pytest.mark.parametrize(
    ("target", "output"),
    [
        ("acceptability_pair_labels", "acceptability_ranking"),
        ("utility_pair_labels", "utility_ranking"),
        ("branch_pair_labels", "counterfactual"),
    ],
)
def test_a_ranking_counts_pairs_and_not_texts(target: str, output: str) -> None:
    scores = np.array([[1.0, 0.0]] * 7 + [[0.0, 1.0]] * 2 + [[0.5, 0.5]]).ravel()
    report = _report(_pairs(target), {MODEL: {target: scores}})
    found = _one(report, output, "pair accuracy")
    assert (found.value, found.rows) == (pytest.approx(0.75), 10)
    assert found.low < 0.75 < found.high
    assert not [item for item in report.figures if "by verdict" in item.output]


@pytest.mark.parametrize("target", ["acceptability_pair_labels", "branch_pair_labels"])
def test_stories_about_others_are_ranked_by_who_is_in_the_wrong_too(target: str) -> None:
    distributions = np.array([[0.1, 0.6, 0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.6, 0.1], [0.0, 0.2, 0.6, 0.1, 0.1]])
    places = [place for worse in [0] * 6 + [2] * 2 for place in (1, worse)] + [0, 1] * 2
    verdicts, scores = distributions[places], np.zeros(20)
    systems = {MODEL: {target: scores, "verdict_labels": verdicts}, LINEAR: {target: np.tile([1.0, 0.0], 10)}}
    report = Evaluation("model", 1, "command")
    measure(Split("moral_stories", "validation", _pairs(target), systems), {}, report)
    values = {(item.output, item.system): item.value for item in report.figures if item.measure == "pair accuracy"}
    name = "counterfactual" if target.startswith("branch") else "acceptability_ranking"
    assert values == {
        (name, MODEL): 0.5,
        (name, LINEAR): 1,
        (f"{name} by verdict", MODEL): 0.8,  # the last two pairs are the wrong way round
        (f"{name} by verdict", LINEAR): 1,  # the floor learned the pairs
    }


def test_acceptability_is_one_number_and_utility_has_three(generator: np.random.Generator) -> None:
    utility = generator.uniform(-1, 1, size=(TEXTS, 3)).astype(np.float32)
    accepted = generator.random(TEXTS).astype(np.float32)
    units: list[Unit] = [
        (Example(f"text {n}", "set", {"utility_labels": row, "acceptability_labels": value}),)
        for n, (row, value) in enumerate(zip(utility, accepted, strict=True))
    ]
    wrong = np.linspace(0, 0.1, TEXTS)
    report = _report(units, {MODEL: _predictions(utility_labels=-utility, acceptability_labels=accepted + wrong)})
    assert _one(report, "acceptability", "Pearson r").value == pytest.approx(1, abs=0.02)
    assert not report.find("set", "acceptability", "mean Pearson r")
    for view in VIEWS:
        assert _one(report, f"utility.{view}", "Pearson r").value == pytest.approx(-1)
    assert _one(report, "utility", "mean Pearson r").value == pytest.approx(-1)
    assert _one(report, "confidence.acceptability", "Spearman r with the real loss").value == pytest.approx(1)


def test_each_perspective_has_its_figures(generator: np.random.Generator) -> None:
    shares = generator.dirichlet(np.ones(len(VERDICTS)), size=(TEXTS, len(PERSPECTIVES)))
    shares[:30, PERSPECTIVES.index("other")] = np.nan
    units: list[Unit] = [(Example(f"text {n}", "set", {"perspective_labels": row}),) for n, row in enumerate(shares)]
    predictions = np.nan_to_num(shares, nan=1 / len(VERDICTS))
    report = _report(units, {MODEL: _predictions(perspective_labels=predictions)})
    assert [_one(report, f"perspectives.{name}", "accuracy").rows for name in PERSPECTIVES] == [TEXTS, 30]
    assert all(_one(report, f"perspectives.{name}", "accuracy").value == 1 for name in PERSPECTIVES)
    assert report.find("set", "confidence.perspectives", "Spearman r with the real loss")


def test_regressions_have_a_figure_for_each_label_and_their_mean(generator: np.random.Generator) -> None:
    actual = generator.normal(size=(TEXTS, 3)).astype(np.float32)
    units: list[Unit] = [(Example(f"text {n}", "set", {"affect_labels": row}),) for n, row in enumerate(actual)]
    values = actual * np.array([2.0, -1.0, 0.0]) + 1
    report = _report(units, {MODEL: _predictions(affect_labels=values)})
    assert _one(report, "affect.valence", "Pearson r").value == pytest.approx(1)
    assert _one(report, "affect.arousal", "Pearson r").value == pytest.approx(-1)
    assert np.isnan(_one(report, "affect.dominance", "Pearson r").value)
    assert _one(report, "affect", "mean Pearson r").value == pytest.approx(0)


def test_a_correct_confidence_ranks_the_losses(generator: np.random.Generator) -> None:
    actual = generator.normal(size=(TEXTS, 3)).astype(np.float32)
    units: list[Unit] = [(Example(f"text {n}", "set", {"affect_labels": row}),) for n, row in enumerate(actual)]
    error = np.linspace(0, 1, TEXTS)[:, None]
    report = _report(units, {MODEL: _predictions(affect_labels=actual + error)})
    assert _one(report, "confidence.affect", "Spearman r with the real loss").value == pytest.approx(1)
