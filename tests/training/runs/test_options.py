"""Options: what there is not, and what is of another type, is told by its place before anything is built."""

from typing import Any

import pytest
from transformers import TrainingArguments

from redheart.training.callbacks.sweet_spot import SweetSpotCallback
from redheart.training.runs.lr_sweep import sweep_learning_rates
from redheart.training.runs.options import checked_options
from redheart.training.trainers.arguments import RedHeartTrainingArguments


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
