"""Options: unknown ones and values of another type are reported by their place before anything is built."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import EvalPrediction, TrainingArguments

from redheart.data.examples import PAIRS
from redheart.training.callbacks.sweet_spot import SweetSpotCallback
from redheart.training.runs.lr_sweep import sweep_learning_rates
from redheart.training.runs.options import checked_options
from redheart.training.trainers.arguments import RedHeartTrainingArguments
from redheart.training.trainers.loss_means import LOGGED
from redheart.training.trainers.metrics import reading_metrics


def test_options_come_out_as_their_types_say() -> None:
    """Also a number that YAML takes for text, as it does 5e-4."""
    given = {"learning_rate": "5e-4", "num_train_epochs": 2, "seed": 3, "eval_strategy": "epoch", "data_seed": None,
             "report_to": ["tensorboard"], "loss_weights": {"emotion": 2}, "use_cpu": True}  # fmt: skip
    checked = checked_options(RedHeartTrainingArguments, given, "training.")
    assert checked == {**given, "learning_rate": 5e-4}


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (RedHeartTrainingArguments, {"lerning_rate": 1}, r"no option at\.lerning_rate; did you mean 'learning_rate'"),
        (TrainingArguments, {"batch_tokens": 1}, r"no option at\.batch_tokens"),
        (
            RedHeartTrainingArguments,
            {"num_train_epochs": "six"},
            r"at\.num_train_epochs must be of type float, got 'six'",
        ),
        (RedHeartTrainingArguments, {"num_train_epochs": True}, "must be of type float, got True"),
        (RedHeartTrainingArguments, {"max_steps": 2.5}, r"at\.max_steps must be of type int, got 2\.5"),
        (RedHeartTrainingArguments, {"max_steps": [3]}, r"must be of type int, got \[3\]"),
        (RedHeartTrainingArguments, {"use_cpu": "yes"}, "must be of type bool, got 'yes'. Write true or false"),
        (RedHeartTrainingArguments, {"save_strategy": False}, "YAML reads a bare yes, no, .* put it in quotes"),
        (RedHeartTrainingArguments, {"eval_strategy": "epochs"}, "cannot be 'epochs'; did you mean 'epoch'"),
        (RedHeartTrainingArguments, {"optim": "adamw_torhc"}, "cannot be 'adamw_torhc'; did you mean 'adamw_torch'"),
        (RedHeartTrainingArguments, {"learning_rate": None}, r"at\.learning_rate has no value"),
        (RedHeartTrainingArguments, {"seed": {}}, "must be of type int"),
        (SweetSpotCallback, {"windw": 3}, r"no option at\.windw; did you mean 'window'"),
        (SweetSpotCallback, {"window": "three"}, "must be of type int, got 'three'"),
        (sweep_learning_rates, {"step": 3}, "did you mean 'steps'"),
        (sweep_learning_rates, {"low": "tiny"}, "must be of type float, got 'tiny'"),
    ],
)
def test_what_is_wrong_is_named(kind: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked_options(kind, options, "at.")


def test_what_is_given_elsewhere_is_refused() -> None:
    with pytest.raises(ValueError, match=r"training\.output_dir cannot be given here: name `output`"):
        checked_options(TrainingArguments, {"output_dir": "x"}, "training.", {"output_dir": "name `output`"})


@pytest.mark.parametrize(
    ("metric", "greater"),
    [
        *((f"eval_loss_{name}", False) for name in (*LOGGED, "supervised")),
        ("loss_supervised", False),
        ("eval_loss", False),
        ("eval_mine_loss_verdict", False),  # of an evaluation set that is called "mine"
        ("eval_expected_calibration_error", False),
        ("eval_soft_cross_entropy", False),
        ("eval_verdict_accuracy", True),
        ("eval_emotion_f1", True),
        ("eval_loss_reports_verdict_f1", True),  # of a set that is called "loss_reports"
        (None, None),
    ],
)
def test_the_best_checkpoint_has_the_lowest_loss(metric: str | None, greater: bool | None, tmp_path: Path) -> None:
    def of(**options: Any) -> bool | None:
        return RedHeartTrainingArguments(str(tmp_path), use_cpu=True, **options).greater_is_better

    assert of(metric_for_best_model=metric) is greater
    assert of(metric_for_best_model=metric, greater_is_better=True)


def test_of_what_an_evaluation_measures_beside_the_losses_the_highest_is_best(tmp_path: Path) -> None:
    """Of its kind: the next measure of `reading_metrics`."""
    truth = {"emotion_labels": np.eye(4, 28), "verdict_labels": np.eye(4, 5)}
    pairs = {name: np.tile([1.0, 0.0], (4, 1)) for name in PAIRS}
    measured = reading_metrics(EvalPrediction(truth | pairs, truth | pairs))  # type: ignore[arg-type]  # by target
    assert len(measured) == 8
    for name in measured:
        own = RedHeartTrainingArguments(str(tmp_path), use_cpu=True, metric_for_best_model=f"eval_{name}")
        assert own.greater_is_better


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_train_epochs", 0),
        ("num_train_epochs", -1),
        ("num_train_epochs", float("nan")),
        ("max_steps", 0),
        ("max_steps", -2),
        ("per_device_train_batch_size", 0),
        ("per_device_eval_batch_size", 0),
        ("gradient_accumulation_steps", 0),
        ("learning_rate", -1e-4),
        ("learning_rate", float("nan")),
        ("weight_decay", -1.0),
        ("max_grad_norm", float("inf")),
    ],
)
def test_values_that_train_nothing_are_refused_by_name(tmp_path: Path, name: str, value: float) -> None:
    """Kind: an inherited option whose nonsense shows late, as a run without a step or an error without a name."""
    with pytest.raises(ValueError, match=f"`{name}`"):
        RedHeartTrainingArguments(output_dir=str(tmp_path), report_to="none", **{name: value})
