"""The averaged weights: what they are, that evaluation and saving use them, and that a resumed run has them too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import TrainerCallback

from redheart import RedHeartModel
from redheart.data.loading import Unit
from redheart.storage.strict_loading import load_strict
from redheart.training.trainers.ema import ExponentialAverage
from redheart.training.trainers.trainer import RedHeartTrainer

MakeTrainer = Callable[..., RedHeartTrainer]
MakeModel = Callable[..., RedHeartModel]


def test_the_average_of_three_steps_by_hand() -> None:
    layer = nn.Linear(1, 1, bias=False)
    layer.weight.data.fill_(1.0)
    average = ExponentialAverage(layer, decay=0.5)
    for value in (3.0, 5.0):
        layer.weight.data.fill_(value)
        average.update()
    # 1 -> (1 + 3) / 2 = 2 -> (2 + 5) / 2 = 3.5
    assert average.averages["weight"].item() == 3.5
    with average.in_use():
        assert layer.weight.item() == 3.5
        with average.in_use():  # an evaluation within an evaluation
            assert layer.weight.item() == 3.5
        assert layer.weight.item() == 3.5
    assert layer.weight.item() == 5.0


def test_small_steps_are_not_lost_in_bfloat16() -> None:
    layer = nn.Linear(1, 1, bias=False).to(torch.bfloat16)
    layer.weight.data.fill_(1.0)
    average = ExponentialAverage(layer, decay=0.999)
    layer.weight.data.fill_(2.0)
    for _ in range(100):
        average.update()
    assert average.averages["weight"].item() == pytest.approx(2 - 0.999**100, abs=1e-4)


def test_weights_restored_while_the_average_is_in_use_are_kept() -> None:
    layer = nn.Linear(1, 2)
    average = ExponentialAverage(layer, decay=0.9)
    layer.weight.data.fill_(4.0)
    bias = layer.bias.detach().clone()
    with average.in_use(), torch.no_grad():
        layer.weight.fill_(7.0)  # as a callback does that puts a module back to a snapshot
    assert (layer.weight == 7.0).all()
    assert (average.averages["weight"] == 7.0).all()
    assert torch.equal(layer.bias, bias)


def test_evaluation_and_saving_use_the_average(
    tmp_path: Path, units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    model = tiny_model()
    seen: dict[str, Any] = {}

    class Look(TrainerCallback):
        def on_evaluate(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
            seen["evaluated"] = {name: value.detach().clone() for name, value in model.named_parameters()}

        def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
            seen["trained"] = {name: value.detach().clone() for name, value in model.named_parameters()}

    trainer = make_trainer(
        model, units, ema_decay=0.9, max_steps=4, learning_rate=1e-2, eval_strategy="steps", eval_steps=4,
        eval_dataset=units, callbacks=[Look()],
    )  # fmt: skip
    trainer.train()
    name = "emotion_head.queries.weight"
    assert not torch.equal(seen["evaluated"][name], seen["trained"][name])
    trainer.save_model(str(tmp_path / "saved"))
    saved = dict(load_strict(tmp_path / "saved").named_parameters())
    for key, value in seen["evaluated"].items():
        assert torch.equal(saved[key], value), key
    assert torch.equal(dict(model.named_parameters())[name], seen["evaluated"][name]), "after training the model is it"


def test_a_resumed_run_has_both_the_weights_and_their_average(
    tmp_path: Path, units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    options = {"ema_decay": 0.8, "max_steps": 4, "learning_rate": 1e-2, "save_strategy": "steps", "save_steps": 2}
    unbroken = make_trainer(tiny_model(), units, "one", **options)
    unbroken.train()
    checkpoint = tmp_path / "one" / "checkpoint-2"
    resumed = make_trainer(tiny_model(seed=1), units, "two", **options)
    resumed.train(resume_from_checkpoint=str(checkpoint))
    for (name, one), other in zip(unbroken.model.named_parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(one, other), name
    # The checkpoint's model has the average; the weights that training continues with are in a file beside it.
    without = make_trainer(tiny_model(), units, "three", **{**options, "ema_decay": None})
    without.train()
    with pytest.raises(ValueError, match="was saved without `ema_decay`"):
        make_trainer(tiny_model(), units, "four", **options).train(
            resume_from_checkpoint=str(tmp_path / "three" / "checkpoint-2")
        )
    # Nor the other way round: the optimiser's state is not that of the average.
    with pytest.raises(ValueError, match=r"checkpoint-2 was saved with `ema_decay`, .* set `ema_decay` to continue"):
        make_trainer(tiny_model(), units, "five", **{**options, "ema_decay": None}).train(
            resume_from_checkpoint=str(checkpoint)
        )
