"""Whole runs with the sweet spot: a model that learns by heart, a kill and a resume, two processes, Red Heart."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import debug_launcher
from accelerate.state import AcceleratorState
from torch import Tensor, nn
from torch.utils.data import Dataset
from transformers import PreTrainedConfig, PreTrainedModel, Trainer, TrainerCallback

from redheart import RedHeartModel
from redheart.modeling_redheart.digests import digest
from redheart.training.callbacks.snapshots import tensors_of
from redheart.training.callbacks.sweet_spot import SweetSpotCallback, redheart_modules

from ...fixtures.runs import report_in, small_arguments


class TinyConfig(PreTrainedConfig):
    model_type = "tiny-sweet-spot"


class TinyClassifier(PreTrainedModel):
    """A perceptron of two layers that can learn by heart."""

    config_class = TinyConfig
    accepts_loss_kwargs = False

    def __init__(self, config: TinyConfig) -> None:
        super().__init__(config)
        self.encoder = nn.Sequential(nn.Linear(8, 64), nn.BatchNorm1d(64), nn.ReLU())
        self.classifier = nn.Linear(64, 2)
        self.post_init()

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"loss": nn.functional.cross_entropy(self.classifier(self.encoder(x)), labels)}


class Noisy(Dataset[dict[str, Tensor]]):
    """Points that one direction separates; of those to train on, every third has the wrong label."""

    def __init__(self, count: int, seed: int, wrong: bool) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.x = torch.randn(count, 8, generator=generator)
        self.labels = (self.x[:, 0] > 0).long()
        if wrong:
            self.labels[::3] = 1 - self.labels[::3]

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, place: int) -> dict[str, Tensor]:
        return {"x": self.x[place], "labels": self.labels[place]}


class StopAt(TrainerCallback):
    """Ends a run as a kill right after a checkpoint would."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        control.should_training_stop = state.global_step >= self.step


def overfit(folder: Path, others: Sequence[TrainerCallback] = (), resume: bool = False) -> Trainer:
    torch.manual_seed(0)
    args = small_arguments(
        folder, num_train_epochs=40, per_device_train_batch_size=8, learning_rate=0.01, weight_decay=0.1,
        eval_strategy="epoch", logging_strategy="epoch", save_strategy="epoch", save_total_limit=2,
        label_names=["labels"], restore_callback_states_from_checkpoint=True,
    )  # fmt: skip
    modules = {"encoder": ["eval_loss"], "classifier": ["eval_loss"]}
    trainer = Trainer(
        model=TinyClassifier(TinyConfig()),
        args=args,
        train_dataset=Noisy(24, 1, wrong=True),
        eval_dataset=Noisy(64, 2, wrong=False),
        callbacks=[SweetSpotCallback(modules, plot=False), *others],
    )
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def overfit_together(folder: Path) -> None:
    """`overfit` in one of several processes; each writes what it ended with."""
    AcceleratorState._reset_state(reset_partial_state=True)  # the parent's, which a fork inherits
    trainer = overfit(folder)
    words = f"{trainer.args.world_size} {trainer.state.global_step} {digest(tensors_of(trainer.model))}"
    (folder / f"rank-{trainer.args.process_index}").write_text(words)


def test_a_model_that_learns_by_heart_ends_at_its_best_evaluation(tmp_path: Path) -> None:
    trainer = overfit(tmp_path / "whole")
    report = report_in(tmp_path / "whole", "sweet_spot")
    losses = {e["step"]: e["eval_loss"] for e in trainer.state.log_history if "eval_loss" in e}
    best = min(losses, key=lambda step: losses[step])
    assert report["finished"]
    assert trainer.state.global_step < trainer.state.max_steps
    for path, course in report["modules"].items():
        assert course["best_step"] == best
        assert course["hash"] == digest(tensors_of(trainer.model.get_submodule(path)))
    # Both modules are from one evaluation, so the model has its loss again.
    assert trainer.evaluate()["eval_loss"] == pytest.approx(losses[best])

    killed = overfit(tmp_path / "killed", [StopAt(best)])
    assert killed.state.global_step == best
    resumed = overfit(tmp_path / "killed", resume=True)
    assert report_in(tmp_path / "killed", "sweet_spot") == report
    assert resumed.state.global_step == trainer.state.global_step
    for name, tensor in trainer.model.state_dict().items():
        assert torch.equal(tensor, resumed.model.state_dict()[name])


@pytest.mark.slow
def test_two_processes_end_with_the_same_weights(tmp_path: Path) -> None:
    debug_launcher(overfit_together, args=(tmp_path,), num_processes=2)
    first, second = ((tmp_path / f"rank-{rank}").read_text() for rank in range(2))
    assert first == second
    assert first.startswith("2 ")
    report = report_in(tmp_path, "sweet_spot")
    assert report["finished"]
    assert {course["rule"] for course in report["modules"].values()} <= {"rising", "cusum", "gap", "plateau"}


def test_it_follows_a_red_heart_run(
    tmp_path: Path, tiny_model: Callable[..., RedHeartModel], make_trainer: Callable[..., Any], units: list[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    options = {"num_train_epochs": 2, "eval_strategy": "epoch", "eval_dataset": units[::2], "ema_decay": 0.5}
    with caplog.at_level(logging.WARNING):
        callback = SweetSpotCallback(redheart_modules(), plot=False)
        make_trainer(tiny_model(), units, callbacks=[callback], **options).train()
    history = callback.histories["emotion_analyzer"]
    assert len(history.values) == 2
    assert set(history.units) == {"eval_loss_emotion", "eval_loss_arc"}
    assert None not in history.gaps
    assert "'bentham_head': left out" in caplog.text
