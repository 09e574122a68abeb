"""Accuracy and F1 of an evaluation: from the targets that a batch has, worked out by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from transformers import EvalPrediction

from redheart import RedHeartModel
from redheart.configuration.labels import EMOTIONS, VERDICTS
from redheart.training.trainers.metrics import Readings, reading_metrics

JOY, ANGER = EMOTIONS.index("joy"), EMOTIONS.index("anger")


def measured(**targets: tuple[Any, Any]) -> dict[str, float]:
    predictions, true = ({name: np.array(both[side], dtype=float) for name, both in targets.items()} for side in (0, 1))
    return reading_metrics(EvalPrediction(predictions=predictions, label_ids=true))  # type: ignore[arg-type]


def test_verdicts_are_counted_over_those_that_occur() -> None:
    one_hot = np.eye(len(VERDICTS))
    found = measured(verdict_labels=(one_hot[[0, 0, 1, 1]], one_hot[[0, 0, 1, 0]]))
    assert found["verdict_accuracy"] == 0.75
    assert found["verdict_f1"] == pytest.approx((4 / 5 + 2 / 3) / 2)
    perfect = measured(verdict_labels=(one_hot[[0] * 48], one_hot[[0] * 48]))
    assert perfect == {"verdict_accuracy": 1.0, "verdict_f1": 1.0}


def test_emotions_are_asserted_as_a_reading_asserts_them() -> None:
    scores, labels = np.zeros((3, 28)), np.zeros((3, 28))
    scores[[0, 1], JOY], labels[[0, 2], JOY] = 0.9, 1
    scores[2, ANGER], labels[2, ANGER] = 0.6, 1
    found = measured(emotion_labels=(scores, labels))
    assert found["emotion_f1"] == pytest.approx((1 / 2 + 1) / 2)
    assert found["emotion_micro_f1"] == pytest.approx(4 / 6)
    assert set(found) == {"emotion_f1", "emotion_micro_f1", "emotion_average_precision"}
    labels[:, 5] = np.nan  # of which nothing is known
    assert set(measured(emotion_labels=(scores, labels))) == {"emotion_f1", "emotion_micro_f1"}
    assert measured(emotion_labels=(scores, np.zeros((3, 28)))) == {"emotion_micro_f1": 0.0}


def test_a_ranking_is_right_where_the_better_text_scores_higher() -> None:
    scores = [[2.0, 1.0], [0.0, 3.0], [1.0, 1.0]]
    pairs = [[1, 0]] * 3
    found = measured(utility_pair_labels=(scores, pairs), branch_pair_labels=(scores[:1], pairs[:1]))
    assert found == {"utility_ranking_accuracy": 0.5, "counterfactual_accuracy": 1.0}


def test_readings_of_batches_are_put_together(
    lively: RedHeartModel, batch: dict[str, torch.Tensor], targets: dict[str, torch.Tensor]
) -> None:
    """Whatever is missing; the better text of a pair first, in whatever row it stands."""
    emotions = targets["emotion_labels"].clone()
    emotions[1] = torch.nan
    given = {
        "emotion_labels": emotions,
        "utility_pair_labels": targets["utility_pair_labels"],
        "nuance_labels": torch.full((4, 28), -100),
    }
    with torch.no_grad():
        reading = lively(**batch)
    first, second = Readings(), Readings()
    first.add(reading, {**batch, **given}, temperature=1.0)
    second.add(reading, {**batch, "verdict_labels": targets["verdict_labels"]}, temperature=2.0)
    first.merge([second, second])
    found = first.prediction()
    predictions: Any = found.predictions
    true: Any = found.label_ids
    assert {name: value.shape for name, value in predictions.items()} == {
        "emotion_labels": (3, 28), "utility_pair_labels": (2, 2), "verdict_labels": (8, 5),
    }  # fmt: skip
    actual = reading.counterfactual.utility_logits[:, 1]
    np.testing.assert_allclose(predictions["utility_pair_labels"], actual[torch.tensor([[0, 1], [3, 2]])], rtol=1e-5)
    np.testing.assert_allclose(predictions["verdict_labels"][:4], (reading.verdict.logits / 2).softmax(-1), rtol=1e-5)
    assert true["emotion_labels"].tolist() == emotions[[0, 2, 3]].tolist()


def test_a_trainer_logs_them(
    units: list[Any], make_trainer: Callable[..., Any], tiny_model: Callable[..., Any]
) -> None:
    """In training's log and from `evaluate`, by the name of the set; with one's own measures, or without any."""
    trainer = make_trainer(
        tiny_model(), units, max_steps=1, eval_dataset={"held": units[:6]}, eval_strategy="steps", eval_steps=1
    )
    trainer.train()
    logged = next(entry for entry in trainer.state.log_history if "eval_held_loss" in entry)
    assert 0 <= logged["eval_held_emotion_f1"] <= 1
    assert 0 < logged["eval_held_emotion_average_precision"] <= 1

    def mine(prediction: EvalPrediction) -> dict[str, float]:
        predictions: Any = prediction.predictions
        return {"texts": float(len(predictions["emotion_labels"]))}

    for measure, wanted in ((mine, {"eval_texts": 6.0}), (None, {})):
        trainer = make_trainer(tiny_model(), units, eval_dataset=units[:6], compute_metrics=measure)
        metrics = trainer.evaluate()
        assert {
            name: value
            for name, value in metrics.items()
            if "loss" not in name and name in ("eval_texts", "eval_emotion_f1")
        } == wanted
