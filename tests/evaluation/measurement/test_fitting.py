"""What is fitted: thresholds, temperature, and from which probability on a verdict is named, and where they go."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from redheart.configuration.labels import EMOTIONS, RATED, VERDICTS
from redheart.data.loading import Array, DataError, Example, Unit
from redheart.evaluation.measurement.fitting import (
    fit,
    fit_emotion_thresholds,
    fit_naming_threshold,
    fit_unordered,
    fit_withheld,
)
from redheart.evaluation.measurement.rows import FITTED_ON, fitting_units

OTHER, AUTHOR = VERDICTS.index("other"), VERDICTS.index("author")
JOY, NEUTRAL = EMOTIONS.index("joy"), EMOTIONS.index("neutral")


def _answers(right: list[int], sure: list[float]) -> tuple[Array, Array]:
    """Probabilities whose most probable verdict has the probability ``sure``, and shares that it is right about."""
    predictions = np.tile((1 - np.array(sure)[:, None]) / 4, (1, len(VERDICTS)))
    predictions[:, OTHER] = sure
    return predictions, np.eye(len(VERDICTS))[np.where(right, OTHER, AUTHOR)]


def test_at_most_one_in_ten_named_verdicts_is_wrong() -> None:
    # Of the 20 surest two are wrong, a tenth; of 21 three are.
    right = [1] * 10 + [0, 0] + [1] * 8 + [0] * 10
    assert fit_naming_threshold(*_answers(right, [0.9 - 0.01 * n for n in range(30)])) == pytest.approx(0.71)


def test_half_of_the_texts_are_named_whatever_is_wrong() -> None:
    sure = [0.9 - 0.01 * n for n in range(30)]
    assert fit_naming_threshold(*_answers([0] * 30, sure)) == pytest.approx(0.76)  # of the 15th
    assert fit_naming_threshold(*_answers([1] * 5 + [0] * 25, sure)) == pytest.approx(0.76)
    # Equally sure ones are named together.
    assert fit_naming_threshold(*_answers([0] * 4, [0.9, 0.5, 0.5, 0.4])) == 0.5


def test_a_tie_of_votes_is_right() -> None:
    predictions, shares = _answers([0] * 10, [0.9 - 0.01 * n for n in range(10)])
    shares[:, OTHER] = shares[:, AUTHOR] = 0.5
    assert fit_naming_threshold(predictions, shares) == pytest.approx(0.81)  # of the last: all are named


def test_neutral_is_fitted_to_what_is_left_to_it() -> None:
    """Neutral is more probable where joy is asserted than where nothing is: what counts is the latter."""
    actual = np.zeros((90, len(EMOTIONS)), dtype=np.float32)
    actual[:60, JOY], actual[60:, NEUTRAL] = 1, 1
    scores = np.full(actual.shape, 0.1)
    scores[:60, JOY] = 0.9
    scores[:60, NEUTRAL], scores[60:, NEUTRAL] = 0.6, 0.4
    found = fit_emotion_thresholds(scores, actual)
    assert 0.1 < found[JOY] <= 0.9
    assert found[NEUTRAL] <= 0.4


def _of_joy(rows: list[tuple[str, bool, float]]) -> tuple[list[Unit], Any]:
    """Texts of a set that have joy or not, and the predictions about it."""
    units: list[Unit] = []
    scores = np.zeros((len(rows), len(EMOTIONS)))
    for place, (source, there, score) in enumerate(rows):
        labels = np.zeros(len(EMOTIONS), dtype=np.float32)
        labels[JOY], scores[place, JOY] = there, score
        units.append((Example(str(place), source, {"emotion_labels": labels}),))
    return units, lambda _: {"emotion_labels": scores}


def test_every_set_weighs_the_same() -> None:
    rows = [("comments", True, 0.6)] * 500 + [("comments", False, 0.35)] * 300 + [("comments", False, 0.1)] * 200
    rows += [("cases", True, 0.3)] * 50 + [("cases", False, 0.05)] * 50
    model: Any = SimpleNamespace(config=SimpleNamespace())
    units, predictor = _of_joy(rows)
    found = fit(model, predictor, units)
    assert 0.1 < model.config.thresholds["joy"] <= 0.3  # half of the joyful cases' weight is worth the comments' errors
    assert found["thresholds fitted on"] == "1,000 texts of comments, 100 texts of cases, every set weighing the same"
    units, predictor = _of_joy([("all", there, score) for _, there, score in rows])
    found = fit(model, predictor, units)
    assert 0.35 < model.config.thresholds["joy"] <= 0.6
    assert found["thresholds fitted on"] == "1,100 texts of all"


def test_everything_goes_into_the_config() -> None:
    generator = np.random.default_rng(0)
    truth = np.where(generator.random(300) < 0.2, AUTHOR, OTHER)
    logits = generator.normal(size=(300, len(VERDICTS)))
    logits[np.arange(300), truth] += 2
    shares = np.eye(len(VERDICTS))[truth].astype(np.float32)
    actual = (generator.random((300, len(EMOTIONS))) < 0.3).astype(np.float32)
    units: list[Unit] = [
        (Example(str(n), "set", {"emotion_labels": actual[n], "verdict_labels": shares[n]}),) for n in range(300)
    ]
    model: Any = SimpleNamespace(config=SimpleNamespace())
    predictions = {
        "emotion_labels": 0.2 + 0.1 * actual,
        "verdict_logits": 3 * logits,
        "expected_loss": np.ones((300, 13)),
    }
    predictor: Any = lambda _: predictions  # noqa: E731
    found = fit(model, predictor, units)
    assert set(model.config.thresholds) == set(EMOTIONS)
    assert all(0.2 < model.config.thresholds[name] <= 0.3 for name in EMOTIONS if name != "neutral")
    assert model.config.verdict_temperature > 1.3  # three times too sure
    assert 0.2 < model.config.verdict_threshold < 1
    assert found["verdict_threshold"] == model.config.verdict_threshold
    assert found["verdict fitted on"] == "300 texts of set"
    assert model.config.withheld == ["confidence.emotion", "confidence.verdict"]  # all of them equally sure


def test_what_does_not_follow_its_labels_is_withheld() -> None:
    generator = np.random.default_rng(0)
    actual = generator.random((80, 3)).astype(np.float32)
    actual[:, 2] = 0.5  # labels that do not differ show nothing
    units: list[Unit] = [(Example(str(n), "set", {"affect_labels": actual[n]}),) for n in range(80)]
    predictions = np.stack(
        [actual[:, 0] + 0.3 * generator.random(80), generator.random(80), generator.random(80)], axis=1
    )
    assert fit_withheld({"affect_labels": predictions}, units) == ["affect.arousal", "affect.dominance"]
    assert fit_withheld({"affect_labels": predictions[:20]}, units[:20]) == []  # too few to judge
    assert fit_withheld({"affect_labels": -predictions}, units)[0] == "affect.valence"


def test_a_confidence_that_does_not_order_the_errors_is_withheld() -> None:
    generator = np.random.default_rng(0)
    actual = generator.random((80, 3)).astype(np.float32)
    units: list[Unit] = [(Example(str(n), "set", {"affect_labels": actual[n]}),) for n in range(80)]
    wrong_by = generator.random(80)
    predictions = {"affect_labels": actual + wrong_by[:, None]}

    def withheld(expected: Array) -> list[str]:
        return fit_unordered(predictions | {"expected_loss": np.tile(expected[:, None], (1, len(RATED)))}, units)

    assert withheld(wrong_by**2 + 0.1 * generator.random(80)) == []
    for useless in (generator.random(80), np.full(80, 0.3), -wrong_by):
        assert withheld(useless) == ["confidence.affect"]  # and nothing that has no labels here
    assert (
        fit_unordered(
            {"affect_labels": predictions["affect_labels"][:9], "expected_loss": np.zeros((9, 13))}, units[:9]
        )
        == []
    )


def test_there_must_be_something_to_fit_on() -> None:
    nothing: Any = None
    with pytest.raises(ValueError, match="no row has emotions or a verdict"):
        fit(nothing, nothing, [(Example("text", "set"),)])


def test_the_verdict_is_fitted_on_the_cases_alone() -> None:
    try:
        units = fitting_units(None)
    except DataError as error:
        pytest.skip(str(error))
    items = [item for unit in units for item in unit]
    assert {item.source for item in items if "emotion_labels" in item.targets} == {name for name, _ in FITTED_ON}
    assert {item.source for item in items if "verdict_labels" in item.targets} == {"cases"}
