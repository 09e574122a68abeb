"""Models of transformers in a `RetryingTrainer`: what is learned and measured stays the same when memory runs out."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    Trainer,
)

from redheart.training.trainers.oom_callback import OOMCallback
from redheart.training.trainers.out_of_memory import MemoryExhaustedError
from redheart.training.trainers.retrying_trainer import RetryingTrainer

from ...fixtures.runs import losses_of, small_arguments

Rows = list[dict[str, Any]]


def inputs(place: int) -> list[int]:
    return [1 + place % 5, 2 + place % 3, 6 + place % 7, 3]


def classifier() -> tuple[PreTrainedModel, Rows]:
    """Its loss is a mean over the rows, although it takes the number of items."""
    model = BertForSequenceClassification(config(num_labels=2))
    return model, [{"input_ids": inputs(place), "labels": place % 2} for place in range(12)]


def masked() -> tuple[PreTrainedModel, Rows]:
    """Its loss is a mean over tokens, of which the rows have different numbers, one of them none."""
    hidden = [[-100] * (place % 5) + inputs(place)[place % 5 :] for place in range(12)]
    return BertForMaskedLM(config()), [{"input_ids": inputs(i), "labels": row} for i, row in enumerate(hidden)]


def causal() -> tuple[PreTrainedModel, Rows]:
    """Its loss is a sum over tokens divided by the items of the step."""
    _, rows = masked()
    sizes = config().to_dict()
    names = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    return LlamaForCausalLM(LlamaConfig(**{name: sizes[name] for name in names}, initializer_range=0.5)), rows


def plain() -> tuple[PreTrainedModel, Rows]:
    """It does not take the number of items, so that the trainer divides by the accumulation."""
    model, rows = classifier()
    model.accepts_loss_kwargs = False
    return model, rows


def config(**options: Any) -> BertConfig:
    torch.manual_seed(0)
    return BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, initializer_range=0.5, **options,
    )  # fmt: skip


def make(
    kind: type[Trainer], made: tuple[PreTrainedModel, Rows], folder: Path, callbacks: Any = (), **options: Any
) -> Any:
    model, rows = made
    defaults: dict[str, Any] = {
        "per_device_train_batch_size": 4, "per_device_eval_batch_size": 6, "num_train_epochs": 2, "optim": "sgd",
        "learning_rate": 0.2, "logging_steps": 1, "remove_unused_columns": False,
    }  # fmt: skip
    arguments = small_arguments(folder, **{**defaults, **options})
    data: Any = rows
    return kind(model=model, args=arguments, train_dataset=data, eval_dataset=data, callbacks=list(callbacks))


def starve(model: Any, most: int, calls: Sequence[int] = range(10**6)) -> None:
    """From now on there is memory for ``most`` rows in those of the model's passes over more rows."""
    forward, seen = model.forward, iter(range(10**6))

    def scarce(*args: Any, **kwargs: Any) -> Any:
        if len(kwargs["input_ids"]) > most and next(seen) in calls:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return forward(*args, **kwargs)

    model.forward = scarce


def assert_same_weights(one: Any, other: Any) -> None:
    for (name, value), target in zip(one.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(value, target, atol=1e-6, rtol=1e-5, msg=name)


MODELS = [classifier, masked, causal, plain]


@pytest.mark.parametrize("accumulation", [1, 3])
@pytest.mark.parametrize("made", MODELS)
def test_it_learns_what_a_trainer_with_enough_memory_does(
    tmp_path: Path, made: Callable[[], tuple[PreTrainedModel, Rows]], accumulation: int
) -> None:
    options = {"gradient_accumulation_steps": accumulation}
    enough = make(Trainer, made(), tmp_path / "enough", **options)
    enough.train()
    scarce = make(RetryingTrainer, made(), tmp_path / "scarce", **options)
    starve(scarce.model, 1, calls=[0, 1, 4])
    scarce.train()
    assert {event.phase for event in scarce.out_of_memory} == {"train"}
    assert losses_of(scarce) == pytest.approx(losses_of(enough), rel=1e-5)
    assert_same_weights(scarce.model, enough.model)


@pytest.mark.parametrize("made", MODELS)
def test_it_measures_and_predicts_the_same(tmp_path: Path, made: Callable[[], tuple[PreTrainedModel, Rows]]) -> None:
    enough, scarce = (make(kind, made(), tmp_path) for kind in (Trainer, RetryingTrainer))
    starve(scarce.model, 2)
    expected, found = (trainer.predict(trainer.eval_dataset) for trainer in (enough, scarce))
    np.testing.assert_allclose(found.predictions, expected.predictions, atol=1e-5)
    np.testing.assert_array_equal(found.label_ids, expected.label_ids)
    assert found.metrics["test_loss"] == pytest.approx(expected.metrics["test_loss"], rel=1e-5)
    assert [(event.phase, event.shape, event.pieces) for event in scarce.out_of_memory] == [("eval", (6, 4), 4)] * 2


def test_the_report_is_written_when_the_run_ends_out_of_memory(tmp_path: Path) -> None:
    for phase in ("train", "evaluate"):
        trainer = make(RetryingTrainer, classifier(), tmp_path / phase, [OOMCallback(plot=False)])
        starve(trainer.model, 0)
        with pytest.raises(MemoryExhaustedError, match="even with one text"):
            getattr(trainer, phase)()
        report = json.loads((tmp_path / phase / "out_of_memory_report.json").read_text())
        assert [event["pieces"] for event in report["events"]] == [0]
        assert "CUDA out of memory" in report["events"][0]["message"]


def test_a_batch_that_cannot_be_cut_is_not_run_again(tmp_path: Path) -> None:
    trainer = make(RetryingTrainer, classifier(), tmp_path)
    calls: list[int] = []

    def forward(scale: Tensor, **inputs: Any) -> Any:
        calls.append(len(inputs["input_ids"]))
        raise torch.OutOfMemoryError("CUDA out of memory.")

    trainer.model.forward = forward
    collate = trainer.data_collator
    trainer.data_collator = lambda rows: {**collate(rows), "scale": torch.tensor(1.0)}
    with pytest.raises(MemoryExhaustedError):
        trainer.train()
    assert calls == [4]


def test_two_processes_of_which_one_runs_out(
    tmp_path: Path, in_two_processes: Callable[[Callable[[], object]], None]
) -> None:
    def train() -> None:
        found = []
        for kind in (Trainer, RetryingTrainer):
            trainer = make(kind, classifier(), tmp_path / kind.__name__, gradient_accumulation_steps=2, ddp_timeout=600)
            assert trainer.args.world_size == 2
            if kind is RetryingTrainer and trainer.args.process_index == 1:
                starve(trainer.model, 1, calls=[1, 2])
            trainer.train()
            found.append(trainer)
        enough, scarce = found
        assert scarce.out_of_memory, "the other process knows of it, too"
        assert losses_of(scarce) == pytest.approx(losses_of(enough), rel=1e-5)
        assert_same_weights(scarce.model, enough.model)

    in_two_processes(train)
